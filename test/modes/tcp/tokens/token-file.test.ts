import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { parseTarget } from '../../../../src/net/socket-address.js';
import { ConfigError, HandshakeError } from '../../../../src/errors.js';
import type * as tokenFile from '../../../../src/modes/tcp/tokens/token-file.js';
import {
  TOKEN_IN_HOST,
  TOKEN_IN_QUERY,
  tokenInPath,
} from '../../../../src/modes/tcp/tokens/token-place.js';
import { TokenFile } from '../../../../src/modes/tcp/tokens/token-file.js';
import { KeptLog } from '../../../fixtures/kept-log.js';
import { makeTempDir } from '../../../fixtures/temp-dir.js';

interface Fixture {
  readonly file: string;
  readonly log: KeptLog;
  readonly tokens: TokenFile;
}

/** A token file with this text. */
function withFile(t: Test, text: string): Fixture {
  const file = path.join(makeTempDir(t), 'tokens');
  writeFileSync(file, text);
  const log = new KeptLog();
  return { file, log, tokens: new TokenFile(file, parseTarget, log) };
}

/** Where a query leads; the rule and reason of the refusal otherwise. */
async function ask(tokens: TokenFile, query: string): Promise<string> {
  try {
    return (await tokens.findTarget({ query, path: '/', host: 'localhost' })).text;
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return `${error.rule}: ${String(error.notes['reason'])}`;
  }
}

const isLinux = process.platform === 'linux';

const NONE = 'route: no valid token in the query';
const UNKNOWN = 'route: the token is not in the token file';

/** Makes a file look as if it had been left alone for a while. */
const OLD = new Date(1_000_000_000_000);

/** A JSON Web Token. */
const JWT = `eyJhbGciOiJSUzI1NiJ9.${'eyJzdWIiOiJhZGEifQ'.repeat(40)}.${'c2lnbmF0dXJl'.repeat(40)}`;

// What websockify 0.13 answers was looked up by running it; where it finds a target, so do we.
t.test('the token of the query', async (t) => {
  const text = `abc: h:1
a+/=: h:2
../x: h:3
vm:1: h:4
room 12: h:5
\u673a\u5668-7: h:6
${JWT}: h:7
${'x'.repeat(5000)}: h:8
`;
  const { tokens, log } = withFile(t, text);
  for (const [query, answer] of [
    ['token=abc', 'h:1'],
    ['path=x&token=abc&y=token', 'h:1'],
    ['token=%61%62c', 'h:1'],
    ['tok%65n=abc', 'h:1'],
    ['token=a%2B%2F%3D', 'h:2'],
    ['token=a%2b/=', 'h:2'],
    ['token=../x', 'h:3'],
    ['token=%2e%2e%2fx', 'h:3'],
    ['token=vm:1', 'h:4'],
    ['token=room+12', 'h:5'],
    ['token=room%2012', 'h:5'],
    ['token=%E6%9C%BA%E5%99%A8-7', 'h:6'],
    [`token=${JWT}`, 'h:7'],
    [`token=${'x'.repeat(5000)}`, 'h:8'],
    // The first one that has a value, and no line feeds at its end.
    ['token=abc&token=abc', 'h:1'],
    ['token=abc&token=vm:1', 'h:1'],
    ['token=abc&token=', 'h:1'],
    ['token=&token=abc', 'h:1'],
    ['token&token=abc', 'h:1'],
    ['token=abc%0a', 'h:1'],
    ['token=abc%0A%0A', 'h:1'],
    ['', NONE],
    ['token', NONE],
    ['token=', NONE],
    ['token=%0A', NONE],
    ['Token=abc', NONE],
    ['xtoken=abc', NONE],
    // What is not UTF-8 is all one.
    ['token=%ff', NONE],
    ['token=abc%ff', NONE],
    ['token=%EF%BF%BD', NONE],
    ['token=wrong&token=abc', UNKNOWN],
    ['token=a+/=', UNKNOWN],
    ['token=%00', UNKNOWN],
    ['token=abc%00', UNKNOWN],
    ['token=abc%0D', UNKNOWN],
    ['token=abc%0D%0A', UNKNOWN],
    ['token=%0Aabc', UNKNOWN],
    ['token=+abc', UNKNOWN],
    ['token=abc+', UNKNOWN],
    ['token=ab', UNKNOWN],
    ['token=abcd', UNKNOWN],
    ['token=ABC', UNKNOWN],
    ['token=%2561bc', UNKNOWN],
    ['token=h:1', UNKNOWN],
    ['token=a@b', UNKNOWN],
    ['token=x', UNKNOWN],
    ['token=..', UNKNOWN],
    ['token=../../etc/passwd', UNKNOWN],
    ['token=__proto__', UNKNOWN],
    ['token=constructor', UNKNOWN],
  ] as const) {
    t.equal(await ask(tokens, query), answer, query);
  }
  t.notMatch(JSON.stringify(log.lines), /eyJ|room|abc/, 'no token is in the log');
});

t.test(
  'a % that begins no escape is taken as it is, and told of where that leads nowhere',
  async (t) => {
    const { tokens } = withFile(t, '100%: h:1\na%zz: h:2\n');
    for (const [query, answer] of [
      ['token=100%', 'h:1'],
      ['token=100%25', 'h:1'],
      ['token=a%zz&x', 'h:2'],
      ['token=50%', `request-escape: ${UNKNOWN.slice('route: '.length)}`],
      ['token=%zz', `request-escape: ${UNKNOWN.slice('route: '.length)}`],
      ['token=50%25', UNKNOWN],
      ['token=abc&x=50%', UNKNOWN],
    ] as const)
      t.equal(await ask(tokens, query), answer, query);
  },
);

t.test('bytes that are not UTF-8 are no token', async (t) => {
  const { file, log, tokens } = withFile(t, '');
  writeFileSync(file, Buffer.from('abc: h:1\ns\u00e9cret: h:2\n', 'latin1'));
  t.equal(await ask(tokens, 'token=abc'), 'h:1');
  for (const query of [
    'token=s%E9cret',
    'token=s%E8cret',
    'token=s%C3%A9cret',
    'token=s%EF%BF%BDcret',
  ])
    t.match(await ask(tokens, query), /^route/, query);
  t.match(log.find('fault in the token file'), [
    { fields: { line: 2, reason: 'the token is not UTF-8' } },
  ]);
});

t.test('a process that has no descriptor left says so', async (t) => {
  let code: string | null = null;
  const { TokenFile: Poor } = await t.mockImport<typeof tokenFile>(
    '../../../../src/modes/tcp/tokens/token-file.js',
    {
      'node:fs/promises': {
        ...fs,
        readFile: (file: string) =>
          code === null
            ? fs.readFile(file)
            : Promise.reject(Object.assign(new Error(code), { code })),
      },
    },
  );
  const { file, log } = withFile(t, 'abc: h:1\n');
  for (const one of ['EMFILE', 'ENFILE', 'ENOMEM']) {
    code = one;
    let nowMs = 0;
    const tokens = new Poor(file, parseTarget, log, TOKEN_IN_QUERY, () => nowMs);
    const refusal = `exhausted: token file ${file} cannot be read: ${one}`;
    t.equal(await ask(tokens, 'token=abc'), refusal);
    code = null;
    nowMs = 999;
    t.equal(await ask(tokens, 'token=abc'), refusal, 'not tried again yet');
    nowMs = 1000;
    t.equal(await ask(tokens, 'token=abc'), 'h:1', 'it is there again');
  }
});

t.test('a change is seen by the next request', async (t) => {
  const { file, tokens, log } = withFile(t, 'abc: h:1\n');
  t.equal(await ask(tokens, 'token=abc'), 'h:1');
  writeFileSync(file, 'abc: h:2\n');
  t.equal(await ask(tokens, 'token=abc'), 'h:2', 'the same size, at once');
  writeFileSync(file, 'other: h:3\n');
  t.equal(await ask(tokens, 'token=abc'), UNKNOWN);
  t.equal(await ask(tokens, 'token=other'), 'h:3');
  writeFileSync(`${file}.new`, 'abc: h:4\n');
  renameSync(`${file}.new`, file);
  t.equal(await ask(tokens, 'token=abc'), 'h:4', 'put in its place');
  t.equal(await ask(tokens, 'token=other'), UNKNOWN);
  const changes = [1, 1, 1, 1].map((count) => ({
    level: 'info',
    message: 'tokens read',
    fields: { file, tokens: count },
  }));
  t.same(log.lines, changes, 'each change is read once');
});

/** Counts what is asked of the file system, and fails where it is told to. */
async function countedFiles(t: Test): Promise<{
  readonly counts: { stats: number; lists: number; reads: number };
  /** What reading fails with, by the name of the file. */
  readonly failures: Map<string, string>;
  readonly TokenFile: typeof TokenFile;
}> {
  const counts = { stats: 0, lists: 0, reads: 0 };
  const failures = new Map<string, string>();
  const module = await t.mockImport<typeof tokenFile>(
    '../../../../src/modes/tcp/tokens/token-file.js',
    {
      'node:fs/promises': {
        ...fs,
        stat: (file: string, options: object) => {
          counts.stats++;
          return fs.stat(file, options);
        },
        readdir: (directory: string) => {
          counts.lists++;
          return fs.readdir(directory);
        },
        readFile: (file: string) => {
          counts.reads++;
          const code = failures.get(path.basename(file));
          if (code === undefined) return fs.readFile(file);
          return Promise.reject(Object.assign(new Error(code), { code }));
        },
      },
    },
  );
  return { counts, failures, TokenFile: module.TokenFile };
}

t.test('a file that has settled is not read again', async (t) => {
  const { counts, TokenFile: Counted } = await countedFiles(t);
  const { file, log } = withFile(t, 'abc: h:1\n');
  const tokens = new Counted(file, parseTarget, log);
  t.equal(await ask(tokens, 'token=abc'), 'h:1');
  utimesSync(file, OLD, OLD);
  counts.reads = 0;
  for (let index = 0; index < 5; index++) t.equal(await ask(tokens, 'token=abc'), 'h:1');
  t.equal(counts.reads, 1);
  t.equal(log.lines.length, 1, 'new times alone are no change');
});

t.test('a file whose time is in the future settles too', async (t) => {
  const { counts, TokenFile: Counted } = await countedFiles(t);
  const { file, log } = withFile(t, 'abc: h:1\n');
  const future = new Date(4_000_000_000_000);
  utimesSync(file, future, future);
  let nowMs = 0;
  const tokens = new Counted(file, parseTarget, log, TOKEN_IN_QUERY, () => nowMs);
  for (const [atMs, reads] of [
    [0, 1],
    [2000, 2],
    [2001, 3],
    [2002, 3],
    [9999, 3],
  ] as const) {
    nowMs = atMs;
    t.equal(await ask(tokens, 'token=abc'), 'h:1');
    t.equal(counts.reads, reads, `at ${atMs} ms`);
  }
});

/** A directory of token files that have settled, and a clock. */
async function withDirectory(t: Test, names: readonly string[]) {
  const directory = makeTempDir(t);
  for (const name of names) {
    writeFileSync(path.join(directory, name), `${name}: ${name}:1\n`);
    utimesSync(path.join(directory, name), OLD, OLD);
  }
  const files = await countedFiles(t);
  const log = new KeptLog();
  const clock = { nowMs: 0 };
  const tokens = new files.TokenFile(
    directory,
    parseTarget,
    log,
    TOKEN_IN_QUERY,
    () => clock.nowMs,
  );
  return { ...files, directory, log, clock, tokens };
}

t.test('a file that cannot be read does not have the others read again', async (t) => {
  const names = ['a', 'b', 'c', 'd'];
  for (const code of ['EACCES', 'EISDIR', 'EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'ESTALE']) {
    const files = await withDirectory(t, names);
    const { counts, failures, clock, directory, tokens, log } = files;
    failures.set('b', code);
    const isPassing = !code.startsWith('EACC') && code !== 'EISDIR';
    for (let index = 0; index < 20; index++) {
      t.equal(await ask(tokens, 'token=a'), 'a:1');
      t.match(await ask(tokens, 'token=b'), `${directory}/b cannot be read: ${code}`);
    }
    t.equal(counts.reads, names.length, code);
    t.equal(log.find('token file cannot be read').length, 1);

    failures.clear();
    clock.nowMs = 999;
    t.match(await ask(tokens, 'token=b'), code, 'tried once a second at most');
    clock.nowMs = 1000;
    const answer = await ask(tokens, 'token=b');
    if (isPassing) t.equal(answer, 'b:1', `${code} has passed`);
    else t.match(answer, code, `${code} does not pass by itself`);
    t.equal(counts.reads, names.length * (isPassing ? 2 : 1));
    if (isPassing) continue;

    t.equal(await tokens.reload(), '4', 'a reload tries again');
    t.equal(await ask(tokens, 'token=b'), 'b:1');
    t.equal(counts.reads, 2 * names.length);
  }
});

t.test('a file that was mended is read by the next request', async (t) => {
  const { failures, directory, tokens } = await withDirectory(t, ['a', 'b']);
  failures.set('b', 'EACCES');
  t.match(await ask(tokens, 'token=b'), 'EACCES');
  failures.clear();
  writeFileSync(path.join(directory, 'b'), 'b: other:1\n');
  t.equal(await ask(tokens, 'token=b'), 'other:1');
});

t.test('links that lead nowhere and pipes cost a look, and no reading', async (t) => {
  const { counts, directory, tokens } = await withDirectory(t, ['a', 'b', 'c']);
  symlinkSync('nowhere', path.join(directory, 'd'));
  for (let index = 0; index < 20; index++) {
    t.equal(await ask(tokens, 'token=a'), 'a:1');
    t.match(await ask(tokens, 'token=d'), 'ENOENT');
  }
  t.equal(counts.reads, 3);
});

t.test('what unknown tokens cost', async (t) => {
  const names = Array.from({ length: 20 }, (_, number) => `n${number}`);
  const { counts, tokens, log } = await withDirectory(t, names);
  t.equal(await ask(tokens, 'token=n7'), 'n7:1');
  // The directory, its list, and each file.
  t.same(counts, { stats: 21, lists: 1, reads: 20 }, 'the first request reads all');
  const flood = Array.from({ length: 1000 }, (_, number) => ask(tokens, `token=unknown-${number}`));
  t.same(new Set(await Promise.all(flood)), new Set([UNKNOWN]));
  t.same(counts, { stats: 3 * 21, lists: 3, reads: 20 }, 'two looks for a thousand at once');
  for (let number = 0; number < 10; number++) await ask(tokens, `token=unknown-${number}`);
  t.same(counts, { stats: 13 * 21, lists: 13, reads: 20 }, 'one look each, one after the other');
  for (const query of ['', 'token=', 'token=%ff']) t.equal(await ask(tokens, query), NONE);
  t.same(counts, { stats: 13 * 21, lists: 13, reads: 20 }, 'none without a token');
  t.equal(log.lines.length, 1, 'and no line here');
});

t.test('whoever asks while the file is read gets what it says then', async (t) => {
  const { file, tokens } = withFile(t, 'abc: h:1\n');
  const first = ask(tokens, 'token=abc');
  writeFileSync(file, 'abc: h:2\n');
  const rest = [ask(tokens, 'token=abc'), ask(tokens, 'token=abc'), ask(tokens, 'token=other')];
  t.match(await first, /^h:[12]$/);
  t.same(await Promise.all(rest), ['h:2', 'h:2', UNKNOWN]);
});

t.test('a crowd of requests is one look at the file, or two', async (t) => {
  const { file, log, tokens } = withFile(t, 'abc: h:1\n');
  utimesSync(file, OLD, OLD);
  const all = Array.from({ length: 100 }, () => ask(tokens, 'token=abc'));
  t.same(new Set(await Promise.all(all)), new Set(['h:1']));
  t.equal(log.find('tokens read').length, 1);
});

t.test('faulty lines are in the log, without their tokens', async (t) => {
  const { file, log, tokens } = withFile(t, '# x\nsecret\nabc: h:1\nsecret: nowhere\nabc: h:2\n');
  t.equal(await ask(tokens, 'token=abc'), 'h:2');
  t.equal(await ask(tokens, 'token=secret'), UNKNOWN);
  t.same(
    log.find('fault in the token file').map(({ level, fields }) => [level, fields]),
    [
      ['warn', { file, line: 2, reason: 'it is not "token: target"' }],
      [
        'warn',
        { file, line: 4, reason: 'the target is not host:port, tls://host:port or unix:PATH' },
      ],
      ['warn', { file, line: 5, reason: 'the token was there before: this line holds' }],
    ],
  );
  t.notMatch(JSON.stringify(log.lines), /secret|abc/);
});

t.test('many faulty lines are counted', async (t) => {
  const { file, log, tokens } = withFile(t, `${'secret\n'.repeat(100)}abc: h:1\n`);
  t.equal(await ask(tokens, 'token=abc'), 'h:1');
  t.equal(log.find('fault in the token file').length, 20);
  t.same(
    log.find('more faults in the token file').map(({ fields }) => fields),
    [{ file, lines: 100 }],
  );
});

t.test('nobody gets in by a file that cannot be read', async (t) => {
  const { file, log, tokens } = withFile(t, 'abc: h:1\n');
  t.equal(await ask(tokens, 'token=abc'), 'h:1');
  rmSync(file);
  const refusal = `internal: token file ${file} cannot be read: ENOENT`;
  t.equal(await ask(tokens, 'token=abc'), refusal);
  t.equal(await ask(tokens, 'token=abc'), refusal);
  t.equal(await ask(tokens, ''), NONE, 'which is known without the file');
  const failures = (): unknown[] =>
    log.find('token file cannot be read').map(({ level, fields }) => [level, fields]);
  t.same(failures(), [['error', { file, reason: 'ENOENT' }]], 'one line');
  writeFileSync(file, 'abc: h:2\n');
  t.equal(await ask(tokens, 'token=abc'), 'h:2', 'it is back');
  rmSync(file);
  t.equal(await ask(tokens, 'token=abc'), refusal);
  t.equal(failures().length, 2, 'a line for each change');
});

t.test(
  'a file that may not be read',
  { skip: process.getuid?.() === 0 && 'root may' },
  async (t) => {
    const { file, tokens } = withFile(t, 'abc: h:1\n');
    chmodSync(file, 0);
    t.equal(await ask(tokens, 'token=abc'), `internal: token file ${file} cannot be read: EACCES`);
  },
);

t.test('a file that can be seen but not read', { skip: !isLinux && 'needs /proc' }, async (t) => {
  const file = '/proc/self/mem';
  const log = new KeptLog();
  const tokens = new TokenFile(file, parseTarget, log);
  t.match(await ask(tokens, 'token=abc'), /^internal: token file .* cannot be read: E/);
  t.equal(log.find('token file cannot be read').length, 1);
});

t.test('a file that is far too large, and one that is not', async (t) => {
  const { file, tokens } = withFile(t, 'abc: h:1\n# ');
  truncateSync(file, 16 * 1024 * 1024);
  t.equal(await ask(tokens, 'token=abc'), 'h:1', '16 MiB');
  truncateSync(file, 16 * 1024 * 1024 + 1);
  t.equal(
    await ask(tokens, 'token=abc'),
    `internal: token file ${file} cannot be read: it is larger than 16 MiB`,
  );
});

t.test('what is no regular file is not opened', async (t) => {
  const socket = path.join(makeTempDir(t), 'socket');
  const server = createServer().listen(socket);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const tokens = new TokenFile(socket, parseTarget, new KeptLog());
  t.equal(
    await ask(tokens, 'token=abc'),
    `internal: token file ${socket} cannot be read: it is not a regular file`,
  );
});

t.test('a directory', async (t) => {
  const directory = makeTempDir(t);
  const write = (name: string, text: string): void => {
    writeFileSync(path.join(directory, name), text);
  };
  const log = new KeptLog();
  const tokens = new TokenFile(directory, parseTarget, log);
  t.equal(await ask(tokens, 'token=a'), UNKNOWN, 'there is nothing yet');
  write('one', 'a: h:1\n');
  write('two', 'b: h:2\n');
  write('.hidden', 'c: h:3\n');
  mkdirSync(path.join(directory, 'sub'));
  write('sub/three', 'd: h:4\n');
  const answers = async (): Promise<string[]> => {
    const all: string[] = [];
    for (const token of ['a', 'b', 'c', 'd']) all.push(await ask(tokens, `token=${token}`));
    return all;
  };
  t.same(await answers(), ['h:1', 'h:2', UNKNOWN, UNKNOWN]);

  write('two', 'b: h:5\na: h:6\n');
  t.same(await answers(), ['h:6', 'h:5', UNKNOWN, UNKNOWN], 'the last file by name holds');
  t.same(
    log.find('fault in the token file').map(({ fields }) => fields),
    [
      {
        file: `${directory}/two`,
        line: 2,
        reason: 'the token was there before: this line holds',
      },
    ],
  );

  rmSync(path.join(directory, 'one'));
  // As Kubernetes mounts a secret: a name is a link into a directory that begins with a dot.
  mkdirSync(path.join(directory, '..data'));
  write('..data/four', 'd: h:7\n');
  symlinkSync('..data/four', path.join(directory, 'four'));
  t.same(await answers(), ['h:6', 'h:5', UNKNOWN, 'h:7']);

  symlinkSync('nowhere', path.join(directory, 'five'));
  t.same(
    await answers(),
    ['h:6', 'h:5', `internal: token file ${directory}/five cannot be read: ENOENT`, 'h:7'],
    'what is known holds, what is not may be in there',
  );
});

t.test('it can be read ahead, so that faults are seen at start', async (t) => {
  const { log, tokens } = withFile(t, 'abc\n');
  await tokens.refresh();
  t.equal(log.find('fault in the token file').length, 1);
});

t.test('a reload says what there is now, and what cannot be read', async (t) => {
  const { file, tokens } = withFile(t, 'abc: h:1\n');
  t.equal(tokens.what, 'tokens');
  t.equal(await tokens.reload(), '1', 'the first time');
  t.equal(await tokens.reload(), null);
  writeFileSync(file, 'abc: h:1\nd: h:2\n');
  t.equal(await tokens.reload(), '2');
  rmSync(file);
  const gone = new ConfigError(`token file ${file} cannot be read: ENOENT`);
  await t.rejects(tokens.reload(), gone);
  await t.rejects(tokens.reload(), gone, 'as long as it is so');
  writeFileSync(file, '');
  t.equal(await tokens.reload(), '0');
});

t.test('tokens in the path', async (t) => {
  const { file, log } = withFile(t, 'desk 7: a:1\n100%: b:2\n');
  const tokens = new TokenFile(file, parseTarget, log, tokenInPath(['/vnc']));
  const find = async (path: string): Promise<string> =>
    (await tokens.findTarget({ path, query: 'token=nobody', host: 'h' })).text;
  t.equal(await find('/vnc/desk%207'), 'a:1');
  t.equal(await find('/vnc/100%'), 'b:2');
  t.equal(await find('/vnc/100%25/'), 'b:2');
  const refusal = async (path: string): Promise<unknown> =>
    await find(path).catch((e: unknown) => e);
  t.match(await refusal('/vnc'), {
    rule: 'route',
    notes: { reason: 'no valid token in the path' },
  });
  t.match(await refusal('/vnc/nobody'), { rule: 'route' });
  t.match(await refusal('/vnc/%zz'), { rule: 'request-escape' });
});

t.test('tokens in the host, in any case, and whole names', async (t) => {
  const { file, log } = withFile(t, 'Desk-7: a:1\ndesk-8.example.com: b:2\ndesk-9: c:3\n');
  const tokens = new TokenFile(file, parseTarget, log, TOKEN_IN_HOST);
  const find = async (host: string): Promise<string> =>
    (await tokens.findTarget({ path: '/desk-9', query: 'token=desk-9', host })).text;
  t.equal(await find('desk-7.example.com'), 'a:1');
  t.equal(await find('DESK-7.elsewhere.example:80'), 'a:1');
  t.equal(await find('desk-8.example.com'), 'b:2');
  t.equal(await find('desk-7'), 'a:1');
  for (const host of ['desk-8.elsewhere.example', '192.0.2.1'])
    await t.rejects(find(host), new HandshakeError('route'));
});

t.test('where the token of an earlier request leads by now', async (t) => {
  const { file, tokens } = withFile(t, 'abc: h:1\n');
  const request = { path: '/', host: 'localhost', query: 'token=abc' };
  t.equal(tokens.lookUp(request), undefined, 'nothing was read');
  await tokens.refresh();
  t.equal(tokens.lookUp(request)?.text, 'h:1');
  t.equal(tokens.lookUp({ ...request, query: '' }), null);
  writeFileSync(file, 'abc: h:2\n');
  t.equal(tokens.lookUp(request)?.text, 'h:1', 'as far as was read');
  await tokens.refresh();
  t.equal(tokens.lookUp(request)?.text, 'h:2');
  writeFileSync(file, '');
  await tokens.refresh();
  t.equal(tokens.lookUp(request), null);
  rmSync(file);
  await tokens.refresh();
  t.equal(tokens.lookUp(request), undefined, 'it may be there');
});
