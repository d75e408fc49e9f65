import t from 'tap';
import { GroupReload } from '../../src/workers/group-reload.js';
import type { ConfigFile, ReloadOutcome } from '../../src/workers/messages.js';
import type { Reply } from '../../src/workers/questions.js';
import { KeptLog } from '../fixtures/kept-log.js';

const WELL: ReloadOutcome = { isWell: true, message: 'reloaded: tokens' };
const BAD: ReloadOutcome = { isWell: false, message: 'not reloaded' };

/** The reload of workers that answer with what is given, and what they were told of the configuration. */
function reloadOf(...values: readonly (ReloadOutcome | null)[]): {
  reload: GroupReload;
  log: KeptLog;
  asked: ConfigFile[];
} {
  const log = new KeptLog();
  const asked: ConfigFile[] = [];
  const replies: readonly Reply[] = values.map((value, index) => ({ worker: index + 1, value }));
  const reload = new GroupReload(
    () => ({ text: `text ${asked.length + 1}`, fault: null }),
    async (config) => {
      asked.push(config);
      return Promise.resolve(replies);
    },
    log,
  );
  return { reload, log, asked };
}

t.test('what all workers say is one line, and later ones begin with what was read', async (t) => {
  const { reload, log, asked } = reloadOf(WELL, WELL);
  t.strictSame([reload.number, reload.text], [0, null]);
  await reload.ask();
  t.strictSame(asked, [{ text: 'text 1', fault: null }]);
  t.strictSame([reload.number, reload.text], [1, 'text 1']);
  t.strictSame(log.lines, [{ level: 'info', message: WELL.message, fields: { workers: [1, 2] } }]);
});

t.test('it has its number before anybody is asked', async (t) => {
  const numbers: number[] = [];
  const reload = new GroupReload(
    () => ({ text: null, fault: null }),
    async () => {
      numbers.push(reload.number);
      return Promise.resolve([]);
    },
    new KeptLog(),
  );
  await Promise.all([reload.ask(), reload.ask(), reload.ask()]);
  t.strictSame(numbers, [1, 2], 'those that ask meanwhile share the next one');
});

t.test('what not all of them take is an error, and nobody begins with it', async (t) => {
  for (const [values, message, fields] of [
    [[BAD, BAD], 'not reloaded', { workers: [1, 2] }],
    [[null], 'no answer', { workers: [1] }],
    [[], 'not reloaded: no worker serves', { workers: [] }],
    [
      [WELL, null],
      'reloaded, and not in the same way by all workers',
      {
        outcomes: [
          { worker: 1, ...WELL },
          { worker: 2, isWell: false, message: 'no answer' },
        ],
      },
    ],
  ] as const) {
    const { reload, log } = reloadOf(...values);
    await reload.ask();
    t.strictSame(log.lines, [{ level: 'error', message, fields }]);
    t.equal(reload.text, null);
  }
});
