import { Buffer } from 'node:buffer';
import t from 'tap';
import type { ModeSession } from '../../src/session/session.js';
import { InvalidStateError } from '../../src/errors.js';
import type { UpgradeRequest } from '../../src/handshake/request.js';
import type { UpgradeResponse } from '../../src/handshake/upgrade-response.js';
import { nextTurn } from '../fixtures/extensions.js';
import { Bench, Witness, closeText, sentText } from '../fixtures/session-bench.js';

/** What a mode is asked with; none here looks at it. */
const REQUEST = {} as UpgradeRequest;
const RESPONSE = {} as UpgradeResponse;

t.test('before the handshake is answered nothing can be sent', async (t) => {
  const { session, host } = new Bench(new Witness());
  const bytes = Buffer.from('early');
  t.notOk(session.isOpen);
  t.throws(() => session.sendRange(1, bytes), InvalidStateError);
  t.throws(() => session.sendChunkRange(1, bytes, 0, 5, true, true), InvalidStateError);
  t.throws(() => {
    session.close(1000);
  }, InvalidStateError);
  t.notOk(session.isOver);
  t.equal(session.bufferedAmount, 0);
  t.strictSame(host.opened, []);
});

t.test('it opens once the handshake is answered', async (t) => {
  const { session, host } = new Bench(new Witness()).open();
  t.ok(session.isOpen);
  t.notOk(session.isOver);
  t.strictSame(host.opened, [session]);
  t.strictSame(host.ended, []);
});

t.test('a mode is told that messages can be sent', async (t) => {
  const mode = Object.assign(new Witness(), {
    open: (session: ModeSession) => session.sendRange(1, Buffer.from('hello')),
  });
  const bench = new Bench(mode).open();
  t.strictSame(bench.sent(), [sentText('hello')]);
});

t.test('a mode that fails when it is told so ends its session', async (t) => {
  const defect = new TypeError('a defect');
  const mode = Object.assign(new Witness(), {
    open: () => {
      throw defect;
    },
  });
  const bench = new Bench(mode).open();
  t.strictSame(bench.sent(), [closeText(1011, 'internal error')]);
  t.match(bench.finish(), { closeCode: 1011, error: defect });
});

t.test('a handshake that is given up is told to the mode', async (t) => {
  const abandoned: ModeSession[] = [];
  const mode = Object.assign(new Witness(), {
    abandoned: (session: ModeSession) => abandoned.push(session),
  });
  const unasked = new Bench(mode).session;
  unasked.abandonOpening();
  t.strictSame(abandoned, [], 'not when it was not asked');
  const { session } = new Bench(Object.assign(mode, { upgrade: (): void => undefined }));
  t.equal(session.ask(REQUEST, RESPONSE), null);
  session.abandonOpening();
  t.strictSame(abandoned, [session]);
  t.equal(session.send('late'), 'closed', 'whoever still knows it sends in vain');
  const silent = new Bench(Object.assign(new Witness(), { upgrade: (): void => undefined }))
    .session;
  silent.ask(REQUEST, RESPONSE);
  silent.abandonOpening();
});

t.test('while a handshake is not answered, fail refuses it', async (t) => {
  const pending = new Bench(
    Object.assign(new Witness(), { upgrade: async () => new Promise<void>(() => undefined) }),
  );
  t.ok(pending.session.ask(REQUEST, RESPONSE) instanceof Promise);
  pending.session.fail(new Error('no'));
  t.strictSame(pending.calls(), ['refuse Error: no']);

  const defect = new Error('at once');
  for (const result of [undefined, Promise.reject(new Error('as well'))]) {
    const mode = Object.assign(new Witness(), {
      upgrade: (session: ModeSession) => {
        session.fail(defect);
        return result;
      },
    });
    t.throws(() => new Bench(mode).session.ask(REQUEST, RESPONSE), defect);
  }
  await nextTurn();
});

t.test('a mode that fails when it is given up', async (t) => {
  for (const abandoned of [
    (): never => {
      throw new Error('in abandoned');
    },
    async (): Promise<never> => Promise.reject(new Error('in abandoned')),
  ]) {
    const mode = Object.assign(new Witness(), { upgrade: (): void => undefined, abandoned });
    const { session, host } = new Bench(mode);
    session.ask(REQUEST, RESPONSE);
    session.abandonOpening();
    await nextTurn();
    t.match(host.failedLate, [{ message: 'in abandoned' }]);
    t.strictSame(host.ended, []);
  }
});
