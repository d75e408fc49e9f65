import t from 'tap';
import { ServerLink, logOf } from '../../../src/cli/view/server-link.js';
import type {
  FromViewer,
  ToViewer,
  ViewerOrder,
} from '../../../src/workers/viewer/viewer-messages.js';

class Channel {
  readonly sent: FromViewer[] = [];
  says: (message: ToViewer) => void = () => undefined;

  send(message: FromViewer): void {
    this.sent.push(message);
  }

  onMessage(listener: (message: ToViewer) => void): void {
    this.says = listener;
  }
}

t.test('it says that it is there, and gets its order', async (t) => {
  const channel = new Channel();
  const link = new ServerLink(channel);
  t.strictSame(channel.sent, [{ kind: 'ready' }]);
  channel.says({ kind: 'reload' });
  let count = 0;
  link.onReload = () => count++;
  channel.says({ kind: 'reload' });
  t.equal(count, 1);
  const order = { secret: 'x' } as ViewerOrder;
  channel.says({ kind: 'order', order });
  t.equal(await link.order, order);
});

t.test('it answers that it is there', async (t) => {
  const channel = new Channel();
  new ServerLink(channel);
  channel.says({ kind: 'check' });
  t.strictSame(channel.sent, [{ kind: 'ready' }, { kind: 'alive' }]);
});

t.test('sessions are ended by the server, which says what came of it', async (t) => {
  const channel = new Channel();
  const link = new ServerLink(channel);
  const first = link.end('ONE', 1000, 'enough');
  const second = link.end('TWO', 1001, '');
  t.strictSame(channel.sent.slice(1), [
    { kind: 'end', id: 1, session: 'ONE', code: 1000, reason: 'enough' },
    { kind: 'end', id: 2, session: 'TWO', code: 1001, reason: '' },
  ]);
  channel.says({ kind: 'ended', id: 2, problem: 'it is over' });
  channel.says({ kind: 'ended', id: 1, problem: null });
  channel.says({ kind: 'ended', id: 7, problem: null });
  t.strictSame([await first, await second], [null, 'it is over']);
});

t.test('the server has the log', async (t) => {
  const channel = new Channel();
  const log = logOf(channel);
  const err = new TypeError('a defect');
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level]({ a: 1 }, level);
  log.error({ err }, 'failed');
  t.strictSame(
    channel.sent.slice(0, 4),
    (['debug', 'info', 'warn', 'error'] as const).map((level) => ({
      ...{ kind: 'log', level, fields: { inspector: true, a: 1 }, message: level },
    })),
  );
  t.strictSame(channel.sent[4], {
    kind: 'log',
    level: 'error',
    fields: {
      inspector: true,
      err: { type: 'TypeError', message: 'a defect', stack: err.stack },
    },
    message: 'failed',
  });
});
