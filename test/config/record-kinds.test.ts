import t from 'tap';
import type { Kind } from '../../src/config/kinds.js';
import { fileSize, payloadShare } from '../../src/config/record-kinds.js';

/** What is read from a text, as from a flag; a clause when it is refused. */
function read(kind: Kind<number>, text: string): unknown {
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
