import t from 'tap';
import type { PageNews } from '../../../../src/inspect/page-protocol.js';
import { Fault, Link, LinkLost, type LinkSocket } from '../../../../web/inspect/model/link.js';

class FakeSocket implements LinkSocket {
  binaryType = '';
  onopen: LinkSocket['onopen'] = null;
  onmessage: LinkSocket['onmessage'] = null;
  onclose: LinkSocket['onclose'] = null;
  readonly sent: Readonly<Record<string, unknown>>[] = [];

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Readonly<Record<string, unknown>>);
  }

  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  close(reason = ''): void {
    this.onclose?.({ code: 1006, reason });
  }
}

const LOST = new LinkLost('the connection to twist is lost');

function makeLink() {
  const sockets: FakeSocket[] = [];
  const news: PageNews[] = [];
  const later: { run: () => void; ms: number; isCancelled: boolean }[] = [];
  let changes = 0;
  const link = new Link({
    openSocket: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    runLater: (run, ms) => {
      const timer = { run, ms, isCancelled: false };
      later.push(timer);
      return () => {
        timer.isCancelled = true;
      };
    },
    receive: (one) => {
      news.push(one);
    },
    changed: () => {
      changes++;
    },
  });
  return { link, sockets, news, later, changes: () => changes };
}

t.test('questions get their answers, whatever the order', async (t) => {
  const { link, sockets, news } = makeLink();
  const [socket] = sockets;
  t.equal(socket?.binaryType, 'arraybuffer');
  t.equal(link.state, 'connecting');
  await t.rejects(link.ask({ ask: 'record', n: 1 }), LOST, 'it is not open yet');
  socket?.onopen?.();
  t.equal(link.state, 'open');
  const first = link.ask({ ask: 'record', n: 1 });
  const second = link.ask({ ask: 'place', view: 3, n: 7 });
  t.match(socket?.sent, [
    { ask: 'record', n: 1 },
    { ask: 'place', view: 3, n: 7 },
  ]);
  const [one, two] = socket?.sent.map(({ id }) => id) ?? [];
  socket?.say({ id: two, place: 4, goneTotal: 0 });
  socket?.say({ id: one, fault: 'this record is not here any more' });
  t.match(await second, { place: 4 });
  await t.rejects(first, new Fault('this record is not here any more'));
  socket?.say({ news: 'sessions', rows: [] });
  t.match(news, [{ news: 'sessions' }]);
  socket?.say({ id: 999, place: 1 });
  socket?.say({ id: 999, fault: 'nobody asked' });
  link.forget(3);
  t.match(socket?.sent.at(-1), { ask: 'forget', view: 3 });
});

t.test('a file comes in parts', async (t) => {
  const { link, sockets } = makeLink();
  const [socket] = sockets;
  socket?.onopen?.();
  const asked = link.askFile({ ask: 'export', view: 1, format: 'har' });
  const id = Number(socket?.sent[0]?.['id']);
  for (const text of ['abc', 'def']) {
    const part = new Uint8Array(4 + text.length);
    new DataView(part.buffer).setUint32(0, id);
    part.set(new TextEncoder().encode(text), 4);
    socket?.onmessage?.({ data: part.buffer });
  }
  socket?.onmessage?.({ data: new Uint8Array([0, 0, 9, 9, 1]).buffer });
  socket?.say({ id, name: 'twist.har', type: 'application/json', bytes: 6, records: 2 });
  const { answer, parts } = await asked;
  t.equal(answer.name, 'twist.har');
  t.equal(parts.map((part) => new TextDecoder().decode(part)).join(''), 'abcdef');
});

t.test('a connection that is lost is made again, later each time', async (t) => {
  const { link, sockets, later, changes } = makeLink();
  sockets[0]?.onopen?.();
  const asked = link.ask({ ask: 'record', n: 1 });
  const before = changes();
  sockets[0]?.close('too many pages');
  await t.rejects(asked, LOST);
  t.match(link, { state: 'lost', reason: 'too many pages' });
  t.ok(changes() > before);
  const delays: number[] = [];
  for (let attempt = 1; attempt < 8; attempt++) {
    const timer = later.at(-1);
    delays.push(timer?.ms ?? 0);
    timer?.run();
    t.equal(link.state, 'connecting');
    sockets.at(-1)?.close();
  }
  t.strictSame(delays, [500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  link.retry();
  t.equal(later.at(-1)?.isCancelled, true, 'somebody has no patience');
  t.equal(link.state, 'connecting');
  link.retry();
  t.equal(sockets.length, 9, 'one attempt at a time');
  sockets.at(-1)?.onopen?.();
  t.match(link, { state: 'open', reason: '' });
  sockets.at(-1)?.close();
  t.equal(later.at(-1)?.ms, 500, 'and from the beginning');
});
