import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { checkRecording, makeRecorder, startRecorder } from '../../src/cli/recording.js';
import type { Flags } from '../../src/config/flags.js';
import { load } from '../../src/config/load.js';
import { ConfigError } from '../../src/errors.js';
import type { Recorder } from '../../src/recording/recorder.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

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
        `--record cannot be "${record}": behind % must come Y, m, d, H, M, S, j or s, or another % for the sign itself`,
      ),
    );
});

t.test('without the option nothing is recorded', async (t) => {
  t.equal(makeRecorder(loaded({}).settings, new KeptLog()), null);
});

t.test('the file begins when the server does', async (t) => {
  const record = path.join(makeTempDir(t), 'a.ndjson');
  const { settings, values } = loaded({ record, recordSync: 'none' });
  const recorder = makeRecorder(settings, new KeptLog())!;
  await startRecorder(recorder, values);
  await recorder.close();
  t.match(JSON.parse(readFileSync(record, 'utf8')), { v: 1, ev: 'file', tool: 'twist/dev' });
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
      new ConfigError(`--record cannot be "${record}": ${clause}`),
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
