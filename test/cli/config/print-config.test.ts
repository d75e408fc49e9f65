import t from 'tap';
import { configJson, configSummary, configTable } from '../../../src/cli/config/print-config.js';
import { file, size } from '../../../src/config/values/values.js';
import { load } from '../../../src/config/load.js';
import type { OptionTable } from '../../../src/config/options/option.js';
import { OPTIONS } from '../../../src/config/options/options.js';
import type { Provided } from '../../../src/config/settings.js';

const texts = { help: '', docs: '' };
const TABLE: OptionTable = {
  maxMessage: { ...texts, group: 'Limits', type: size({ min: 1 }), default: '16m' },
  authFile: { ...texts, group: 'General', type: file(), default: 'off', isSecret: true },
  config: { ...texts, group: 'General', type: file(), default: 'off', isFileKey: false },
};

const provided = (value: unknown, source: Provided['source'], from: string): Provided => ({
  value,
  source,
  from,
});

const VALUES = {
  maxMessage: provided(65_536, 'environment', 'TWIST_MAX_MESSAGE'),
  authFile: provided('hunter2', 'file', 'twist.json'),
  config: provided('twist.json', 'flag', '--config'),
};

t.test('an aligned table in the units of the user, without secrets', async (t) => {
  t.equal(
    configTable(TABLE, VALUES, false),
    [
      'OPTION      VALUE       SOURCE',
      'maxMessage  64k         TWIST_MAX_MESSAGE',
      'authFile    (hidden)    twist.json',
      'config      twist.json  --config',
      '',
    ].join('\n'),
  );
});

t.test('a secret that nobody gave is no secret', async (t) => {
  const values = { ...VALUES, authFile: provided(null, 'default', 'default') };
  t.match(configTable(TABLE, values, false), /^authFile {4}off {9}default$/m);
});

t.test('on a terminal the heading stands out and the defaults stand back', async (t) => {
  const values = { ...VALUES, maxMessage: provided(2 ** 24, 'default', 'default') };
  const [heading, standard, given] = configTable(TABLE, values, true).split('\n');
  t.equal(heading, '\u001b[1mOPTION      VALUE       SOURCE\u001b[22m');
  t.equal(standard, '\u001b[2mmaxMessage  16m         default\u001b[22m');
  t.equal(given, 'authFile    (hidden)    twist.json');
});

t.test('JSON: a configuration file, without secrets and the path of the file', async (t) => {
  t.equal(configJson(TABLE, VALUES), '{\n  "maxMessage": "64k"\n}\n');
});

t.test('JSON reads back as the same settings', async (t) => {
  const flags = {
    listen: [':80', 'unix:/a', '[::1]:0'],
    echo: true,
    route: ['/a=tcp:unix:/b', '/c=mode:d,e.mjs'],
    proxyProtocol: '2',
    targetAllow: ['::1'],
    allow: ['10.0.0.0/8', '::1'],
    subprotocol: 'a,b',
    origin: 'null,https://a.example',
    deflate: true,
    deflateNoContextTakeover: 'server',
    deflateMemory: '0',
    extension: ['a.mjs', 'b,c.cjs'],
    maxMessage: '1000',
    pingInterval: 'off',
    idleTimeout: '90s',
    maxConnectionsPerAddress: '7',
  };
  const once = load({ flags, environment: {}, readFile: () => '' });
  const text = configJson(OPTIONS, once.values);
  const again = load({ flags: { config: 'x' }, environment: {}, readFile: () => text });
  t.same(again.settings, { ...once.settings, config: 'x' });
  t.equal(configJson(OPTIONS, again.values), text);
});

t.test('a name of its own in the file', async (t) => {
  const flags = { route: ['/a=echo', '/b=tcp:c:1'] };
  const { values } = load({ flags, environment: {}, readFile: () => '' });
  t.match(configTable(OPTIONS, values, false), /^routes +\/a=echo,\/b=tcp:c:1 +--route$/m);
  t.match(JSON.parse(configJson(OPTIONS, values)), { routes: { '/a': 'echo', '/b': 'tcp:c:1' } });
});

t.test('a password is shown nowhere', async (t) => {
  const environment = { TWIST_AUTH: 'ann:secret' };
  const { values } = load({ flags: {}, environment, readFile: () => '' });
  t.match(configTable(OPTIONS, values, false), /^auth +\(hidden\) +TWIST_AUTH$/m);
  for (const text of [configTable(OPTIONS, values, true), configJson(OPTIONS, values)])
    t.notMatch(text, /ann|secret/);
});

t.test('an empty list, which is a default', async (t) => {
  const { values } = load({ flags: {}, environment: {}, readFile: () => '' });
  t.match(configTable(OPTIONS, values, false), /^extension +none +default$/m);
  t.match(configTable(OPTIONS, values, false), /^deflateNoContextTakeover +none +default$/m);
  t.match(JSON.parse(configJson(OPTIONS, values)), { extension: [], mode: 'off' });
});

t.test('how many values come from where', async (t) => {
  t.equal(configSummary(TABLE, VALUES), '2 settings: 1 from the environment, 1 from twist.json');
  const values = {
    ...VALUES,
    maxMessage: provided(1, 'flag', '--max-message'),
    authFile: provided(null, 'default', 'default'),
  };
  t.equal(configSummary(TABLE, values), '2 settings: 1 from flags, 1 by default');
  const environment = { TWIST_AUTH: 'ann:secret' };
  const loaded = load({ flags: {}, environment, readFile: () => '' });
  t.match(configSummary(OPTIONS, loaded.values), / 1 from the environment, /, 'no key of the file');
});
