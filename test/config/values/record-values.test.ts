import t from 'tap';
import type { Kind } from '../../../src/config/values/values.js';
import {
  fileSize,
  headerNames,
  payloadShare,
  queryNames,
} from '../../../src/config/values/record-values.js';

/** What is read from a text, as from a flag; a clause when it is refused. */
function read<Value>(kind: Kind<Value>, text: string): unknown {
  const result = kind.schema.safeParse(kind.fromText(text));
  return result.success ? result.data : result.error.issues[0]!.message;
}

t.test('how much of a payload', async (t) => {
  const kind = payloadShare();
  const clause = 'give full, none or a size from 1 byte to 1g, such as 1k';
  for (const [text, value] of [
    ['full', Infinity],
    ['none', 0],
    ['1', 1],
    ['4k', 4096],
    ['1g', 1024 ** 3],
    ['0', clause],
    ['2g', clause],
    ['some', clause],
    ['-1', clause],
  ] as const)
    t.equal(read(kind, text), value, text);
  t.equal(kind.schema.safeParse(1.5).success, false);
  t.equal(kind.valueName, 'SIZE');
  t.equal(kind.typeText, "'full' | 'none' | Size");
  for (const text of ['full', 'none', '4k']) {
    t.equal(kind.toText(read(kind, text) as number), text);
    t.equal(kind.toJson(read(kind, text) as number), text);
  }
});

t.test('the size of a file', async (t) => {
  const kind = fileSize();
  const clause = 'give off or a size from 64k to 1024g, such as 64m';
  for (const [text, value] of [
    ['off', 0],
    ['64k', 65_536],
    ['1024g', 1024 ** 4],
    ['65535', clause],
    ['0', clause],
  ] as const)
    t.equal(read(kind, text), value, text);
  t.equal(kind.toText(0), 'off');
  t.equal(kind.schema.parse(70_000), 70_000);
});

t.test('names of headers, without regard to case', async (t) => {
  const kind = headerNames();
  const { clause } = kind;
  for (const [text, value] of [
    ['none', []],
    ['*', '*'],
    ['x-room', ['x-room']],
    ['X-Room,Cookie', ['x-room', 'cookie']],
    ['x-room,X-Room', clause],
    ['', clause],
    ['x-room,', clause],
    ['x-room, x-other', clause],
    ['x:room', clause],
    ['x-room,*', clause],
    ['none,x-room', clause],
  ] as const)
    t.strictSame(read(kind, text), value, text);
  t.strictSame(kind.schema.parse(['X-Room']), ['x-room']);
  t.equal(kind.schema.safeParse(['x room']).success, false);
  t.equal(kind.schema.safeParse(7).error?.issues[0]?.message, clause);
  for (const text of ['none', '*', 'x-room,cookie'])
    t.equal(kind.toText(kind.schema.parse(kind.fromText(text))), text);
  t.equal(kind.toJson([]), 'none');
  t.equal(kind.toJson('*'), '*');
  t.strictSame(kind.toJson(['x-room']), ['x-room']);
});

t.test('names of parameters', async (t) => {
  const kind = queryNames();
  t.strictSame(read(kind, 'Room,user[id],größe'), ['room', 'user[id]', 'größe']);
  for (const text of ['a=b', 'a&b', 'a b', 'a,,b', 'a*'])
    t.equal(read(kind, text), kind.clause, text);
});
