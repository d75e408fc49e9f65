import { writeFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import type { HandshakeError } from '../../../src/errors.js';
import { ReplayMode, type ReplayModeOptions } from '../../../src/modes/replay/replay.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import {
  type ReplaySession,
  readReplaySessions,
} from '../../../src/recording/replay/replay-index.js';
import { FakeSession } from '../../fixtures/fake-session.js';
import { hexOf } from '../../fixtures/hex.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { FILE, RecordedLines, writeRecording } from '../../fixtures/recorded-lines.js';
import { SECRET } from '../../fixtures/telling-requests.js';
import { eventually } from '../../fixtures/within.js';

const a = new RecordedLines('A');
const b = new RecordedLines('B');
const c = new RecordedLines('C');
const rotated = new RecordedLines('D');

const LINES: readonly AnyRecord[] = [
  rotated.in('d'),
  a.open({ url: '/x' }),
  b.open({ url: '/x', extensions: 'permessage-deflate' }),
  c.open({ url: '/y?token=***' }),
  a.out('a'),
  b.out('b'),
  c.out('c'),
  rotated.out('d'),
];

interface Made {
  readonly mode: ReplayMode;
  readonly file: string;
  readonly sessions: readonly ReplaySession[];
}

async function modeOf(
  t: Test,
  only: string | null = null,
  lines: readonly (AnyRecord | string)[] = LINES,
  options: Partial<ReplayModeOptions> = {},
): Promise<Made> {
  const file = writeRecording(t, lines);
  const sessions = await readReplaySessions(file, () => undefined);
  const mode = new ReplayMode({
    file,
    sessions,
    only: sessions.find(({ s }) => s === only) ?? null,
    speed: 0,
    isStrict: false,
    log: new KeptLog(),
    ...options,
  });
  return { mode, file, sessions };
}

function sessionOn(path: string): FakeSession {
  return Object.assign(new FakeSession(), { path });
}

/** What a client on this path is told at first. */
async function greeting(mode: ReplayMode, path: string): Promise<string> {
  const session = sessionOn(path);
  await mode.upgrade(session);
  mode.open(session);
  await eventually(() => session.calls.length > 0, 'the first message');
  mode.close(session);
  return session.calls.join();
}

t.test('a client gets the first session that was on its path', async (t) => {
  const { mode, file } = await modeOf(t);
  t.equal(mode.name, `replay:${file}`);
  t.equal(mode.delivery, 'chunks');
  for (const [path, text] of [
    ['/x', 'a'],
    ['/y', 'c'],
    ['/x', 'a'],
  ] as const) {
    t.equal(await greeting(mode, path), `send 1 ${hexOf(Buffer.from(text))}`);
  }
  for (const path of ['/', '/y?token=***', '/z']) {
    await t.rejects(mode.upgrade(sessionOn(path)), {
      name: 'HandshakeError',
      rule: 'route',
      notes: { reason: `no session on this path is in ${file}` },
    });
  }
});

t.test('a session that was chosen is on all paths', async (t) => {
  const { mode } = await modeOf(t, 'B');
  t.equal(await greeting(mode, '/any'), 'send 1 62');
  // Its beginning is not there.
  const other = await modeOf(t, 'D', LINES.slice(1));
  t.equal(await greeting(other.mode, '/any'), 'send 1 64');
});

t.test('compression as it was', async (t) => {
  const compressed = { origin: 'any', deflate: true };
  const plain = { origin: 'any', deflate: false };
  t.strictSame((await modeOf(t)).mode.defaults, plain, 'of the sessions that clients get');
  t.strictSame((await modeOf(t, 'B')).mode.defaults, compressed);
  t.strictSame((await modeOf(t, 'D')).mode.defaults, plain);
  t.strictSame((await modeOf(t, null, [LINES[2]!])).mode.defaults, compressed);
});

t.test('the calls of a session reach its replay', async (t) => {
  const { mode } = await modeOf(t, null, [
    a.open(),
    a.out('1'),
    a.out('2'),
    a.in('hello'),
    a.in('more'),
    a.out('3'),
  ]);
  const session = sessionOn('/');
  session.canSend = false;
  await mode.upgrade(session);
  mode.open(session);
  await eventually(() => session.calls.length > 0, 'the first message');
  t.strictSame(session.takeCalls(), ['send 1 31']);
  const bytes = Buffer.from('-hello-more-');
  mode.chunk(session, 1, bytes, 1, 4, true, false);
  mode.chunk(session, 1, bytes, 4, 6, false, true);
  mode.chunk(session, 1, bytes, 7, 11, true, true);
  bytes.fill(0);
  session.canSend = true;
  mode.drain(session);
  await mode.closing(session);
  t.strictSame(session.takeCalls(), ['send 1 32', 'send 1 33']);
  mode.close(session);
  const counts = { session: 'A', steps: 5, total: 5, mismatches: 0 };
  t.strictSame(session.notes, { replay: counts });
});

t.test('a file that is not what it was is a failure of ours', async (t) => {
  const { mode, file, sessions } = await modeOf(t);
  const refusal = (reason: string): Pick<HandshakeError, 'name' | 'rule' | 'notes'> => ({
    name: 'HandshakeError',
    rule: 'internal',
    notes: { reason },
  });
  writeFileSync(file, '');
  const clause = 'it has changed since the server was started';
  await t.rejects(mode.upgrade(sessionOn('/x')), refusal(`${file} cannot be read: ${clause}`));
  const log = new KeptLog();
  const options = { file: `${file}x`, sessions, only: null, speed: 0, isStrict: false, log };
  const other = new ReplayMode(options);
  await t.rejects(other.upgrade(sessionOn('/x')), refusal(`${file}x cannot be read: ENOENT`));
});

t.test('a client that has gone before it was answered', async (t) => {
  const { mode } = await modeOf(t);
  const session = sessionOn('/x');
  await mode.upgrade(session);
  mode.close(session);
  await turn();
  t.strictSame(session.calls, []);
});

t.test('tokens in paths were not recorded, and those of clients are others', async (t) => {
  const tokens = [SECRET, `${SECRET}2`];
  const { mode, file } = await modeOf(t, null, [
    a.open({ url: `/ws;id=1/${SECRET}/x?token=${SECRET}` }),
    a.out('a'),
    b.open({ url: '/ws;id=[hidden:9]/[hidden:3]/y' }),
    b.out('b'),
    c.open({ url: '/ws;id=[hidden:9]/[hidden:3]/y' }),
    c.out('c'),
  ]);
  for (const token of tokens) {
    t.equal(await greeting(mode, `/ws;id=77/${token}/x`), 'send 1 61');
    t.equal(await greeting(mode, `/ws;id=77/${token}/y`), 'send 1 62');
    await t.rejects(mode.upgrade(sessionOn(`/ws;id=77/${token}/z`)), {
      name: 'HandshakeError',
      notes: { reason: `no session on this path is in ${file}` },
    });
  }
});

t.test('a path that was recorded as it was comes before one that is like it', async (t) => {
  const { mode } = await modeOf(t, null, [
    { ...FILE, redacted: true },
    a.open({ url: `/${SECRET}a` }),
    a.out('a'),
    b.open({ url: `/${SECRET}b` }),
    b.out('b'),
  ]);
  t.equal(await greeting(mode, `/${SECRET}b`), 'send 1 62');
  t.equal(await greeting(mode, `/${SECRET}c`), 'send 1 61');
});

t.test(
  'what was read and not played, and what came and was not compared, is charged',
  async (t) => {
    const memory = new MemoryAccount();
    const lines = [a.open(), a.out('x'.repeat(100_000)), a.in('hello')];
    const { mode } = await modeOf(t, null, lines, { memory });
    const session = sessionOn('/');
    session.canSend = false;
    await mode.upgrade(session);
    mode.open(session);
    await eventually(() => session.calls.length > 0, 'the message');
    mode.chunk(session, 1, Buffer.from('hello'), 0, 5, true, true);
    t.ok(memory.bytes > 100_000);
    t.equal(mode.heldBytes(session), memory.bytes);
    mode.close(session);
    t.equal(memory.bytes, 0);
  },
);
