import path from 'node:path';
import t from 'tap';
import { once } from 'node:events';
import fs, {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import {
  checkRecording,
  claimRecording,
  makeRecorder,
  startRecorder,
} from '../../../src/app/resources/recording.js';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { load } from '../../../src/config/load.js';
import type { Flags } from '../../../src/config/text-sources.js';
import { ConfigError } from '../../../src/errors.js';
import type { UpgradeRequest } from '../../../src/handshake/request.js';
import type { Batch } from '../../../src/recording/write/batch.js';
import type { Recorder } from '../../../src/recording/write/recorder.js';
import type { TapGate } from '../../../src/session/tap/tap.js';
import { FakeSession } from '../../fixtures/fake-session.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const loaded = (flags: Flags): ReturnType<typeof load> =>
  load({ flags, environment: {}, readFile: () => '' });

t.test('the name of the file may have parts of the time, and no others', async (t) => {
  for (const record of ['off', 'a.ndjson', '%Y/%m-%d %H%M%S %j %s 100%%.ndjson'])
    checkRecording(loaded({ record }).values);
  for (const record of ['%', '%q.ndjson', 'a%'])
    t.throws(
      () => {
        checkRecording(loaded({ record }).values);
      },
      new ConfigError(
        `--record cannot be "${record}": behind % must come Y, m, d, H, M, S, j, s or w, or another % for the sign itself`,
        { source: 'flag' },
      ),
    );
});

t.test('without the option nothing is recorded', async (t) => {
  t.equal(makeRecorder(loaded({}).settings, new KeptLog()), null);
});

t.test('whoever watches gets the records, with a file and without', async (t) => {
  const { settings, values } = loaded({ inspect: '9002', inspectPayload: '4' });
  const taken: string[] = [];
  const feed = {
    lost: 0,
    take: ({ chunks }: Batch) => {
      taken.push(...chunks.map((chunk) => Buffer.from(chunk).toString()));
    },
  };
  const recorder = makeRecorder(settings, new KeptLog(), undefined, undefined, feed)!;
  await startRecorder(recorder, values);
  const session = new FakeSession();
  const request = { target: '/', headers: [] } as unknown as UpgradeRequest;
  const recorded = recorder.begin(session, request, 'echo', {} as TapGate);
  recorded.message(true, 1, Buffer.from('hello'), 0, 5, true, true, 11);
  await recorder.close();
  const [open, message, ...others] = taken.join('').trimEnd().split('\n');
  t.match(JSON.parse(open!), { ev: 'open', mode: 'echo' });
  t.match(JSON.parse(message!), { ev: 'msg', len: 5, data: 'hell', cut: true });
  t.strictSame(others, []);
});

t.test('the file begins when the server does', async (t) => {
  const record = path.join(makeTempDir(t), 'a.ndjson');
  const { settings, values } = loaded({ record, recordSync: 'none' });
  const recorder = makeRecorder(settings, new KeptLog())!;
  await startRecorder(recorder, values);
  await recorder.close();
  t.match(JSON.parse(readFileSync(record, 'utf8')), { v: 1, ev: 'file', tool: 'twist/dev' });
});

t.test('what the operator has named is recorded as it is', async (t) => {
  const record = path.join(makeTempDir(t), 'a.ndjson');
  const flags = { record, recordHeaders: 'X-Room', recordQuery: 'room', subprotocol: 'my.app' };
  const { settings, values } = loaded({ ...flags, route: ['/q7Xk2Vb9Zt4Lm8Rw3=echo'] });
  const recorder = makeRecorder(settings, new KeptLog())!;
  await startRecorder(recorder, values);
  const session = Object.assign(new FakeSession(), { subprotocol: 'my.app' });
  const request = {
    target: '/q7Xk2Vb9Zt4Lm8Rw3?room=a&token=b',
    headers: [{ name: 'x-room', value: 'c' }],
  } as unknown as UpgradeRequest;
  recorder.begin(session, request, 'echo', {} as TapGate);
  await recorder.close();
  t.match(JSON.parse(readFileSync(record, 'utf8').split('\n')[1]!), {
    url: '/q7Xk2Vb9Zt4Lm8Rw3?room=a&token=[hidden:1]',
    headers: { 'x-room': 'c' },
    subprotocol: 'my.app',
  });
});

t.test('why a file cannot be written', async (t) => {
  const directory = makeTempDir(t);
  for (const [name, clause] of [
    ['missing/a.ndjson', 'its directory does not exist'],
    ['', 'it is a directory'],
  ] as const) {
    const record = path.join(directory, name);
    const { settings, values } = loaded({ record });
    await t.rejects(
      startRecorder(makeRecorder(settings, new KeptLog())!, values),
      new ConfigError(`--record cannot be "${record}": ${clause}`, { source: 'flag' }),
    );
  }
  const { values } = loaded({ record: 'a.ndjson' });
  for (const [code, clause] of [
    ['EACCES', 'permission denied'],
    ['EPERM', 'permission denied'],
    ['EROFS', 'the file system is read-only'],
    ['ENXIO', 'nobody reads from the pipe'],
    ['ESTRANGE', 'ESTRANGE'],
    [undefined, 'strange'],
  ] as const) {
    const error = Object.assign(new Error('strange'), code === undefined ? {} : { code });
    const recorder = { start: () => Promise.reject(error) } as unknown as Recorder;
    await t.rejects(startRecorder(recorder, values), {
      message: `--record cannot be "a.ndjson": ${clause}`,
    });
  }
});

t.test('a check refuses what could not be written, and touches nothing', async (t) => {
  const directory = makeTempDir(t);
  const at = (name: string): string => path.join(directory, name);
  const file = at('file');
  writeFileSync(file, 'x');
  const socket = createServer().listen(at('socket'));
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  for (const [record, clause] of [
    [directory, 'it is a directory'],
    [at('missing/a'), 'its directory does not exist'],
    [at('file/a'), 'its directory is none'],
    [at('file/%Y'), 'its directory is none'],
    [at('file/%Y/a'), 'its directory is none'],
    [at('socket'), 'it is a socket'],
  ] as const) {
    t.throws(
      () => {
        checkRecording(loaded({ record }).values);
      },
      new ConfigError(`--record cannot be "${record}": ${clause}`, { source: 'flag' }),
    );
  }
  for (const record of [file, at('new'), at('missing/%Y/%m'), '/dev/null'])
    checkRecording(loaded({ record }).values);
  t.same(readdirSync(directory).sort(), ['file', 'socket']);
});

t.test('a file that gets another name between two looks is a new one', async (t) => {
  const directory = makeTempDir(t);
  const file = path.join(directory, 'file');
  writeFileSync(file, '');
  let code = 'ENOENT';
  const original = fs.accessSync;
  t.teardown(() => {
    fs.accessSync = original;
    syncBuiltinESMExports();
  });
  fs.accessSync = (looked, mode) => {
    if (looked === file) throw Object.assign(new Error(code), { code });
    original(looked, mode);
  };
  syncBuiltinESMExports();
  checkRecording(loaded({ record: file }).values);
  code = 'EACCES';
  t.throws(() => {
    checkRecording(loaded({ record: file }).values);
  }, /permission denied/);
});

t.test('permissions', { skip: process.getuid?.() === 0 && 'root may do anything' }, async (t) => {
  const directory = makeTempDir(t);
  const file = path.join(directory, 'a');
  for (const [mode, directoryMode] of [
    [0o400, 0o700],
    [0o200, 0o700],
    [null, 0o500],
  ] as const) {
    if (mode === null) rmSync(file);
    else writeFileSync(file, '');
    if (mode !== null) chmodSync(file, mode);
    chmodSync(directory, directoryMode);
    t.throws(() => {
      checkRecording(loaded({ record: file }).values);
    }, /permission denied/);
    chmodSync(directory, 0o700);
    if (mode !== null) chmodSync(file, 0o600);
  }
});

t.test('a file that another process records to is no wrong configuration', async (t) => {
  const record = path.join(makeTempDir(t), 'a.ndjson');
  const { settings, values } = loaded({ record, recordSync: 'none' });
  const first = makeRecorder(settings, new KeptLog())!;
  const second = makeRecorder(settings, new KeptLog())!;
  await claimRecording(first, values);
  await t.rejects(
    claimRecording(second, values),
    new ConfigError(
      `--record cannot be "${record}": another process records to it; give each server a file of its own`,
    ),
  );
  await first.close();
  await claimRecording(second, values);
  await second.close();
  const error = Object.assign(new Error('EIO'), { code: 'EIO' });
  const broken = { claim: () => Promise.reject(error) } as unknown as Recorder;
  await t.rejects(claimRecording(broken, values), {
    source: 'flag',
    message: `--record cannot be "${record}": the disk failed`,
  });
});

t.test('- is standard output', async (t) => {
  const { settings, values } = loaded({ record: '-', recordSync: 'none' });
  const log = new KeptLog();
  const recorder = makeRecorder(settings, log)!;
  await claimRecording(recorder, values);
  // What tap gives us as standard output may be anything.
  await startRecorder(recorder, values).catch((error: unknown) => {
    t.match(error, { message: /^--record cannot be "-": / });
  });
  await recorder.close();
  t.notOk(existsSync('-'));
});

t.test('what waits to be written is charged to the memory that is given', async (t) => {
  const record = path.join(makeTempDir(t), 'a.ndjson');
  const { settings, values } = loaded({ record, recordSync: 'none' });
  const memory = new MemoryAccount();
  const charge = t.capture(memory, 'charge', memory.charge.bind(memory));
  const recorder = makeRecorder(settings, new KeptLog(), undefined, memory)!;
  await startRecorder(recorder, values);
  await recorder.close();
  t.not(charge().length, 0);
});
