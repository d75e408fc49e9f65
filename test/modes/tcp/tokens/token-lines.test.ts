import t from 'tap';
import { parseTarget, type Target } from '../../../../src/net/socket-address.js';
import {
  type LineFault,
  isToken,
  readTokenLines,
  tokenKey,
} from '../../../../src/modes/tcp/tokens/token-lines.js';

interface Read {
  readonly targets: Map<string, Target>;
  readonly faults: readonly LineFault[];
  readonly count: number;
}

async function read(text: string): Promise<Read> {
  const targets = new Map<string, Target>();
  const { first, count } = await readTokenLines(text, parseTarget, targets);
  return { targets, faults: first, count };
}

t.test('lines as websockify writes them, and our own targets', async (t) => {
  for (const [line, target] of [
    ['a: vnc.test:5900', { kind: 'tcp', host: 'vnc.test', port: 5900, text: 'vnc.test:5900' }],
    ['a:\tvnc.test:5900', { kind: 'tcp', host: 'vnc.test', port: 5900, text: 'vnc.test:5900' }],
    [
      '  a:   vnc.test:5900  ',
      { kind: 'tcp', host: 'vnc.test', port: 5900, text: 'vnc.test:5900' },
    ],
    ['a: vnc.test.:5900', { kind: 'tcp', host: 'vnc.test.', port: 5900, text: 'vnc.test.:5900' }],
    ['a: 10.0.0.5:1', { kind: 'tcp', host: '10.0.0.5', port: 1, text: '10.0.0.5:1' }],
    ['a: [::1]:5900', { kind: 'tcp', host: '::1', port: 5900, text: '[::1]:5900' }],
    // There, what follows the last colon is the port.
    [
      'a: 2001:db8::1:5900',
      { kind: 'tcp', host: '2001:db8::1', port: 5900, text: '[2001:db8::1]:5900' },
    ],
    [
      'a: unix_socket:/run/a b.sock',
      { kind: 'unix', path: '/run/a b.sock', text: 'unix:/run/a b.sock' },
    ],
    ['a: unix:/run/a.sock', { kind: 'unix', path: '/run/a.sock', text: 'unix:/run/a.sock' }],
    [
      'a: tls://vnc.test:443',
      { kind: 'tls', host: 'vnc.test', port: 443, text: 'tls://vnc.test:443' },
    ],
  ] as const) {
    const { targets, faults } = await read(line);
    t.same([...targets], [[tokenKey('a'), target]], line);
    t.same(faults, [], line);
  }
});

t.test('comments, blank lines, and every way to end a line', async (t) => {
  const { targets, faults } = await read(
    '\uFEFFa: h:1\r\n# b: h:2\n\n  \t\n  # c: h:3\rd: h:4\n#\ne: h:5',
  );
  t.same([...targets.keys()], ['a', 'd', 'e'].map(tokenKey));
  t.same(faults, []);
});

t.test('tokens of all kinds', async (t) => {
  const tokens = [
    '6dd6b6a3-cf96-4a63-b4ab-b1c27e1b4e7a',
    'user@host.test',
    'base64+/==',
    'vm:1',
    '../../etc/passwd',
    '%2e',
    'x'.repeat(128),
    'a b',
    'room 12, second floor',
    '\u00fcber',
    '\u673a\u5668-7',
    '\u{1f5a5}',
    'tab\tin it',
    'before a blank ',
    // A JSON Web Token.
    `eyJhbGciOiJSUzI1NiJ9.${'eyJzdWIiOiJhZGEifQ'.repeat(40)}.${'c2lnbmF0dXJl'.repeat(40)}`,
    'x'.repeat(100_000),
  ];
  const { targets, faults } = await read(tokens.map((token) => `${token}: h:1\n`).join(''));
  t.same([...targets.keys()], tokens.map(tokenKey));
  t.same(faults, []);
});

t.test('faulty lines are named, and the others hold', async (t) => {
  const shape = 'it is not "token: target"';
  const target = 'the target is not host:port, tls://host:port or unix:PATH';
  const cases = [
    ['secret', shape],
    ['secret:h:1', shape],
    ['secret h:1', shape],
    ['secret:', shape],
    ['secret: h:1: 2', shape],
    [': h:1', 'the token is empty'],
    ['secret\uFFFD: h:1', 'the token is not UTF-8'],
    ['secret: h', target],
    ['secret: h:0', target],
    ['secret: h:http', target],
    ['secret: 127.1:80', target],
    ['secret: ::1', target],
    ['secret: [::1', target],
    ['secret: http://h:80', target],
    ['secret: user@h:80', target],
    ['secret: unix_socket:', target],
  ] as const;
  const lines = cases.map(([line]) => line);
  const { targets, faults } = await read(['first: h:1', ...lines, 'last: h:2'].join('\n'));
  t.same(
    faults,
    cases.map(([, reason], index) => ({ line: index + 2, reason })),
  );
  t.same([...targets.keys()], ['first', 'last'].map(tokenKey));
  t.notMatch(JSON.stringify(faults), /secret/, 'no line is quoted');
});

t.test('the last line of a token holds', async (t) => {
  const { targets, faults } = await read('a: h:1\nb: h:2\na: h:3');
  t.equal(targets.get(tokenKey('a'))!.text, 'h:3');
  t.same(faults, [{ line: 3, reason: 'the token was there before: this line holds' }]);
});

t.test('a long file leaves others their turn', async (t) => {
  let turns = 0;
  const count = (): void => {
    turns++;
    timer = setImmediate(count);
  };
  let timer = setImmediate(count);
  const lines = Array.from({ length: 3000 }, (_, index) => `token-${index}: h:1`);
  const { targets } = await read(lines.join('\n'));
  clearImmediate(timer);
  t.equal(targets.size, 3000);
  t.ok(turns >= 2, `${turns} turns`);
});

t.test('faults are counted, and the first of them are named', async (t) => {
  const { targets, faults, count } = await read(`${'secret\n'.repeat(3000)}a: h:1`);
  t.equal(count, 3000);
  t.same(
    faults.map(({ line }) => line),
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  t.equal(targets.size, 1);
});

t.test('what can be a token', async (t) => {
  for (const text of ['a', '~', ' ', 'a b', 'a:b', '\u00e9', '\0', 'x'.repeat(8192)])
    t.ok(isToken(text), JSON.stringify(text));
  for (const text of ['', '\uFFFD', 'a\uFFFD']) t.notOk(isToken(text), JSON.stringify(text));
});
