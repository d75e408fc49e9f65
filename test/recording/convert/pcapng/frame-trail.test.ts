import { Buffer } from 'node:buffer';
import t from 'tap';
import { FrameRoom, FrameTrail } from '../../../../src/recording/convert/pcapng/frame-trail.js';
import type { FrameRecord, MessageRecord } from '../../../../src/recording/format/record.js';

type Frame = readonly [op: number, len: number, fin: boolean, rsv?: number];

function trail(...frames: readonly Frame[]): FrameTrail {
  const made = new FrameTrail(new FrameRoom());
  for (const [op, len, fin, rsv = 0] of frames) {
    const record: FrameRecord = {
      ...{ ev: 'frame', s: 'A', t: 1, dir: 'in', masked: true, wire: len + 6 },
      ...{ op, len, fin, rsv },
    };
    made.take(record);
  }
  return made;
}

/** `1:ab` is a frame with the opcode 1, `+cd` are more bytes of it, `.` ends a message. */
function cut(from: FrameTrail, data: string, fields: Partial<MessageRecord> = {}): string | null {
  const record: MessageRecord = {
    ...{ ev: 'msg', s: 'A', t: 1, dir: 'in', op: 1, len: data.length, wire: 1, data },
    ...fields,
  };
  const parts = from.cut(record, Buffer.from(data));
  if (parts === null) return null;
  return parts
    .map(({ frame, bytes }) => {
      const start = frame === null ? '+' : `${frame.op}${frame.fin ? '.' : ':'}`;
      return `${start}${bytes.toString()}`;
    })
    .join(' ');
}

t.test('a message in its frames', async (t) => {
  t.equal(cut(trail([1, 2, true]), 'ab'), '1.ab');
  t.equal(cut(trail([1, 2, false], [0, 0, false], [0, 1, true]), 'abc'), '1:ab 0: 0.c');
  t.equal(cut(trail([1, 1, false], [0, 0, true]), 'a'), '1:a 0.');
  t.equal(cut(trail([1, 0, true]), ''), '1.');
  const two = trail([1, 1, true], [2, 1, true]);
  t.equal(cut(two, 'a'), '1.a');
  t.equal(cut(two, 'b'), '2.b');
});

t.test('pieces that end anywhere', async (t) => {
  const one = trail([1, 4, false]);
  t.equal(cut(one, 'a', { part: 'first' }), '1:a');
  t.equal(cut(one, 'bc', { part: 'middle' }), '+bc');
  one.take({
    ...{ ev: 'frame', s: 'A', t: 1, dir: 'in', masked: true },
    ...{ op: 0, fin: true, rsv: 0, len: 2, wire: 8 },
  });
  t.equal(cut(one, 'def', { part: 'last' }), '+d 0.ef');
  t.equal(cut(trail([1, 1, false]), 'a', { part: 'last' }), '1:a', 'the last frame is missing');
  const empty = trail([1, 1, false], [0, 0, true]);
  t.equal(cut(empty, 'a', { part: 'first' }), '1:a');
  t.equal(cut(empty, '', { part: 'last' }), '0.');
});

t.test('frames that do not tell are forgotten, up to the end of the message', async (t) => {
  for (const frames of [[], [[1, 3, true]], [[1, 2, true, 4]], [[1, 2, false]]] as const) {
    t.equal(cut(trail(...(frames as readonly Frame[])), 'ab'), null);
  }
  t.equal(cut(trail([1, 2, true]), 'ab', { cut: true }), null);
  const mixed = trail([1, 1, false, 4], [0, 1, true], [1, 1, true]);
  t.equal(cut(mixed, 'ab'), null, 'compressed');
  t.equal(cut(mixed, 'c'), '1.c');
  const pieces = trail([1, 9, false, 4]);
  t.equal(cut(pieces, 'ab', { part: 'first' }), null);
  pieces.take({
    ...{ ev: 'frame', s: 'A', t: 1, dir: 'in', masked: true },
    ...{ op: 0, fin: true, rsv: 0, len: 1, wire: 7 },
  });
  t.equal(cut(pieces, 'c', { part: 'last' }), null, 'the rest of it neither');
  t.equal(cut(pieces, 'd', { part: 'first' }), null, 'there is no frame');
});

t.test('frames without a message', async (t) => {
  const one = trail([1, 2, true], [3, 5, true, 2]);
  t.equal(cut(one, 'ab'), '1.ab');
  t.match(one.rest(), [{ op: 3, rsv: 2, len: 5 }]);
  t.same(one.rest(), []);
});

t.test('frames that wait are bounded, in all sessions together', async (t) => {
  const room = new FrameRoom();
  room.left = 3;
  const [one, other] = [new FrameTrail(room), new FrameTrail(room)];
  const frame = (fin: boolean): FrameRecord => ({
    ...{ ev: 'frame', s: 'A', t: 1, dir: 'in', rsv: 0, masked: true, op: 1, len: 1, wire: 7, fin },
  });
  one.take(frame(false));
  one.take(frame(false));
  other.take(frame(true));
  t.equal(room.left, 0, 'at the limit');
  t.equal(cut(other, 'x'), '1.x', 'which has all of its message');
  t.equal(room.left, 1);
  other.take(frame(true));
  one.take(frame(true));
  t.equal(room.left, 1, 'one past it: what waited with it goes');
  t.equal(cut(one, 'xxx'), null);
  t.equal(cut(other, 'y'), '1.y', 'a bystander has its own');
  t.equal(room.left, 3);
  other.take(frame(true));
  other.take(frame(true));
  other.take(frame(true));
  one.take(frame(true));
  t.equal(cut(one, 'z'), null, 'nobody else has to give up theirs');
  t.equal(other.rest().length, 3);
  t.equal(room.left, 3);
});
