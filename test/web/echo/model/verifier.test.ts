import t from 'tap';
import { Verifier } from '../../../../web/echo/model/verifier.js';

t.test('echoes in order', async (t) => {
  const verifier = new Verifier();
  verifier.send('a', 0);
  verifier.send(Uint8Array.of(1, 2), 10);
  t.match(verifier, { sent: 2, sentBytes: 3, waiting: 2, waitingBytes: 3 });
  t.strictSame(verifier.receive('a', 5), { kind: 'echo', ms: 5, skipped: 0 });
  t.strictSame(verifier.receive(Uint8Array.of(1, 2), 12), { kind: 'echo', ms: 2, skipped: 0 });
  t.match(verifier, { received: 2, receivedBytes: 3, echoes: 2, waiting: 0, waitingBytes: 0 });
  t.match(verifier, { different: 0, unasked: 0, skipped: 0 });
});

t.test('what is no echo', async (t) => {
  const verifier = new Verifier();
  t.strictSame(verifier.receive('hi', 0), { kind: 'unasked' });
  verifier.send('a', 0);
  t.strictSame(verifier.receive('b', 1), { kind: 'different' });
  t.strictSame(verifier.receive('a', 3), { kind: 'echo', ms: 3, skipped: 0 }, 'it still waits');
  t.match(verifier, { unasked: 1, different: 1, echoes: 1 });
});

t.test('messages that are passed over', async (t) => {
  const verifier = new Verifier();
  for (const text of ['a', 'b', 'c', 'd']) verifier.send(text, 0);
  t.strictSame(verifier.receive('c', 7), { kind: 'echo', ms: 7, skipped: 2 });
  t.match(verifier, { skipped: 2, waiting: 1, waitingBytes: 1 });
  t.strictSame(verifier.receive('a', 8), { kind: 'different' }, 'that comes too late');
  t.equal(verifier.end(), 1);
  t.match(verifier, { waiting: 0, waitingBytes: 0 });
});

t.test('a reply is not looked for without end', async (t) => {
  const verifier = new Verifier();
  for (let number = 0; number <= 1001; number++) verifier.send(String(number), 0);
  t.strictSame(verifier.receive('1001', 0), { kind: 'different' });
  t.strictSame(verifier.receive('1000', 0), { kind: 'echo', ms: 0, skipped: 1000 });
  t.equal(verifier.waiting, 1);
});

t.test('what was answered is let go', async (t) => {
  const verifier = new Verifier();
  verifier.send('last', 0);
  for (let number = 0; number < 5000; number++) {
    verifier.send(String(number), 0);
    verifier.receive(number === 0 ? 'last' : String(number - 1), 0);
  }
  t.match(verifier, { echoes: 5000, waiting: 1, waitingBytes: 4 });
});
