import t from 'tap';
import {
  ExactNumber,
  type JsonRow,
  JsonTree,
  type JsonValue,
  keepDigits,
  parseJson,
} from '../../../../web/shared/model/json-tree.js';

const treeOf = (value: JsonValue): JsonTree => new JsonTree(value);
const drawn = ({ depth, key, text }: JsonRow): string =>
  `${'  '.repeat(depth)}${key === null ? '' : `${key}: `}${text}`;

t.test('JSON or not', async (t) => {
  t.strictSame(parseJson('{"a":[1,true,null]}'), { a: [1, true, null] });
  t.equal(parseJson('{"a":'), undefined);
  t.equal(parseJson('null'), null);
});

t.test('numbers keep their digits', async (t) => {
  const cases: readonly [number, string, boolean][] = [
    [1, '1', true],
    [1, '1.0', true],
    [1000, '1e3', true],
    [0.1, '0.1', true],
    [-0.05, '-0.050', true],
    [12345678901234567000, '12345678901234567890', false],
    [Infinity, '1e999', false],
    [0.1, '0.1000000000000000055', false],
    [0, '0.000', true],
    [0, '-0E5', true],
    // As long as a message may be: what goes back over the zeros would take an hour.
    [Infinity, `1${'0'.repeat(1_000_000)}1`, false],
    [0, `0.${'0'.repeat(1_000_000)}1${'0'.repeat(1_000_000)}`, true],
  ];
  for (const [value, source, isKept] of cases) {
    const found = keepDigits('', value, { source });
    if (isKept) t.equal(found, value, source);
    else t.strictSame(found, new ExactNumber(source), source);
  }
  t.equal(keepDigits('', 7), 7, 'a browser that does not tell');
  t.equal(keepDigits('', 'text', { source: '"text"' }), 'text');
});

t.test('a small tree is open', async (t) => {
  const tree = treeOf({ id: 7, who: { name: 'a/b', tags: [], none: null }, list: [true, 'x'] });
  t.strictSame(tree.rows.map(drawn), [
    '{3}',
    '  id: 7',
    '  who: {3}',
    '    name: "a/b"',
    '    tags: []',
    '    none: null',
    '  list: [2]',
    '    0: true',
    '    1: "x"',
  ]);
  t.strictSame(
    tree.rows.map(({ kind }) => kind),
    ['object', 'number', 'object', 'string', 'array', 'word', 'array', 'word', 'string'],
  );
  t.strictSame(
    tree.rows.map(({ isOpen }) => isOpen),
    [true, null, true, null, null, null, true, null, null],
  );
  t.match(tree.rows[6], { siblings: 3, position: 3, path: '/list' });
  t.equal(tree.parentOf(8), 6);
  t.equal(tree.parentOf(3), 2);
  t.equal(tree.parentOf(0), 0);
  t.equal(tree.parentOf(99), 99, 'there is no such row');
});

t.test('what is closed shows its beginning', async (t) => {
  const tree = treeOf({
    a: { b: [1, { c: null }] },
    'x/y~z': { d: [] },
    n: new ExactNumber('1e999'),
  });
  tree.closeAll();
  t.strictSame(tree.rows.map(drawn), ['{a: {b: [1, {c: null}]}, x/y~z: {d: []}, n: 1e999}']);
  tree.toggle('');
  t.strictSame(tree.rows.map(drawn), [
    '{3}',
    '  a: {b: [1, {c: null}]}',
    '  x/y~z: {d: []}',
    '  n: 1e999',
  ]);
  t.equal(tree.rows[2]?.path, '/x~1y~0z');
  tree.toggle('/a');
  t.equal(tree.rows.length, 5);
  tree.toggle('/a');
  t.equal(tree.rows.length, 4);
  tree.openAll();
  t.equal(tree.rows.length, 9);
});

t.test('long ones are shortened', async (t) => {
  const list = Array.from({ length: 5000 }, (_, index) => index);
  const tree = treeOf({ list, text: 'y'.repeat(1000) });
  t.equal(tree.rows.length, 3, 'many values: only the root is open');
  t.match(tree.rows[1]?.text, /^\[0, 1, 2, .*…$/);
  t.ok((tree.rows[1]?.text.length ?? 0) < 90);
  t.equal(tree.rows[2]?.text.length, 1002, 'a text by itself is whole');
  tree.toggle('/list');
  t.equal(tree.rows.length, 2004);
  t.match(tree.rows[2002], {
    kind: 'more',
    text: '3000 more are in the text',
    position: 2001,
    siblings: 2001,
  });
  tree.closeAll();
  t.match(tree.rows[0]?.text, /^\{list: \[0, 1, .*…$/);
  const [, long] = treeOf(['z'.repeat(1_000_000)]).rows;
  t.match(long?.text, /^"z{1999}…$/, 'no browser lays out a line of a megabyte');
  t.equal(treeOf([new ExactNumber('9'.repeat(1_000_000))]).rows[1]?.text.length, 2001);
  t.equal(treeOf({ ['k'.repeat(1_000_000)]: 1 }).rows[1]?.key?.toString().length, 2001);
  const inner = treeOf([{ text: 'y'.repeat(1000) }]);
  inner.closeAll();
  t.ok((inner.rows[0]?.text.length ?? 0) < 90);
});

t.test('values that hold nothing', async (t) => {
  for (const [value, text] of [
    [null, 'null'],
    [[], '[]'],
    [{}, '{}'],
    ['', '""'],
  ] as const) {
    const tree = treeOf(value);
    t.match(tree.rows, [{ text, isOpen: null }]);
    t.equal(tree.rows.length, 1);
  }
});

t.test('no row looks like another one', async (t) => {
  const tree = treeOf({ '\u202ea\n': 'x\u2066y\u2028\u0085', é: '👨‍👩‍👧' });
  t.strictSame(tree.rows.slice(1).map(drawn), [
    '  \\u202ea\\u000a: "x\\u2066y\\u2028\\u0085"',
    '  é: "👨‍👩‍👧"',
  ]);
  t.equal(tree.rows[1]?.path, '/\u202ea\n');
});

t.test('names that mean something to JavaScript', async (t) => {
  const tree = treeOf(parseJson('{"__proto__":{"a":1},"constructor":2}')!);
  t.strictSame(tree.rows.map(drawn), ['{2}', '  __proto__: {1}', '    a: 1', '  constructor: 2']);
});
