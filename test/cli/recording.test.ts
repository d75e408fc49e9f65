import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { checkRecording, startRecorder } from '../../src/cli/recording.js';
import type { Flags } from '../../src/config/flags.js';
import { load } from '../../src/config/load.js';
import { ConfigError } from '../../src/errors.js';
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
  const { settings, values } = loaded({});
  t.equal(await startRecorder(settings, values, new KeptLog()), null);
});

t.test('the file begins when the server does', async (t) => {
  const record = path.join(makeTempDir(t), 'a.ndjson');
  const { settings, values } = loaded({ record, recordSync: 'none' });
  const recorder = await startRecorder(settings, values, new KeptLog());
  await recorder!.close();
  t.match(JSON.parse(readFileSync(record, 'utf8')), { v: 1, ev: 'file', tool: 'twist/dev' });
});

t.test('why a file cannot be written', async (t) => {
  const directory = makeTempDir(t);
  const file = path.join(directory, 'file');
  const { settings, values } = loaded({ record: file });
  await (await startRecorder(settings, values, new KeptLog()))!.close();
  mkdirSync(path.join(directory, 'sub'));
  for (const [name, clause] of [
    ['missing/a.ndjson', 'its directory does not exist'],
    ['sub', 'it is a directory'],
    ['file/a.ndjson', 'it cannot be opened (ENOTDIR)'],
  ] as const) {
    const record = path.join(directory, name);
    const given = loaded({ record });
    await t.rejects(
      startRecorder(given.settings, given.values, new KeptLog()),
      new ConfigError(`--record cannot be "${record}": ${clause}`),
    );
  }
});

t.test('what the system says, in words', async (t) => {
  const { settings, values } = loaded({ record: 'a.ndjson' });
  for (const [code, clause] of [
    ['EACCES', 'permission denied'],
    ['EPERM', 'permission denied'],
    ['EROFS', 'the file system is read-only'],
  ] as const) {
    const { startRecorder: start } = await t.mockImport<
      typeof import('../../src/cli/recording.js')
    >('../../src/cli/recording.js', {
      '../../src/recording/recorder.js': {
        Recorder: class {
          start = (): Promise<void> => Promise.reject(Object.assign(new Error(code), { code }));
        },
      },
    });
    await t.rejects(start(settings, values, new KeptLog()), {
      message: `--record cannot be "a.ndjson": ${clause}`,
    });
  }
  const { startRecorder: start } = await t.mockImport<typeof import('../../src/cli/recording.js')>(
    '../../src/cli/recording.js',
    {
      '../../src/recording/recorder.js': {
        Recorder: class {
          start = (): Promise<void> => Promise.reject(new Error('strange'));
        },
      },
    },
  );
  await t.rejects(start(settings, values, new KeptLog()), {
    message: '--record cannot be "a.ndjson": it cannot be opened (strange)',
  });
});
