import t from 'tap';
import type { ModeContext } from '../../src/modes/built-in.js';
import type { ModeSession, SendResult } from '../../src/session/session.js';
import { echo, echoMode } from '../../src/modes/echo.js';
import { hexOf, bytesOfHex } from '../fixtures/hex.js';

/** A session that takes so many messages before it says to wait. */
class FakeSession {
  readonly calls: string[] = [];
  room = 1;

  get asSession(): ModeSession {
    return this as unknown as ModeSession;
  }

  sendRange(opcode: number, bytes: Uint8Array, start: number, end: number): SendResult {
    this.calls.push(`send ${opcode} ${hexOf(bytes.subarray(start, end))}`);
    this.room -= 1;
    return this.room >= 0 ? 'sent' : 'wait';
  }

  pause(): void {
    this.calls.push('pause');
  }

  resume(): void {
    this.calls.push('resume');
  }
}

t.test('it is called echo and takes whole messages', async (t) => {
  t.equal(echoMode.name, 'echo');
  t.equal(echoMode.delivery, 'messages');
  t.notOk('open' in echoMode, 'everyone is accepted, and nobody is greeted');
});

t.test('a message goes back with its own opcode, and no byte beside it', async (t) => {
  const session = new FakeSession();
  session.room = 3;
  const bytes = bytesOfHex('00 01 02 03 04 05');
  echoMode.message!(session.asSession, 1, bytes, 2, 5);
  echoMode.message!(session.asSession, 2, bytes, 0, 6);
  echoMode.message!(session.asSession, 2, bytes, 3, 3);
  t.strictSame(session.calls, ['send 1 020304', 'send 2 000102030405', 'send 2 ']);
});

t.test('a client that does not read is not read from until it does', async (t) => {
  const session = new FakeSession();
  const bytes = bytesOfHex('0a');
  echoMode.message!(session.asSession, 2, bytes, 0, 1);
  echoMode.message!(session.asSession, 2, bytes, 0, 1);
  t.strictSame(session.calls, ['send 2 0a', 'send 2 0a', 'pause']);
  echoMode.drain!(session.asSession);
  t.strictSame(session.calls.slice(3), ['resume']);
});

t.test('it is the mode of its word, unless clients may ask for more', async (t) => {
  const contextOf = (echoControls: boolean): ModeContext =>
    ({ settings: { echoControls } }) as unknown as ModeContext;
  t.equal((await echo.prepare(contextOf(false)))({ kind: 'echo' }), echoMode);
  const controlled = (await echo.prepare(contextOf(true)))({ kind: 'echo' });
  t.match(controlled, { name: 'echo', echoes: true });
  t.ok('choose' in controlled);
});
