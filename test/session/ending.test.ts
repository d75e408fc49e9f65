import { Buffer } from 'node:buffer';
import t from 'tap';
import type { ModeSession } from '../../src/session/session.js';
import { ExtensionError, InvalidStateError, PolicyError } from '../../src/errors.js';
import type { CloseStatus } from '../../src/protocol/close.js';
import { Deferred, nextTurn } from '../fixtures/extensions.js';
import {
  MORE,
  type TestFrame,
  binaryFrame,
  closeFrame,
  pingFrame,
  textFrame,
} from '../fixtures/frames.js';
import {
  Bench,
  EMPTY_CLOSE,
  QUIET,
  Gate,
  Witness,
  closeText,
  echoWitness,
  extensionFault,
  extensionOf,
  gatedBench,
  sentText,
} from '../fixtures/session-bench.js';
import { TapWitness } from '../fixtures/tap-witness.js';
import { LIMITS, NO_KEEPALIVE, START_MS } from '../fixtures/test-host.js';

const LARGE = new Uint8Array(LIMITS.outputPause - 10);

t.test('after our Close nothing more is sent or counted', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1001);
  t.equal(bench.session.sendRange(1, Buffer.from('late')), 'closed');
  t.equal(bench.session.sendChunkRange(1, Buffer.from('late'), 0, 4, true, true), 'closed');
  t.strictSame(bench.sent(), [closeText(1001)]);
  t.match(bench.finish(), { messagesOut: 0, bytesOut: 0 });
});

t.test('a mode that fails in drained fails its session alone', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  const defect = new Error('in drained');
  mode.onDrained = () => {
    throw defect;
  };
  t.equal(bench.session.sendRange(2, new Uint8Array(LIMITS.outputPause)), 'wait');
  bench.sent();
  bench.calls();
  bench.session.resumeOutput();
  t.strictSame(bench.calls(), ['flush']);
  t.ok(bench.session.isOver);
  t.strictSame(bench.sent(), [closeText(1011, 'internal error')]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1011, rule: null, error: defect });
});

t.test('a mode fails its session when something goes wrong later', async (t) => {
  const bench = new Bench(new Witness()).open();
  const defect = new Error('in a timer');
  bench.session.sendRange(1, Buffer.from('before'));
  bench.calls();
  bench.session.fail(defect);
  t.ok(bench.calls().includes('flush'), 'nobody else would see to it');
  t.ok(bench.session.isOver);
  bench.session.fail(new Error('once more'));
  t.equal(bench.session.sendRange(1, Buffer.from('after')), 'closed');
  bench.session.close(1000);
  t.strictSame(bench.sent(), [sentText('before'), closeText(1011, 'internal error')]);
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1011, rule: null, error: defect });

  const closing = new Bench(new Witness()).open();
  closing.session.close(1001);
  closing.session.fail(defect);
  t.ok(closing.session.isOver, 'the answer is not waited for');
  t.strictSame(closing.sent(), [closeText(1001)]);
  t.match(closing.finish(), { closeCode: 1001, error: defect });
});

t.test('a mode that throws no Error is a defect too', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  mode.onMessage = () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a careless mode may do it
    throw 'a text';
  };
  bench.receive(textFrame('a'));
  t.strictSame(bench.sent(), [closeText(1011, 'internal error')]);
  t.match(bench.finish(), { closeCode: 1011, error: new Error('thrown: a text') });
});

t.test('a mode that fails in a message fails its session alone', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  const defect = new Error('in message');
  mode.onMessage = (session) => {
    session.sendRange(1, Buffer.from('first'));
    throw defect;
  };
  bench.receive(textFrame('a'), textFrame('b'), pingFrame());
  t.strictSame(mode.told, ['message 1 61'], 'nothing is looked at behind it');
  t.strictSame(bench.sent(), ['1 6669727374', closeText(1011, 'internal error')]);
  t.match(bench.finish(), { closeCode: 1011, closeReason: 'internal error', error: defect });
});

t.test('§5.5.1: the peer closes, and gets its own code and reason back', async (t) => {
  const cases: readonly [TestFrame, string, number, string][] = [
    [closeFrame(1000, 'bye'), closeText(1000, 'bye'), 1000, 'bye'],
    [closeFrame(4999), closeText(4999), 4999, ''],
    [closeFrame(), EMPTY_CLOSE, 1005, ''],
  ];
  for (const [frame, answer, closeCode, closeReason] of cases) {
    const bench = new Bench(new Witness()).open();
    bench.receive(textFrame('a'), frame, textFrame('ignored'));
    t.ok(bench.session.isOver);
    t.strictSame(bench.sent(), [answer]);
    t.match(bench.finish(), {
      closedBy: 'client',
      closeCode,
      closeReason,
      messagesIn: 1,
      rule: null,
      error: null,
    });
  }
});

t.test('§7.1.2: we close, and wait for the answer', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.pause();
  bench.calls();
  bench.session.close(1001, 'away');
  t.strictSame(bench.calls(), ['flush', 'resume'], 'the answer must be read');
  t.equal(bench.transport.checkMs, LIMITS.closeTimeout);
  t.strictSame(bench.sent(), [closeText(1001, 'away')]);
  t.notOk(bench.session.isOver);
  bench.session.close(4000);
  t.strictSame(bench.calls(), [], 'a second call does nothing');
  bench.receive(textFrame('unwanted'), closeFrame(4001, 'other'));
  t.ok(bench.session.isOver);
  t.strictSame(bench.sent(), []);
  t.match(bench.finish(), {
    closedBy: 'server',
    closeCode: 1001,
    closeReason: 'away',
    messagesIn: 0,
  });
});

t.test('without a code we close normally', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1000);
  t.strictSame(bench.sent(), [closeText(1000)]);
});

t.test('a code that must not be sent is our own defect', async (t) => {
  const bench = new Bench(new Witness()).open();
  t.throws(() => {
    bench.session.close(1006);
  }, InvalidStateError);
  t.strictSame(bench.sent(), []);
  t.match(bench.finish(), { closedBy: 'lost' });
});

t.test('the peer breaks a rule', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.receive(textFrame('a'), textFrame('b', { rsv: 4 }), textFrame('c'));
  t.ok(bench.session.isOver);
  const reason = 'reserved bit RSV1, RSV2 or RSV3 set without an extension (RFC 6455 5.2)';
  t.strictSame(bench.sent(), [closeText(1002, reason)]);
  t.match(bench.finish(), {
    closedBy: 'server',
    closeCode: 1002,
    closeReason: reason,
    rule: 'reserved-bit',
    error: null,
    messagesIn: 1,
  });
});

t.test('the peer breaks a rule instead of answering our Close', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1001);
  bench.receive(textFrame('b', { rsv: 4 }));
  t.ok(bench.session.isOver);
  t.strictSame(bench.sent(), [closeText(1001)], 'there is one Close');
  t.match(bench.finish(), { closedBy: 'server', closeCode: 1001, rule: 'reserved-bit' });
});

t.test('§7.1.5: a connection that is lost without a Close is 1006', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  bench.receive(textFrame('a', MORE));
  bench.session.receiveEof();
  t.ok(bench.session.isOver);
  const summary = bench.finish();
  t.match(summary, { closedBy: 'lost', closeCode: 1006, closeReason: '', rule: null, error: null });
  t.strictSame(mode.summaries, [summary]);
});

t.test('the socket goes without FIN', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.lost('ECONNRESET');
  bench.session.lost('EPIPE');
  t.match(bench.finish(), { closedBy: 'lost', closeCode: 1006, error: 'ECONNRESET' });
});

t.test('what the system says does not hide what we did wrong', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode).open();
  const defect = new Error('in message');
  mode.onMessage = () => {
    throw defect;
  };
  bench.receive(textFrame('a'));
  bench.session.lost('EPIPE');
  t.equal(bench.finish().error, defect);
});

t.test(
  'a session that is dropped names the rule, and its client is told if it can be',
  async (t) => {
    for (const [rule, code, reason] of [
      ['shutdown', 1001, 'the server is shutting down'],
      ['close-timeout', 1011, 'closing took too long'],
      ['send-timeout', 1008, 'client reads too slowly: it took nothing for too long'],
    ] as const) {
      const bench = new Bench(new Witness()).open();
      bench.session.dropped(rule);
      t.strictSame(bench.sent(), [closeText(code, reason)]);
      t.match(bench.finish(), { closedBy: 'server', closeCode: code, closeReason: reason, rule });
    }
    const blocked = new Bench(new Witness()).open();
    blocked.block();
    blocked.session.dropped('shutdown');
    t.match(blocked.finish(), { closedBy: 'lost', closeCode: 1006, rule: 'shutdown' });
    const closing = new Bench(new Witness()).open();
    closing.session.close(4000, 'mine');
    closing.session.dropped('shutdown');
    t.strictSame(closing.sent(), [closeText(4000, 'mine')], 'once');
    const never = new Bench(new Witness()).session;
    never.dropped('shutdown');
    t.notOk(never.isOpen);
  },
);

t.test('a summary has everything the log needs', async (t) => {
  const bench = new Bench(new Witness());
  bench.host.clock.nowMs = START_MS + 500;
  bench.open();
  bench.host.clock.nowMs = START_MS + 1700;
  bench.receive(textFrame('abc'), closeFrame(1000, 'bye'));
  t.strictSame(bench.finish(), {
    id: bench.session.id,
    remoteAddress: '203.0.113.7',
    remotePort: 51_234,
    mode: 'test',
    notes: {},
    path: '/room',
    subprotocol: 'chat',
    extensions: null,
    extensionStats: {},
    messagesIn: 1,
    bytesIn: 3,
    messagesOut: 0,
    bytesOut: 0,
    durationMs: 1200,
    closeCode: 1000,
    closeReason: 'bye',
    closedBy: 'client',
    rule: null,
    error: null,
  });
});

t.test('a mode that fails in closed is reported', async (t) => {
  const defect = new Error('in closed');
  const bench = new Bench({
    name: 'test',
    delivery: 'messages',
    close: () => {
      throw defect;
    },
  }).open();
  bench.receive(closeFrame(1000));
  t.match(bench.finish(), { closeCode: 1000, error: defect });
});

t.test('a session that never opened is over for its mode only', async (t) => {
  const mode = new Witness();
  const { session, host } = new Bench(mode);
  session.finish();
  t.strictSame(mode.told, ['closed']);
  t.match(mode.summaries, [{ closedBy: 'lost', closeCode: 1006, messagesIn: 0 }]);
  t.strictSame(host.ended, []);
});

t.test('the clock may find a deadline that has passed', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.close(1000);
  bench.calls();
  bench.checkAfter(LIMITS.closeTimeout);
  t.strictSame(bench.calls(), ['drop close-timeout']);
});

t.test('what fails when all is over changes no account', async (t) => {
  const gate = new Gate({ encode: true });
  const bench = gatedBench(new Witness(), gate);
  while (!bench.session.isOver) bench.session.sendRange(2, LARGE);
  bench.session.fail(new PolicyError('message-timeout'));
  await gate.encodeFails(extensionFault());
  const reason = 'client reads too slowly: too much output is waiting';
  t.strictSame(bench.sent(), [closeText(1008, reason)]);
  t.match(bench.finish(), { closeCode: 1008, rule: 'output-limit', error: null });
});

t.test('the summary has what the extensions say', async (t) => {
  const mode = new Witness();
  const bench = new Bench(mode, {
    limits: NO_KEEPALIVE,
    extensions: [
      extensionOf('x-a', { stats: { ratioIn: 4.18 } }),
      extensionOf('x-b', { stats: null }),
      extensionOf('x-c'),
    ],
  }).open();
  const summary = bench.finish();
  t.match(summary, { extensions: 'x-a, x-b, x-c' });
  t.strictSame(summary.extensionStats, { 'x-a': { ratioIn: 4.18 } });
  t.strictSame(mode.summaries, [summary]);
});

t.test('however a session ends, its chain is closed, once', async (t) => {
  const ways: readonly [string, (bench: Bench, gate: Gate) => unknown][] = [
    ['nothing happens', () => undefined],
    [
      'both Closes',
      (bench) => {
        bench.receive(closeFrame(1000));
      },
    ],
    [
      'our Close',
      (bench) => {
        bench.session.close(1000);
      },
    ],
    [
      'FIN',
      (bench) => {
        bench.session.receiveEof();
      },
    ],
    [
      'a broken rule',
      (bench) => {
        bench.receive(textFrame('', { rsv: 1 }));
      },
    ],
    [
      'a drop',
      (bench) => {
        bench.session.dropped('shutdown');
      },
    ],
    [
      'decode hangs',
      (bench) => {
        bench.receive(textFrame('a'), textFrame('b'));
      },
    ],
    ['encode hangs', (bench) => bench.session.sendRange(1, Buffer.from('a'))],
    [
      'a Close waits',
      (bench) => {
        bench.receive(textFrame('a'), closeFrame(1000));
      },
    ],
    [
      'decode fails',
      async (bench, gate) => {
        bench.receive(textFrame('a'));
        await gate.decodeFails(extensionFault());
      },
    ],
    [
      'encode fails',
      async (bench, gate) => {
        bench.session.sendRange(1, Buffer.from('a'));
        await gate.encodeFails(extensionFault());
      },
    ],
  ];
  for (const [name, happens] of ways) {
    const gate = new Gate({ decode: true, encode: true });
    const bench = gatedBench(echoWitness(), gate);
    await happens(bench, gate);
    t.equal(gate.closeCount, 0, `${name}: while the connection is there it is needed`);
    bench.finish();
    bench.session.abandon();
    t.equal(gate.closeCount, 1, name);
    bench.sent();
    for (const { message, answer } of [...gate.decoding, ...gate.encoding]) answer.resolve(message);
    await nextTurn();
    t.strictSame(bench.sent(), [], `${name}: what is late is dropped`);
    t.equal(gate.closeCount, 1, name);
  }

  const gate = new Gate();
  const refused = new Bench(new Witness(), { limits: NO_KEEPALIVE, extensions: [gate] });
  refused.session.abandon();
  refused.session.abandon();
  t.equal(gate.closeCount, 1, 'a handshake that was refused');
  refused.session.finish();
  t.equal(gate.closeCount, 1, 'and a mode that took its time');
});

t.test('an extension that fails in close is in the log, and the others are closed', async (t) => {
  const gate = new Gate();
  const cause = new Error('in close');
  const failing = extensionOf('x-a', {
    close: () => {
      throw cause;
    },
  });
  const make = (): Bench =>
    new Bench(new Witness(), { limits: NO_KEEPALIVE, extensions: [failing, gate] }).open();
  const bench = make();
  bench.receive(closeFrame(1000));
  const { error, closeCode } = bench.finish();
  t.type(error, ExtensionError);
  t.equal((error as Error).cause, cause);
  t.equal(closeCode, 1000);
  t.equal(gate.closeCount, 1);

  const broken = make();
  const defect = new Error('before');
  broken.session.fail(defect);
  t.equal(broken.finish().error, defect, 'what went wrong before is worth more');
});

t.test('a mode that is told of the end can neither send nor close', async (t) => {
  const mode = new Witness();
  const sent: unknown[] = [];
  mode.onClosed = (session): void => {
    session.close(1001);
    session.fail(new Error('late'));
    sent.push(session.sendRange(1, Buffer.from('late')));
  };
  const bench = gatedBench(mode, new Gate({ encode: true }));
  bench.session.sendRange(1, Buffer.from('a'));
  bench.receive(closeFrame(1000));
  const summary = bench.finish();
  t.strictSame(sent, ['closed']);
  t.strictSame(bench.sent(), []);
  t.match(summary, { closedBy: 'client', closeCode: 1000, messagesOut: 1 });
  t.match(summary.error, { message: 'late' }, 'but say what went wrong');
  t.equal(bench.session.bufferedAmount, 0);

  const never = new Bench(mode);
  never.session.finish();
  t.strictSame(sent, ['closed', 'closed'], 'nor if it never opened');
  t.match(mode.summaries[1], { error: null });
  t.match(never.host.failedLate, [{ message: 'late' }]);
});

t.test('what a mode has to say is in the summary, with the name of its mode', async (t) => {
  const bench = new Bench(new Witness()).open();
  bench.session.notes = { target: 'localhost:5900' };
  bench.session.data = bench;
  t.equal(bench.session.data, bench);
  t.match(bench.finish(), { mode: 'test', notes: { target: 'localhost:5900' } });
  const plain = new Bench(new Witness()).open();
  t.throws(() => {
    (plain.session.notes as Record<string, unknown>)['room'] = 'a';
  }, TypeError);
  const { notes, extensionStats } = plain.finish();
  for (const shared of [notes, extensionStats] as Record<string, unknown>[])
    t.throws(() => {
      shared['room'] = 'a';
    }, TypeError);
  t.strictSame(new Bench(new Witness()).open().finish().notes, {}, 'it is in no other');
});

t.test('a session that is dropped owes no answer to a Close', async (t) => {
  for (const fault of [null, new Error('a defect')]) {
    const mode = Object.assign(new Witness(), {
      closing(session: ModeSession): void {
        session.drop();
        if (fault !== null) throw fault;
      },
    });
    const bench = new Bench(mode).open();
    bench.receive(closeFrame(1000));
    t.ok(bench.session.isThrough);
    t.strictSame(bench.sent(), []);
    bench.session.dropped('dropped-by-mode');
    t.match(bench.finish(), { closeCode: 1000, closedBy: 'client' });
  }
});

/** A mode that answers the peer's Close when the test says so. */
class Holder extends Witness {
  readonly held = new Deferred<undefined>();

  async closing(_session: ModeSession, { code, reason }: CloseStatus): Promise<void> {
    this.told.push(`Close ${code} ${reason}`);
    await this.held.promise;
  }
}

t.test('the answer to a Close waits for the mode, whatever becomes of its promise', async (t) => {
  const answers: Deferred<undefined>[] = [];
  const closing = async (): Promise<undefined> => {
    const answer = new Deferred<undefined>();
    answers.push(answer);
    return answer.promise;
  };
  const made = (): Bench => {
    const bench = new Bench(Object.assign(new Witness(), { closing })).open();
    bench.receive(closeFrame());
    t.ok(bench.session.isEnding);
    t.strictSame(bench.sent(), []);
    t.equal(bench.transport.checkMs, LIMITS.closeTimeout);
    return bench;
  };
  const good = made();
  answers[0]!.resolve(undefined);
  await nextTurn();
  t.notOk(good.session.isEnding);
  t.strictSame(good.sent(), [EMPTY_CLOSE]);

  const bad = made();
  const defect = new Error('a defect');
  answers[1]!.reject(defect);
  await nextTurn();
  t.notOk(bad.session.isEnding);
  t.equal(bad.finish().error, defect);
});

t.test('the answer to a Close waits for the mode, which may still send', async (t) => {
  const mode = new Holder();
  const bench = new Bench(mode).open();
  bench.receive(textFrame('a'), closeFrame(1000, 'bye'));
  t.strictSame(mode.told, ['message 1 61', 'Close 1000 bye']);
  t.equal(bench.session.sendRange(1, Buffer.from('b')), 'sent');
  t.strictSame(bench.sent(), [sentText('b')]);
  t.notOk(bench.session.isOver);
  mode.held.resolve(undefined);
  await nextTurn();
  t.strictSame(bench.sent(), [closeText(1000, 'bye')]);
  t.ok(bench.session.isOver);
  t.match(bench.finish(), { closedBy: 'client', closeCode: 1000, closeReason: 'bye' });
});

t.test('an answer that waits too long is dropped', async (t) => {
  const bench = new Bench(new Holder()).open();
  bench.receive(closeFrame(1000));
  t.ok(bench.session.isEnding);
  t.equal(bench.transport.checkMs, LIMITS.closeTimeout);
  bench.host.clock.nowMs = START_MS + LIMITS.closeTimeout;
  bench.session.check(START_MS + LIMITS.closeTimeout);
  t.ok(bench.transport.calls.includes('drop close-timeout'));
});

t.test('a mode that fails over a Close says so to nobody but the log', async (t) => {
  const mode = new Holder();
  const bench = new Bench(mode).open();
  bench.receive(closeFrame(1000));
  const defect = new Error('a defect');
  mode.held.reject(defect);
  await nextTurn();
  t.strictSame(bench.sent(), [closeText(1011, 'internal error')]);
  t.match(bench.finish(), { closeCode: 1011, error: defect });
});

t.test('once the socket is gone a session is over, whatever is owed or held', async (t) => {
  const tap = new TapWitness();
  const bench = new Bench(new Holder(), { ...QUIET, route: { tap } }).open();
  tap.gate.hold();
  bench.session.sendRange(1, Buffer.from('held'));
  bench.receive(closeFrame(1000));
  t.notOk(bench.session.isThrough, 'our Close is owed');
  t.match(bench.finish(), { closedBy: 'client', closeCode: 1000 });
  t.ok(bench.session.isThrough);
  t.ok(bench.session.isOver);
  bench.session.dropped('shutdown');
  t.strictSame(bench.sent(), [], 'there is nobody to talk to');
});

t.test('who is gone is not answered', async (t) => {
  const mode = new Holder();
  const bench = new Bench(mode).open();
  bench.receive(closeFrame(1000));
  bench.finish();
  mode.held.resolve(undefined);
  await nextTurn();
  t.strictSame(bench.sent(), []);
});

t.test(
  "who hears the peer out gets what comes after its own Close, until the peer's",
  async (t) => {
    for (const extensions of [[], [extensionOf('x-none')]]) {
      const mode = Object.assign(new Witness('chunks'), { receiveAfterClose: true });
      const bench = new Bench(mode, { limits: NO_KEEPALIVE, extensions }).open();
      bench.session.close(1000);
      bench.receive(textFrame('a'), closeFrame(1000), textFrame('b'));
      t.strictSame(mode.told, ['piece 1 61 first last']);
    }
    const mode = new Witness('chunks');
    const bench = new Bench(mode).open();
    bench.session.close(1000);
    bench.receive(textFrame('a'), closeFrame(1000));
    t.strictSame(mode.told, [], 'nobody else does');
  },
);

t.test('a session that is dropped ends at once, without a Close', async (t) => {
  const mode = new Witness();
  mode.onMessage = (session): void => {
    session.send('last');
    session.drop();
    session.drop();
    t.equal(session.send('late'), 'closed');
    t.notOk(session.ping());
    session.close();
  };
  const bench = new Bench(mode).open();
  bench.receive(textFrame('a'), textFrame('b'), pingFrame('c'));
  t.equal(mode.told.length, 1, 'what the same read has brought is not delivered');
  t.strictSame(bench.calls().slice(-1), ['drop dropped-by-mode']);
  t.strictSame(bench.sent(), [sentText('last')]);
  bench.session.dropped('dropped-by-mode');
  t.match(bench.finish(), { closeCode: 1006, closedBy: 'lost', rule: 'dropped-by-mode' });
  t.throws(() => {
    new Bench(new Witness()).session.drop();
  }, InvalidStateError);
});

/** A mode whose every call returns what is given. */
function returning(result: unknown): Witness {
  const call = (): unknown => result;
  return Object.assign(new Witness(), {
    open: call,
    message: call,
    chunk: call,
    drain: call,
    close: call,
  });
}

t.test('a promise that rejects ends its own session, whichever call it is', async (t) => {
  const defect = new Error('late');
  for (const start of [
    (bench: Bench): void => void bench.open(),
    (bench: Bench): void => {
      bench.open().receive(textFrame('a'));
    },
    (bench: Bench): void => {
      bench.open();
      while (bench.session.sendRange(2, LARGE) === 'sent');
      bench.sent();
      bench.session.resumeOutput();
    },
  ]) {
    const { promise, reject } = new Deferred<never>();
    const bench = new Bench(returning(promise));
    start(bench);
    t.notOk(bench.session.isOver);
    reject(defect);
    await nextTurn();
    t.ok(bench.session.isOver);
    t.equal(bench.sent().at(-1), closeText(1011, 'internal error'));
    bench.session.finish();
    t.match(bench.host.ended, [{ closeCode: 1011, error: defect }]);
  }
  const pieces = new Bench(
    Object.assign(returning(Promise.reject(defect)), { delivery: 'chunks' }),
  );
  pieces.open().receive(binaryFrame('a'));
  await nextTurn();
  t.ok(pieces.session.isOver);
});

t.test('what fails at the very end is told, once', async (t) => {
  const { promise, reject } = new Deferred<never>();
  const bench = new Bench(returning(promise)).open();
  bench.session.finish();
  t.match(bench.host.ended, [{ error: null }]);
  t.strictSame(bench.host.failedLate, []);
  reject(new Error('late'));
  await nextTurn();
  bench.session.fail(new Error('later'));
  t.match(bench.host.failedLate, [{ message: 'late' }]);
  t.equal(bench.host.failedLate.length, 1);

  const throwing = new Witness();
  throwing.onClosed = (): void => {
    throw new Error('in closed');
  };
  t.match(new Bench(throwing).open().finish().error, { message: 'in closed' });

  const late = new Bench(new Witness()).open();
  late.session.finish();
  late.session.fail(new PolicyError('output-limit'));
  late.session.fail(new ExtensionError('stopped at work'));
  t.strictSame(late.host.failedLate, [], 'what comes of the end is not told');
});

t.test('a failure of the log or the tap keeps nobody from the rest', async (t) => {
  const recorder = new TapWitness();
  const bench = new Bench(new Witness(), { limits: NO_KEEPALIVE, route: { tap: recorder } }).open();
  const observation = recorder.begin.bind(recorder);
  t.ok(observation);
  Object.assign(bench.session.endpoint.watcher!, {
    closed: () => {
      throw new Error('no record');
    },
  });
  t.throws(() => {
    bench.session.finish();
  }, new Error('no record'));
  t.equal(bench.host.ended.length, 1, 'it is in the log');
});

t.test('an extension that fails when it is given back', async (t) => {
  const failing = extensionOf('x-bad', {
    close: () => {
      throw new Error('in close');
    },
  });
  const options = { limits: NO_KEEPALIVE, extensions: [failing] };
  const refused = new Bench(new Witness(), options);
  refused.session.abandon();
  const message = 'extension x-bad failed in close: in close';
  t.match(refused.host.failedLate, [{ message }]);
  const opened = new Bench(new Witness(), options).open();
  t.match(opened.finish().error, { message });

  const { promise, reject } = new Deferred<never>();
  const slow = extensionOf('x-slow', { close: () => promise as unknown as undefined });
  const late = new Bench(new Witness(), { limits: NO_KEEPALIVE, extensions: [slow] }).open();
  t.equal(late.finish().error, null);
  reject(new Error('late'));
  await nextTurn();
  t.match(late.host.failedLate, [{ message: 'extension x-slow failed in close: late' }]);
});

t.test('a peerClosed that throws, or whose promise is of another library', async (t) => {
  const throwing = new Bench(
    Object.assign(new Witness(), {
      closing: (): never => {
        throw new Error('in peerClosed');
      },
    }),
  ).open();
  throwing.receive(closeFrame(1000));
  t.strictSame(throwing.sent(), [closeText(1011, 'internal error')]);
  t.match(throwing.finish().error, { message: 'in peerClosed' });

  let settle = (): void => undefined;
  const thenable = {
    then: (resolve: () => void) => {
      settle = resolve;
    },
  } as unknown as PromiseLike<void>;
  const waiting = new Bench(Object.assign(new Witness(), { closing: () => thenable })).open();
  waiting.receive(closeFrame(1000));
  await nextTurn();
  t.strictSame(waiting.sent(), [], 'the answer waits');
  settle();
  await nextTurn();
  t.strictSame(waiting.sent(), [closeText(1000)]);
});
