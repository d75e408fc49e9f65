import { once } from 'node:events';
import { type Socket, connect, createServer, Socket as NetSocket } from 'node:net';
import t, { type Test } from 'tap';
import { connectToFirst } from '../../../src/modes/tcp/address-race.js';
import { startTarget } from '../../fixtures/tcp-target.js';
import { eventually, within } from '../../fixtures/within.js';

/** Sockets that connect or fail when a test says so. */
class Attempts {
  readonly order: string[] = [];
  readonly sockets = new Map<string, Socket>();

  readonly open = (address: string): Socket => {
    const socket = new NetSocket();
    socket.on('error', () => undefined);
    this.order.push(address);
    this.sockets.set(address, socket);
    return socket;
  };

  connect(address: string): void {
    this.sockets.get(address)!.emit('connect');
  }

  fail(address: string, code = 'ECONNREFUSED'): void {
    this.sockets.get(address)!.destroy(Object.assign(new Error(code), { code, address }));
  }

  get live(): string[] {
    return this.order.filter((address) => !this.sockets.get(address)!.destroyed);
  }
}

interface Race {
  readonly attempts: Attempts;
  readonly stop: AbortController;
  readonly won: Promise<Socket>;
}

function race(...addresses: readonly string[]): Race {
  const attempts = new Attempts();
  const stop = new AbortController();
  const won = connectToFirst(addresses, attempts.open, stop.signal);
  // A test may look at it later.
  won.catch(() => undefined);
  return { attempts, stop, won };
}

const started = async ({ attempts }: Race, count: number): Promise<void> => {
  await eventually(() => attempts.order.length === count, `attempt ${count}`);
};

t.test('the next attempt begins in parallel with the first', async (t) => {
  const one = race('::1', '::2', '10.0.0.1', '10.0.0.2');
  t.same(one.attempts.order, ['::1']);
  await started(one, 4);
  t.same(one.attempts.order, ['::1', '10.0.0.1', '::2', '10.0.0.2'], 'families take turns');
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.same(one.attempts.live, one.attempts.order, 'none is given up, nor any tried twice');
  one.attempts.connect('::1');
  t.equal(await one.won, one.attempts.sockets.get('::1'), 'the slowest of all');
  t.same(one.attempts.live, ['::1'], 'the others are gone');
});

t.test('the family of the first one comes first', async (t) => {
  for (const [given, wanted] of [
    [
      ['10.0.0.1', '10.0.0.2', '::1', '::2', '::3'],
      ['10.0.0.1', '::1', '10.0.0.2', '::2', '::3'],
    ],
    [['/run/socket'], ['/run/socket']],
  ] as const) {
    const one = race(...given);
    for (const [index, address] of wanted.entries()) {
      await started(one, index + 1);
      one.attempts.fail(address);
    }
    await t.rejects(one.won);
    t.same(one.attempts.order, wanted);
  }
});

t.test('one that fails is followed at once', async (t) => {
  const one = race('10.0.0.1', '10.0.0.2', '10.0.0.3');
  let timers = 0;
  const count = (): void => {
    timers++;
  };
  const timer = setInterval(count, 240);
  one.attempts.fail('10.0.0.1');
  await started(one, 2);
  one.attempts.fail('10.0.0.2');
  await started(one, 3);
  clearInterval(timer);
  t.equal(timers, 0, 'nobody waits for the delay');
  one.attempts.connect('10.0.0.3');
  t.equal(await one.won, one.attempts.sockets.get('10.0.0.3'));
});

t.test('all fail', async (t) => {
  const single = race('10.0.0.1');
  single.attempts.fail('10.0.0.1');
  await t.rejects(single.won, { code: 'ECONNREFUSED', address: '10.0.0.1' }, 'its own error');

  const one = race('10.0.0.1', '10.0.0.2');
  one.attempts.fail('10.0.0.1', 'ENETUNREACH');
  await started(one, 2);
  one.attempts.fail('10.0.0.2');
  await t.rejects(one.won, {
    name: 'AggregateError',
    errors: [
      { code: 'ENETUNREACH', address: '10.0.0.1' },
      { code: 'ECONNREFUSED', address: '10.0.0.2' },
    ],
  });
});

t.test('two that connect in one turn', async (t) => {
  const one = race('10.0.0.1', '10.0.0.2');
  await started(one, 2);
  one.attempts.connect('10.0.0.2');
  one.attempts.connect('10.0.0.1');
  t.equal(await one.won, one.attempts.sockets.get('10.0.0.2'), 'the first one has it');
  t.same(one.attempts.live, ['10.0.0.2']);
});

t.test('one that fails after the winner', async (t) => {
  const one = race('10.0.0.1', '10.0.0.2');
  await started(one, 2);
  one.attempts.connect('10.0.0.1');
  one.attempts.fail('10.0.0.2');
  const socket = await one.won;
  const failed = once(socket, 'error');
  one.attempts.fail('10.0.0.1');
  t.match(await failed, [{ code: 'ECONNREFUSED' }], 'the winner is for its owner to look after');
});

t.test('it is given up', async (t) => {
  const reason = Object.assign(new Error('too late'), { code: 'ETIMEDOUT' });
  const early = new AbortController();
  early.abort(reason);
  const attempts = new Attempts();
  await t.rejects(connectToFirst(['10.0.0.1'], attempts.open, early.signal), reason);
  t.same(attempts.order, [], 'it does not begin');

  const one = race('10.0.0.1', '10.0.0.2', '10.0.0.3');
  await started(one, 2);
  one.stop.abort(reason);
  await t.rejects(one.won, reason);
  t.same(one.attempts.live, []);
  t.equal(one.attempts.order.length, 2, 'and no other begins');

  const half = race('10.0.0.1', '10.0.0.2');
  half.attempts.fail('10.0.0.1');
  await started(half, 2);
  half.stop.abort(reason);
  await t.rejects(half.won, { errors: [{ address: '10.0.0.1' }, { code: 'ETIMEDOUT' }] });

  const over = race('10.0.0.1');
  over.attempts.connect('10.0.0.1');
  const socket = await over.won;
  over.stop.abort(reason);
  t.notOk(socket.destroyed, 'a winner is for its owner to look after');
});

t.test('a name with very many dead addresses takes few descriptors', async (t) => {
  const addresses = Array.from({ length: 20 }, (_, index) => `10.0.0.${index}`);
  const one = race(...addresses);
  await started(one, 8);
  await new Promise((resolve) => setTimeout(resolve, 600));
  t.equal(one.attempts.order.length, 8);
  one.attempts.fail('10.0.0.3');
  await started(one, 9);
  t.equal(one.attempts.live.length, 8);
  one.stop.abort(new Error('enough'));
  await t.rejects(one.won);
  t.same(one.attempts.live, []);
});

/** A port on which connections are refused on one address, and taken on the other. */
async function twoAddresses(t: Test): Promise<number> {
  const target = await startTarget(t, (socket) => socket.end('hello'));
  const server = createServer().listen(target.port, '127.0.0.2');
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
  return target.port;
}

t.test('real sockets', async (t) => {
  const port = await twoAddresses(t);
  const opened: Socket[] = [];
  const open = (host: string): Socket => {
    const socket = connect({ host, port });
    socket.on('error', () => undefined);
    opened.push(socket);
    return socket;
  };
  const { signal } = new AbortController();
  const won = await within(connectToFirst(['127.0.0.2', '127.0.0.1'], open, signal), 'the race');
  t.teardown(() => won.destroy());
  t.equal(won.remoteAddress, '127.0.0.1');
  t.equal(opened.filter(({ destroyed }) => !destroyed).length, 1);
});
