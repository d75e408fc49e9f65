import { Buffer } from 'node:buffer';
import t from 'tap';
import type { ModeSession } from '../../src/session/session.js';
import { HandshakeError, InvalidStateError } from '../../src/errors.js';
import { echoMode } from '../../src/modes/echo.js';
import {
  Bench,
  QUIET,
  SlowOpener,
  acceptedWith,
  modeWith,
  fromClient,
  fromServer,
  requestWith,
} from '../fixtures/connection-bench.js';
import { MORE, binaryFrame, continuationFrame, textFrame } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import { LIMITS } from '../fixtures/test-host.js';

t.test('a mode accepts or refuses at once', async (t) => {
  const seen: unknown[] = [];
  const accepting = new Bench(
    modeWith({
      upgrade: (session, request) => {
        seen.push(session.path, request.target);
      },
    }),
  );
  accepting.receive(upgradeText({}, 'GET /a?b HTTP/1.1'));
  t.strictSame(seen, ['/a', '/a?b']);
  t.equal(accepting.written(), acceptedWith());

  const closed: unknown[] = [];
  const refusing = new Bench(
    modeWith({
      upgrade: () => {
        throw new HandshakeError('target-refused');
      },
      close: (session) => closed.push(session),
    }),
  );
  refusing.receive(upgradeText());
  t.equal(refusing.refusal(), '502 the target refused the connection\n');
  refusing.socket.destroy();
  await refusing.settle();
  t.strictSame(closed, [], 'a session that never was is not closed');
});

t.test('a mode that fails while opening is a 500, whose cause only the log sees', async (t) => {
  const defect = new TypeError('secret detail');
  const bench = new Bench(
    modeWith({
      upgrade: () => {
        throw defect;
      },
    }),
  );
  bench.receive(upgradeText());
  t.equal(bench.refusal(), '500 internal error\n');
  t.equal(bench.host.refusals[0]!.error.rule, 'internal');
  t.equal(bench.host.refusals[0]!.cause, defect);
});

t.test('a mode cannot send before the handshake is answered', async (t) => {
  const bench = new Bench(
    modeWith({
      upgrade: (session) => {
        session.sendRange(1, Buffer.from('greeting'));
      },
    }),
  );
  bench.receive(upgradeText());
  t.equal(bench.refusal(), '500 internal error\n');
  t.type(bench.host.refusals[0]!.cause, InvalidStateError);
});

t.test('a mode takes its time and accepts', async (t) => {
  const mode = new SlowOpener();
  const bench = new Bench(mode);
  bench.receive(requestWith(textFrame('a'), textFrame('b', MORE)));
  t.strictSame(bench.calls(), [], 'nothing is answered, and we read on to hear when the peer goes');
  bench.receive(fromClient(continuationFrame('c'), textFrame('d')));
  t.strictSame(bench.host.opened, []);

  mode.accept();
  await bench.settle();
  const answer = acceptedWith(textFrame('a'), textFrame('bc'), textFrame('d'));
  t.strictSame(bench.calls(), ['resume', `write ${answer.length / 2}`], 'one write for all of it');
  t.equal(bench.written(), answer);
  t.notOk(bench.connection.isInputPaused);
  t.strictSame(bench.host.opened, mode.opening);
});

t.test('what comes while a mode takes its time is bounded', async (t) => {
  const mode = new SlowOpener();
  const bench = new Bench(mode);
  bench.receive(requestWith());
  const large = fromClient(binaryFrame(new Uint8Array(70_000)));
  bench.receive(large.subarray(0, 60_000));
  t.strictSame(bench.calls(), []);
  bench.receive(large.subarray(60_000));
  t.strictSame(bench.calls(), ['pause']);
  mode.opening[0]!.resume();
  t.strictSame(bench.calls(), [], 'and nobody can start it again');
  mode.accept();
  await bench.settle();
  const calls = bench.calls();
  t.match(calls, ['resume', 'cork', /^write/, /^write/, 'uncork'], 'in one write');
  t.equal(calls.length, 5);
  t.equal(bench.written().slice(-140_000), hexOf(new Uint8Array(70_000)));
});

t.test('who asks is asked who he is, before the mode is', async (t) => {
  const mode = new SlowOpener();
  let answer: (error?: Error) => void = () => undefined;
  const authorize = (): Promise<null> =>
    new Promise((resolve, reject) => {
      answer = (error) => {
        if (error === undefined) resolve(null);
        else reject(error);
      };
    });
  const opening = { authorize };
  const good = new Bench(mode, { ...QUIET, opening });
  good.receive(requestWith());
  await good.settle();
  t.equal(mode.opening.length, 0);
  answer();
  await good.settle();
  t.equal(mode.opening.length, 1);
  mode.accept();
  await good.settle();
  t.equal(good.written(), acceptedWith());

  const bad = new Bench(mode, { ...QUIET, opening });
  bad.receive(requestWith());
  answer(new HandshakeError('unauthorized'));
  await bad.settle();
  t.equal(bad.refusal(), '401 authentication required\n');

  const gone = new Bench(mode, { ...QUIET, opening });
  gone.receive(requestWith());
  gone.socket.emit('end');
  await gone.settle();
  answer();
  await gone.settle();
  t.equal(mode.opening.length, 1, 'who is gone meanwhile opens nothing');
  t.equal(gone.written(), '');

  const atOnce = new Bench(echoMode, {
    ...QUIET,
    opening: {
      authorize: () => {
        throw new HandshakeError('unauthorized');
      },
    },
  });
  atOnce.receive(requestWith());
  t.equal(atOnce.refusal(), '401 authentication required\n');
});

function breakOff({ socket }: Bench): void {
  socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  socket.destroy();
}

t.test('whoever is asked for a password is told when nobody waits for the answer', async (t) => {
  for (const [how, left, end] of [
    ['the client leaves', 'end', (bench: Bench) => void bench.socket.emit('end')],
    [
      'the connection breaks',
      'ECONNRESET',
      (bench: Bench) => {
        breakOff(bench);
      },
    ],
    [
      'it takes too long',
      null,
      (bench: Bench) => {
        bench.checkAfter(LIMITS.handshakeTimeout);
      },
    ],
    [
      'the server stops',
      null,
      (bench: Bench) => {
        bench.connection.shutDown();
      },
    ],
    [
      'it is dropped',
      null,
      (bench: Bench) => {
        bench.connection.drop('shutdown');
      },
    ],
  ] as const) {
    const signals: AbortSignal[] = [];
    const bench = new Bench(echoMode, {
      ...QUIET,
      opening: {
        authorize: (_head, _connection, waiting) => {
          signals.push(waiting.signal, waiting.signal);
          return new Promise(() => undefined);
        },
      },
    });
    bench.receive(requestWith());
    t.equal(signals[0], signals[1], 'there is one');
    t.notOk(signals[0]!.aborted);
    end(bench);
    await bench.settle();
    t.ok(signals[0]!.aborted, how);
    t.strictSame(bench.host.left, left === null ? [] : [left]);
  }
});

t.test('the user whose password was right, at once or late', async (t) => {
  for (const user of ['ann', Promise.resolve('ann')]) {
    const bench = new Bench(echoMode, { ...QUIET, opening: { authorize: () => user } });
    bench.receive(requestWith(textFrame('a')));
    await bench.settle();
    t.equal(bench.written(), acceptedWith(textFrame('a')), 'what came behind is not lost');
    t.equal(bench.host.opened[0]!.user, 'ann');
  }
});

t.test('a mode that wants no input while it opens gets none afterwards', async (t) => {
  const mode = new SlowOpener();
  const bench = new Bench(mode);
  bench.receive(requestWith());
  mode.opening[0]!.pause();
  bench.calls();
  mode.accept();
  await bench.settle();
  t.ok(bench.connection.isInputPaused);
  t.notOk(bench.calls().includes('resume'));
  mode.opening[0]!.resume();
  t.strictSame(bench.calls(), ['resume']);
});

t.test('a mode takes its time and nothing came meanwhile', async (t) => {
  const mode = new SlowOpener();
  const bench = new Bench(mode);
  bench.receive(requestWith());
  mode.accept();
  await bench.settle();
  t.equal(bench.written(), acceptedWith());
  bench.receiveFrames(textFrame('a'));
  t.equal(bench.written(), hexOf(fromServer(textFrame('a'))));
});

t.test('a mode takes its time and refuses', async (t) => {
  const mode = new SlowOpener();
  const bench = new Bench(mode);
  bench.receive(requestWith(textFrame('a')));
  mode.refuse(new HandshakeError('target-timeout'));
  await bench.settle();
  t.equal(bench.refusal(), '504 the target was not reached in time\n');
  t.match(bench.calls(), [/^write \d+$/, 'end', 'resume']);
  bench.socket.destroy();
  await bench.settle();
  t.strictSame(mode.closedWith, []);
  t.strictSame(bench.host.ended, []);
});

t.test('a mode takes its time and fails', async (t) => {
  const mode = new SlowOpener();
  const bench = new Bench(mode);
  const defect = new Error('secret detail');
  bench.receive(requestWith());
  mode.refuse(defect);
  await bench.settle();
  t.equal(bench.refusal(), '500 internal error\n');
  t.equal(bench.host.refusals[0]!.cause, defect);
});

t.test('the peer is gone before the mode accepts', async (t) => {
  for (const how of ['FIN', 'a drop'] as const) {
    const mode = new SlowOpener();
    const bench = new Bench(mode);
    bench.receive(requestWith());
    if (how === 'FIN') bench.socket.emit('end');
    else bench.connection.drop('shutdown');
    await bench.settle();
    t.strictSame(bench.host.closed, [bench.connection], how);
    t.strictSame(mode.abandonedBy, mode.opening, 'it may stop now');
    t.strictSame(mode.closedWith, [], 'while it opens, it is told nothing else');
    mode.accept();
    await bench.settle();
    t.equal(mode.closedWith.length, 1, 'then it is told once');
    t.match(mode.closedWith[0], { closeCode: 1006, closedBy: 'lost' });
    t.equal(bench.written(), '', 'and nothing is sent');
    t.strictSame(bench.host.opened, []);
    t.strictSame(bench.host.ended, []);
  }
});

t.test('the peer is gone before the mode refuses', async (t) => {
  const mode = new SlowOpener();
  const bench = new Bench(mode);
  bench.receive(requestWith());
  bench.socket.emit('end');
  await bench.settle();
  mode.refuse(new HandshakeError('target-refused'));
  await bench.settle();
  t.equal(bench.written(), '');
  t.strictSame(mode.closedWith, []);
});

t.test('408: the mode takes longer than the handshake may', async (t) => {
  const mode = new SlowOpener();
  const bench = new Bench(mode);
  t.equal(bench.nextCheckAfterMs, LIMITS.handshakeTimeout);
  bench.receive(requestWith());
  t.equal(bench.nextCheckAfterMs, LIMITS.handshakeTimeout, 'the deadline stands');
  bench.checkAfter(LIMITS.handshakeTimeout);
  t.equal(bench.refusal(), '408 opening handshake took too long\n');
  mode.accept();
  await bench.settle();
  t.equal(mode.closedWith.length, 1);
  bench.socket.destroy();
  await bench.settle();
  t.equal(mode.closedWith.length, 1, 'closed is told once');
  t.equal(bench.written(), '');
  t.equal(bench.host.refusals.length, 1);
});

t.test('a mode that fails while it makes up its mind refuses the handshake', async (t) => {
  const sessions: ModeSession[] = [];
  const bench = new Bench(
    modeWith({
      upgrade: async (session: ModeSession) => {
        sessions.push(session);
        return new Promise<void>(() => undefined);
      },
    }),
  );
  bench.receive(upgradeText());
  t.equal(bench.written(), '');
  const defect = new Error('in a timer');
  sessions[0]!.fail(defect);
  t.equal(bench.refusal(), '500 internal error\n');
  t.match(bench.host.refusals, [{ cause: defect }]);
});

t.test('whatever has a then is waited for, and may refuse', async (t) => {
  const thenable = (
    act: (resolve: () => void, reject: (error: unknown) => void) => void,
  ): unknown => ({
    then: act,
  });
  const late = thenable((_resolve, reject) => {
    setImmediate(reject, new HandshakeError('unauthorized'));
  });
  const broken = Object.defineProperty({}, 'then', {
    get: () => {
      throw new Error('no');
    },
  });
  for (const [result, status] of [
    [late, 401],
    [broken, 500],
  ] as const) {
    const byMode = new Bench(modeWith({ upgrade: () => result as PromiseLike<void> }));
    const byPolicy = new Bench(echoMode, {
      opening: { authorize: () => result as PromiseLike<null> },
    });
    for (const bench of [byMode, byPolicy]) {
      bench.receive(upgradeText());
      await bench.settle();
      t.match(bench.refusal(), new RegExp(`^${status} `));
    }
  }
  const fine = new Bench(
    modeWith({
      upgrade: () =>
        thenable((resolve) => {
          resolve();
        }) as PromiseLike<void>,
    }),
  );
  fine.receive(upgradeText());
  await fine.settle();
  t.equal(fine.written(), acceptedWith());
});

t.test('a mode that pauses and resumes while it makes up its mind is read', async (t) => {
  for (const isLate of [false, true]) {
    const bench = new Bench(
      modeWith({
        upgrade: (session) => {
          session.pause();
          session.resume();
          return isLate ? Promise.resolve() : undefined;
        },
      }),
    );
    bench.receive(upgradeText());
    await bench.settle();
    t.equal(bench.written(), acceptedWith());
    t.notOk(bench.socket.isPaused);
  }
});

t.test(
  'the server stops while a mode is asked: it is refused, whatever the mode says',
  async (t) => {
    for (const answer of ['at once', 'late', 'no', 'no, late'] as const) {
      const told: string[] = [];
      const bench: Bench = new Bench(
        modeWith({
          upgrade: () => {
            bench.connection.shutDown();
            const refusal = new HandshakeError('route');
            if (answer === 'no') throw refusal;
            if (answer === 'late') return Promise.resolve();
            return answer === 'at once' ? undefined : Promise.reject(refusal);
          },
          abandoned: () => told.push('abandoned'),
          open: () => told.push('open'),
          close: () => told.push('close'),
        }),
      );
      bench.receive(requestWith(textFrame('a')));
      await bench.settle();
      t.equal(bench.refusal(), '503 the server is shutting down\n', answer);
      t.equal(bench.host.refusals.length, 1);
      bench.socket.emit('close');
      // What it has opened nevertheless is its own to free.
      t.strictSame(told, answer.startsWith('no') ? ['abandoned'] : ['abandoned', 'close'], answer);
    }
  },
);

t.test('a session that cannot be reported is no reason to refuse what was accepted', async (t) => {
  const bench = new Bench();
  t.intercept(bench.host, 'sessionOpened', {
    value: () => {
      throw new Error('no log');
    },
  });
  t.throws(() => {
    bench.receive(upgradeText());
  }, new Error('no log'));
  t.equal(bench.written(), acceptedWith());
  t.strictSame(bench.host.refusals, []);
});

t.test('what became of the connection is told to a mode that agrees too late', async (t) => {
  const mode = new SlowOpener();
  const broken = new Bench(mode);
  broken.receive(upgradeText());
  broken.socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
  broken.socket.emit('close');
  mode.accept();
  await broken.settle();
  t.match(mode.closedWith, [{ error: 'ECONNRESET' }]);

  const dropped = new Bench(mode);
  dropped.receive(upgradeText());
  dropped.connection.drop('shutdown');
  mode.accept();
  await dropped.settle();
  t.match(mode.closedWith[1], { rule: 'shutdown' });
});

t.test('what was asked for may hold no longer when the mode agrees', async (t) => {
  const mode = new SlowOpener();
  const bench = new Bench(mode);
  bench.receive(upgradeText());
  bench.host.lateRefusal = new HandshakeError('address');
  mode.accept();
  await bench.settle();
  t.equal(bench.refusal(), '403 address not allowed\n');
  t.equal(mode.closedWith.length, 1, 'what it has opened is freed');
  t.strictSame(bench.host.opened, []);
  t.strictSame(bench.host.ended, []);

  const atOnce = new Bench(echoMode);
  atOnce.host.lateRefusal = new HandshakeError('full');
  atOnce.receive(upgradeText());
  t.match(atOnce.refusal(), /^503 /);
});

t.test('a client that leaves while a mode is asked', async (t) => {
  for (const [leave, how] of [
    [(bench: Bench) => bench.socket.emit('end'), 'end'],
    [
      (bench: Bench) =>
        bench.socket.emit('error', Object.assign(new Error('reset'), { code: 'ECONNRESET' })),
      'ECONNRESET',
    ],
  ] as const) {
    const bench = new Bench(new SlowOpener());
    bench.receive(upgradeText());
    leave(bench);
    t.strictSame(bench.host.left, [how]);
  }
});
