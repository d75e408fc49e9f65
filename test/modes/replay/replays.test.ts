import path from 'node:path';
import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import type { BuiltInMode } from '../../../src/modes/built-in.js';
import type { ReplayModeOptions } from '../../../src/modes/replay/replay.js';
import { readReplays } from '../../../src/modes/replay/replays.js';
import { load } from '../../../src/config/load.js';
import type { ProvidedSettings } from '../../../src/config/settings.js';
import type { Environment, Flags } from '../../../src/config/text-sources.js';
import { ConfigError } from '../../../src/errors.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { RecordedLines, writeRecording } from '../../fixtures/recorded-lines.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const [a, b, c, d, e] = ['01A', '01B', '01C', '01D', '02'].map((s) => new RecordedLines(s));

function valuesOf(flags: Flags, environment: Environment = {}): ProvidedSettings {
  return load({ flags, environment, readFile: () => '' }).values;
}

t.test('nothing to replay', async (t) => {
  const values = valuesOf({ echo: true, route: ['/a=echo'] });
  t.equal((await readReplays(values, new KeptLog())).size, 0);
});

t.test('the recordings of the mode and of routes, each read once', async (t) => {
  const first = writeRecording(t, [a!.open(), 'damaged', b!.open()]);
  const second = writeRecording(t, [c!.open()]);
  const log = new KeptLog();
  const route = [`/a=replay:${second}`, '/b=echo', `/c=replay:${first}`];
  const replays = await readReplays(valuesOf({ replay: first, route }), log);
  t.strictSame([...replays.keys()], [first, second]);
  t.match(replays.get(first), { sessions: [{ s: '01A' }, { s: '01B' }], only: null });
  t.match(replays.get(second), { sessions: [{ s: '01C' }], only: null });
  t.match(log.lines, [
    {
      level: 'warn',
      message: 'damaged line in the recording',
      fields: { file: first, line: 3, reason: /^it / },
    },
  ]);
});

t.test('not more than ten damaged lines are named', async (t) => {
  const file = writeRecording(t, [...Array<string>(12).fill('{'), a!.open()]);
  const log = new KeptLog();
  await readReplays(valuesOf({ replay: file }), log);
  t.equal(log.find('damaged line in the recording').length, 10);
  t.match(log.find('more damaged lines in the recording'), [{ fields: { file, lines: 12 } }]);
});

t.test('the session that was chosen', async (t) => {
  const replay = writeRecording(t, [a!.open({ id: 1 }), b!.open({ id: 2 }), e!.in('x')]);
  for (const [session, s] of [
    ['01A', '01A'],
    ['2', '01B'],
    ['02', '02'],
  ] as const) {
    const replays = await readReplays(valuesOf({ replay, replaySession: session }), new KeptLog());
    t.match(replays.get(replay), { only: { s } }, session);
  }
});

t.test('what is wrong is one sentence, and blames its source', async (t) => {
  const folder = makeTempDir(t);
  const none = path.join(folder, 'none');
  const empty = writeRecording(t, ['not a record']);
  const rotated = writeRecording(t, [a!.in('x')]);
  const many = writeRecording(t, [a!.open(), b!.open(), c!.open(), d!.open()]);
  const two = writeRecording(t, [a!.open(), b!.open()]);
  const json = JSON.stringify;
  for (const [flags, environment, sentence, source] of [
    [{ replay: none }, {}, `--replay cannot be ${json(none)}: there is no such file`, 'flag'],
    [
      {},
      { TWIST_REPLAY: folder },
      `TWIST_REPLAY cannot be ${json(folder)}: it is a directory`,
      'environment',
    ],
    [
      { replay: empty },
      {},
      `--replay cannot be ${json(empty)}: no session is recorded in it`,
      'flag',
    ],
    [
      { replay: rotated },
      {},
      `--replay cannot be ${json(rotated)}: no session in it has its beginning, which has the path; choose one with --replay-session`,
      'flag',
    ],
    [
      { route: [`/a=replay:${none}`] },
      {},
      `--route cannot be ${json(`/a=replay:${none}`)}: there is no such file`,
      'flag',
    ],
    [
      {},
      { TWIST_ROUTE: `/a=replay:${none}` },
      `TWIST_ROUTE cannot contain ${json(`/a=replay:${none}`)}: there is no such file`,
      'environment',
    ],
    [
      { replay: many, replaySession: '03' },
      {},
      `--replay-session cannot be "03": no session in ${many} has that id, beginning of an id or number`,
      'flag',
    ],
    [
      { replay: many },
      { TWIST_REPLAY_SESSION: '01' },
      `TWIST_REPLAY_SESSION cannot be "01": 4 sessions in ${many} fit: 01A, 01B, 01C, 1 more`,
      'environment',
    ],
    [
      { replay: two, replaySession: '1' },
      {},
      `--replay-session cannot be "1": 2 sessions in ${two} fit: 01A, 01B`,
      'flag',
    ],
  ] as const) {
    await t.rejects(
      readReplays(valuesOf(flags, environment), new KeptLog()),
      new ConfigError(sentence, { source }),
      sentence,
    );
  }
});

t.test('what the settings say about a replay reaches it', async (t) => {
  const seen: ReplayModeOptions[] = [];
  class Replay {
    readonly name: string;
    constructor(options: ReplayModeOptions) {
      seen.push(options);
      this.name = options.file;
    }
  }
  const { replay } = await t.mockImport<{ replay: BuiltInMode<'replay'> }>(
    '../../../src/modes/replay/replays.js',
    { '../../../src/modes/replay/replay.js': { ReplayMode: Replay } },
  );
  const file = writeRecording(t, [a!.open()]);
  const log = new KeptLog();
  const flags = { replay: file, replaySpeed: '2.5', replayStrict: true };
  const { settings, values } = load({ flags, environment: {}, readFile: () => '' });
  const files = { readFile: () => '', importFile: () => Promise.resolve(null) };
  const make = await replay.prepare({
    settings,
    values,
    files,
    log,
    clientLog: log,
    reloadables: [],
  });
  t.equal(make({ kind: 'replay', file }).name, file);
  t.match(seen, [{ file, sessions: [{ s: '01A' }], only: null, speed: 2.5, isStrict: true, log }]);
  t.notHas(seen, [{ memory: {} }]);
  const memory = new MemoryAccount();
  const given = { settings, values, files, log, clientLog: log, reloadables: [], memory };
  (await replay.prepare(given))({ kind: 'replay', file });
  t.equal(seen[1]!.memory, memory);
  t.equal(replay.filesEach, 2);
});
