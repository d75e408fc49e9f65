/** What types of values read without their schema: it has to be what the schema makes of it. */
import t from 'tap';
import { addressRanges, credentials } from '../../../src/config/values/access-values.js';
import {
  filePaths,
  hostPolicy,
  listenAddresses,
  originPolicy,
  subprotocolPolicy,
  unixMode,
  wordList,
} from '../../../src/config/values/list-values.js';
import { sizeOrAuto } from '../../../src/config/values/memory-values.js';
import { adminAddress, healthPath } from '../../../src/config/values/operation-values.js';
import { hostName, proxyVersion, routes, target } from '../../../src/config/values/proxy-values.js';
import {
  factor,
  fileSize,
  headerNames,
  payloadShare,
  recordedSession,
} from '../../../src/config/values/recording-values.js';
import {
  type ValueType,
  choice,
  count,
  duration,
  file,
  readValue,
  size,
  toggle,
  toggleOrAuto,
} from '../../../src/config/values/values.js';
import { workerCount } from '../../../src/config/values/worker-values.js';

const loopback = { kind: 'tcp', host: '127.0.0.1', port: 80 };

/** The type; what it reads, with the value; what it leaves to its schema, whether that takes it or not. */
const TYPES: Readonly<
  Record<
    string,
    readonly [
      type: ValueType<unknown>,
      read: readonly (readonly [given: unknown, value: unknown])[],
      left: readonly unknown[],
    ]
  >
> = {
  toggle: [toggle(), [[true, true]], ['true', 1]],
  toggleOrAuto: [
    toggleOrAuto(),
    [
      [false, false],
      ['auto', 'auto'],
    ],
    ['off'],
  ],
  choice: [choice('WORD', ['one', 'two']), [['two', 'two']], ['three', 2]],
  size: [size({ min: 1024, max: 4096 }), [['2k', 2048]], ['1', '5k', 'off', 2048, '2 k']],
  'size or off': [size({ min: 1024, canBeOff: true }), [['off', 0]], ['none']],
  duration: [
    duration({ canBeOff: true }),
    [
      ['5m', 300_000],
      ['off', 0],
    ],
    ['5', 5, '0s'],
  ],
  count: [count({ min: 2, max: 9 }), [['3', 3]], ['1', '10', '03', '3.0', '', 3]],
  file: [
    file(),
    [
      ['off', null],
      ['a', 'a'],
    ],
    ['', 1],
  ],
  listenAddresses: [
    listenAddresses(),
    [[['80'], [loopback]]],
    ['80', ['80', '81'], ['80', '80'], ['x:y'], [80], []],
  ],
  unixMode: [unixMode(), [['umask', null]], ['0660', 'off']],
  subprotocolPolicy: [subprotocolPolicy(), [['first', 'first']], ['mqtt', 'a,a']],
  originPolicy: [originPolicy(), [['any', 'any']], [['any'], 'null']],
  hostPolicy: [hostPolicy(), [['auto', 'auto']], ['local', 'a.example']],
  filePaths: [filePaths(), [[['none'], []]], ['none', ['none', 'none'], ['a']]],
  wordList: [wordList(['one', 'two']), [['none', []]], ['one', ['none'], 'three']],
  addressRanges: [addressRanges('any'), [[['any'], []]], ['any', ['none'], ['::1']]],
  credentials: [credentials(), [['off', null]], ['user:password', 'user']],
  sizeOrAuto: [
    sizeOrAuto(1024, 4096),
    [
      ['auto', 'auto'],
      ['4k', 4096],
    ],
    ['off', 4096, '8k'],
  ],
  adminAddress: [adminAddress(), [['off', null]], ['9090', 'x:y']],
  healthPath: [healthPath(), [['off', null]], ['/healthz', 'healthz']],
  target: [target(), [['off', null]], ['a:1', 'a']],
  hostName: [hostName(), [['off', null]], ['a', '1.2.3.4']],
  proxyVersion: [proxyVersion(), [['off', 0]], ['1', 1, '3']],
  routes: [routes(), [[['none'], []]], ['none', ['/a=echo'], {}, ['/a']]],
  headerNames: [
    headerNames(),
    [
      ['*', '*'],
      ['none', []],
    ],
    ['x-room', ['none'], ['*']],
  ],
  payloadShare: [
    payloadShare(),
    [
      ['full', Infinity],
      ['none', 0],
      ['4k', 4096],
    ],
    ['0', 4096, 'off', 'toString'],
  ],
  fileSize: [fileSize(), [['off', 0]], ['1k', 'none']],
  factor: [factor(), [['1', 1]], ['2', '01', 1]],
  recordedSession: [recordedSession(), [['off', null]], ['1', 1, '']],
  workerCount: [
    workerCount(),
    [
      ['auto', 'auto'],
      ['1', 1],
    ],
    ['2', 1, 'off'],
  ],
};

t.test('what is read without a schema', async (t) => {
  for (const [name, [type, read, left]] of Object.entries(TYPES)) {
    for (const [given, value] of read) {
      const what = `${name}: ${JSON.stringify(given)}`;
      t.strictSame(type.shortcut(given), value, what);
      t.strictSame(readValue(type, given), { success: true, data: value }, what);
      t.strictSame(type.schema.safeParse(given).data, value, `${what} by the schema`);
    }
    for (const given of left) {
      const what = `${name}: ${JSON.stringify(given)} is left to the schema`;
      t.equal(type.shortcut(given), undefined, what);
      t.strictSame(readValue(type, given).data, type.schema.safeParse(given).data, what);
    }
  }
});
