import t from 'tap';
import {
  ClosingEvent,
  ClosingState,
  canReceive,
  canSendData,
  nextClosingState,
} from '../../src/protocol/closing-handshake.js';

const { Open, CloseSent, CloseOwed, Closed } = ClosingState;
const STATES = Object.values(ClosingState);
const EVENTS = Object.values(ClosingEvent);

t.test('the states and events are different numbers', (t) => {
  t.equal(new Set(STATES).size, 4);
  t.equal(new Set(EVENTS).size, 5);
  t.end();
});

t.test('every transition (RFC 6455 §7.1)', (t) => {
  const { SendClose, ReceiveClose, Fail, Eof, HoldFailure } = ClosingEvent;
  const table = [
    [Open, SendClose, CloseSent, 'we begin'],
    [Open, ReceiveClose, CloseOwed, 'the peer begins'],
    [Open, Fail, Closed, 'we fail the connection'],
    [Open, Eof, Closed, 'the peer vanished'],
    [Open, HoldFailure, CloseOwed, 'the peer does wrong while answers are on their way'],
    [CloseSent, SendClose, CloseSent, 'a second Close is not sent'],
    [CloseSent, ReceiveClose, Closed, 'the peer answers'],
    [CloseSent, Fail, Closed, 'the peer does wrong instead of answering'],
    [CloseSent, Eof, Closed, 'the peer vanished instead of answering'],
    [CloseSent, HoldFailure, CloseSent, 'no answer is left that a failure could wait for'],
    [CloseOwed, SendClose, Closed, 'we answer'],
    [CloseOwed, ReceiveClose, CloseOwed, 'nothing is read after a Close'],
    [CloseOwed, Fail, Closed, 'we fail instead of answering'],
    [CloseOwed, Eof, CloseOwed, 'our answer is still owed'],
    [CloseOwed, HoldFailure, CloseOwed, 'nothing is read that could be wrong'],
    [Closed, SendClose, Closed, 'closed stays closed'],
    [Closed, ReceiveClose, Closed, 'closed stays closed'],
    [Closed, Fail, Closed, 'closed stays closed'],
    [Closed, Eof, Closed, 'closed stays closed'],
    [Closed, HoldFailure, Closed, 'closed stays closed'],
  ] as const;
  t.equal(table.length, STATES.length * EVENTS.length, 'the table is complete');
  for (const [state, event, next, why] of table) {
    t.equal(nextClosingState(state, event), next, `${state} on ${event}: ${why}`);
  }
  t.end();
});

t.test('data is sent until our Close has been (RFC 6455 §5.5.1)', (t) => {
  t.strictSame([Open, CloseSent, CloseOwed, Closed].map(canSendData), [true, false, true, false]);
  t.end();
});

t.test('what arrives is looked at until the Close of the peer (RFC 6455 §5.5.1)', (t) => {
  t.strictSame([Open, CloseSent, CloseOwed, Closed].map(canReceive), [true, true, false, false]);
  t.end();
});

t.test('no event gives back what a Close took', (t) => {
  for (const state of STATES) {
    for (const event of EVENTS) {
      const next = nextClosingState(state, event);
      if (!canSendData(state)) t.notOk(canSendData(next), `${state} on ${event}: sending`);
      if (!canReceive(state)) t.notOk(canReceive(next), `${state} on ${event}: receiving`);
    }
  }
  t.end();
});
