/** The replay of recordings by the built command, with ws as the client. */
import { once } from 'node:events';
import { createWriteStream, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { type ClientOptions, WebSocket } from 'ws';
import type { AnyRecord } from '../../src/recording/format/record.js';
import { readReplaySessions } from '../../src/recording/replay/replay-index.js';
import { RecordedLines, closePayload, writeRecording } from '../fixtures/recorded-lines.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import {
  type LogLine,
  type TwistProcess,
  runTwist,
  startServing,
} from '../fixtures/twist-process.js';
import { eventually, standstill, within } from '../fixtures/within.js';

t.setTimeout(120_000);

const MIB = 1024 ** 2;
const ULID = '01KBQ0000000000000000000';
const chat = new RecordedLines(`${ULID}0A`);
const feed = new RecordedLines(`${ULID}0B`);

/** A session of a chat, one of a feed, among each other, and a second one of the chat. */
const LINES: readonly (AnyRecord | string)[] = [
  chat.open({ url: '/chat?token=***', id: 1, t: 1000, subprotocol: 'chat' }),
  feed.open({ url: '/feed', id: 2, t: 1000 }),
  chat.out('welcome', { t: 1000.01 }),
  feed.out('', { t: 1000.1, op: 2, b64: 'AAEC/w==' }),
  chat.in('hello', { t: 1005 }),
  'a damaged line',
  chat.out('you said hello', { t: 1005.02 }),
  chat.control('in', 9),
  feed.control('out', 8, closePayload(4001, 'no more'), 1000.2),
  chat.in('bye', { t: 1030 }),
  chat.out('see you', { t: 1030.01 }),
  feed.close('server', { code: 4001, reason: 'no more', t: 1000.2 }),
  chat.control('in', 8, closePayload(1000)),
  chat.close('client', { t: 1031 }),
  new RecordedLines(`${ULID}1A`).open({ url: '/chat', id: 3 }),
];

async function start(t: Test, flags: readonly string[]): Promise<TwistProcess> {
  return await startServing(t, {
    args: ['serve', '--listen', '127.0.0.1:0', '--log-format', 'json', ...flags],
  });
}

class Client {
  readonly messages: string[] = [];
  readonly socket: WebSocket;
  readonly closed: Promise<string>;

  constructor(url: string, protocols: readonly string[] = [], options: ClientOptions = {}) {
    this.socket = new WebSocket(url, [...protocols], options);
    this.socket.on('message', (data: Buffer, isBinary) => {
      this.messages.push(isBinary ? data.toString('hex') : data.toString());
    });
    this.closed = new Promise((resolve, reject) => {
      this.socket.on('error', reject);
      this.socket.on('close', (code, reason) => {
        resolve(`${code} ${reason.toString()}`);
      });
    });
  }

  async opened(): Promise<this> {
    await within(once(this.socket, 'open'), 'the opening');
    return this;
  }

  async received(count: number): Promise<readonly string[]> {
    await eventually(() => this.messages.length >= count, `${count} messages`);
    return this.messages.splice(0);
  }

  /** Sends, and waits for one message. */
  async ask(text: string): Promise<string> {
    this.socket.send(text);
    const [answer] = await this.received(1);
    return answer!;
  }

  async close(): Promise<string> {
    this.socket.close(1000);
    return await within(this.closed, 'the end');
  }
}

const endOf = async (twist: TwistProcess, session = 1): Promise<LogLine> =>
  await twist.waitForLog((line) => line.msg === 'session ended' && line['session'] === session);

t.test('clients get the session of their path, each from its beginning', async (t) => {
  const file = writeRecording(t, LINES);
  const twist = await start(t, ['--replay', file]);
  t.match(twist.listening, [{ mode: `replay:${file}` }]);
  t.match(twist.log[0], { level: 'warn', msg: 'damaged line in the recording', file, line: 7 });
  for (const session of [1, 2]) {
    const client = await new Client(`${twist.url}/chat?token=x`, ['chat']).opened();
    t.strictSame(await client.received(1), ['welcome']);
    t.equal(await client.ask('hello'), 'you said hello');
    t.equal(await client.ask('bye'), 'see you');
    t.equal(await client.close(), '1000 ');
    const replay = { session: `${ULID}0A`, steps: 5, total: 5, mismatches: 0 };
    t.match(await endOf(twist, session), { mode: `replay:${file}`, replay, closedBy: 'client' });
  }
  const feedClient = new Client(`${twist.url}/feed`);
  t.equal(await within(feedClient.closed, 'the end'), '4001 no more');
  t.strictSame(feedClient.messages, ['000102ff']);
  await t.rejects(new Client(`${twist.url}/other`).closed, /404/);
  const later = twist.log.slice(twist.log.findIndex(({ msg }) => msg === 'listening'));
  t.strictSame(
    later.filter(({ level }) => level === 'warn'),
    [],
  );
});

t.test('a client that pipelines all it has to say, and its Close', async (t) => {
  const twist = await start(t, ['--replay', writeRecording(t, LINES)]);
  const client = await new Client(`${twist.url}/chat`, ['chat']).opened();
  client.socket.send('hello');
  client.socket.send('bye');
  t.equal(await client.close(), '1000 ');
  t.strictSame(client.messages, ['welcome', 'you said hello', 'see you']);
  t.match(await endOf(twist), { replay: { steps: 5, mismatches: 0 } });
});

t.test('a chosen session is on every path', async (t) => {
  const file = writeRecording(t, LINES);
  for (const session of ['2', `${ULID}0b`]) {
    const twist = await start(t, [
      '--replay',
      file,
      '--replay-session',
      session,
      '--replay-speed',
      '0',
    ]);
    const client = new Client(`${twist.url}/anything`);
    t.equal(await within(client.closed, 'the end'), '4001 no more');
    t.strictSame(client.messages, ['000102ff']);
  }
});

t.test('beside other modes, on routes', async (t) => {
  const twist = await start(t, ['--echo', '--route', `/feed=replay:${writeRecording(t, LINES)}`]);
  const client = new Client(`${twist.url}/feed`);
  t.equal(await within(client.closed, 'the end'), '4001 no more');
  const other = await new Client(`${twist.url}/chat`).opened();
  t.equal(await other.ask('echo'), 'echo');
  await other.close();
});

t.test('what a client sends differently is in the log, without a byte of it', async (t) => {
  const twist = await start(t, ['--replay', writeRecording(t, LINES), '--replay-speed', '0']);
  const client = await new Client(`${twist.url}/chat`).opened();
  t.strictSame(await client.received(1), ['welcome']);
  t.equal(await client.ask('secret'), 'you said hello');
  client.socket.send(Buffer.from('bye'));
  t.strictSame(await client.received(1), ['see you']);
  client.socket.send('more');
  await client.close();
  t.match(await endOf(twist), { replay: { steps: 5, total: 5, mismatches: 3 } });
  const where = { session: 1, path: '/chat', replay: `${ULID}0A` };
  t.match(
    twist.log.filter(({ level, session }) => level === 'warn' && session === 1),
    [
      { ...where, msg: 'the subprotocol is not the recorded one', recorded: 'chat' },
      {
        ...where,
        message: 1,
        msg: 'message 1 is not the recorded one: length 6 instead of 5, byte 0 differs',
      },
      { ...where, message: 2, msg: 'message 2 is not the recorded one: opcode 2 instead of 1' },
      { ...where, message: 3, msg: 'message 3 is not in the recording' },
    ],
  );
  t.notMatch(twist.stderr, /secret/);
});

t.test('a strict replay closes with a reason', async (t) => {
  const twist = await start(t, ['--replay', writeRecording(t, LINES), '--replay-strict']);
  const client = await new Client(`${twist.url}/chat`, ['chat']).opened();
  t.equal(await client.ask('hello'), 'welcome');
  client.socket.send('byE');
  const closed = await within(client.closed, 'the end');
  t.equal(closed, '1008 message 2 is not the recorded one: byte 2 differs');
  t.match(await endOf(twist), {
    code: 1008,
    closedBy: 'server',
    replay: { steps: 4, mismatches: 1 },
  });
});

t.test('a compressed session is compressed again', async (t) => {
  const lines = new RecordedLines('A');
  const big = 'x'.repeat(10_000);
  const file = writeRecording(t, [
    lines.open({ extensions: 'permessage-deflate' }),
    lines.in(big, { part: 'first' }),
    lines.in('end', { part: 'last' }),
    lines.out(big, { part: 'first' }),
    lines.out('end', { part: 'last' }),
    lines.close('lost'),
  ]);
  const twist = await start(t, ['--replay', file, '--replay-strict']);
  const client = await new Client(twist.url).opened();
  t.match(client.socket.extensions, /permessage-deflate/);
  t.equal(await client.ask(`${big}end`), `${big}end`);
  t.equal(await client.close(), '1000 ', 'a connection that was lost is left to the client');
});

t.test('a recording that is not there any more', async (t) => {
  const file = writeRecording(t, LINES);
  const twist = await start(t, ['--replay', file]);
  const client = await new Client(`${twist.url}/chat`, ['chat']).opened();
  renameSync(file, `${file}.1`);
  await t.rejects(new Client(`${twist.url}/chat`).closed, /500/);
  await client.received(1);
  t.equal(await client.ask('hello'), 'you said hello', 'who has it open goes on');
  await client.close();
  const reason = `${file} cannot be read: ENOENT`;
  t.ok(await twist.waitForLog((line) => line['status'] === 500 && line['reason'] === reason));
});

t.test('a session larger than the memory that it takes, and clients that hang up', async (t) => {
  const file = path.join(makeTempDir(t), 'large.ndjson');
  const lines = new RecordedLines('A');
  const piece = Buffer.alloc(MIB, 'twist ').toString('base64');
  const stream = createWriteStream(file);
  const write = async (record: AnyRecord): Promise<void> => {
    if (!stream.write(`${JSON.stringify(record)}\n`)) await once(stream, 'drain');
  };
  const COUNT = 200;
  await write(lines.open());
  await write(lines.in('go'));
  for (let index = 0; index < COUNT; index++) {
    const part = index === 0 ? 'first' : index === COUNT - 1 ? 'last' : 'middle';
    await write(lines.out('', { op: 2, b64: piece, part }));
  }
  await write(lines.out('that was all'));
  stream.end();
  await once(stream, 'finish');

  const twist = await start(t, ['--replay', file]);
  await standstill(() => twist.countFds(), 'its start');
  const files = twist.countFds();
  const before = twist.memory().peakBytes;
  // A client that reads nothing: what it does not take waits in the file.
  const idle = await new Client(twist.url, [], { maxPayload: 300 * MIB }).opened();
  idle.socket.pause();
  idle.socket.send('go');
  const client = await new Client(twist.url, [], { maxPayload: 300 * MIB }).opened();
  let bytes = 0;
  client.socket.removeAllListeners('message');
  client.socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) bytes += data.length;
    else client.messages.push(data.toString());
  });
  client.socket.send('go');
  t.strictSame(await client.received(1), ['that was all']);
  t.equal(bytes, COUNT * MIB);
  const growth = twist.memory().peakBytes - before;
  t.ok(growth < 100 * MIB, `${Math.round(growth / MIB)} MiB`);
  await client.close();
  idle.socket.terminate();
  t.match(await endOf(twist, 1), { replay: { steps: 1, total: 3 }, closedBy: 'lost' });
  await eventually(
    () => twist.countFds() === files,
    'all files to be closed',
    () => `${twist.countFds()} and not ${files}`,
  );
});

t.test('what is wrong is one sentence', async (t) => {
  const file = writeRecording(
    t,
    LINES.filter((line) => typeof line !== 'string'),
  );
  const none = path.join(makeTempDir(t), 'none');
  for (const [args, sentence] of [
    [['--replay', none], `--replay cannot be ${JSON.stringify(none)}: there is no such file`],
    [
      ['--replay', file, '--replay-session', ULID],
      `--replay-session cannot be "${ULID}": 3 sessions in ${file} fit: ${ULID}0A, ${ULID}0B, ${ULID}1A`,
    ],
    [['--replay', file, '--echo'], 'choose one mode, not --echo and --replay together'],
    [['--echo', '--replay-speed', '2'], '--replay-speed has no effect without --replay'],
    [
      ['--replay', file, '--replay-speed', 'fast'],
      '--replay-speed cannot be "fast": give 0, or a number from 0.001 to 1000000 such as 0.5 or 10',
    ],
  ] as const) {
    for (const command of [['serve'], ['config', 'check']]) {
      t.strictSame(
        await runTwist(t, { args: [...command, ...args] }),
        { ending: 2, stdout: '', stderr: `twist: ${sentence}\n` },
        sentence,
      );
    }
  }
});

t.test('the least that a recording by hand must have, as the guide shows it', async (t) => {
  const guide = readFileSync('docs/replay.md', 'utf8');
  const block = /```json title="prices\.ndjson"\n([^]*?)```/.exec(guide)![1]!;
  const lines = block.split('\n').map((line) => line.trim());
  const file = path.join(makeTempDir(t), 'prices.ndjson');
  writeFileSync(file, lines.join('\n'));
  const twist = await startServing(t, {
    args: [
      'serve',
      '--replay',
      file,
      '--replay-strict',
      '--listen',
      '127.0.0.1:0',
      '--log-format',
      'json',
    ],
  });
  t.notOk(twist.log.some(({ msg }) => msg.includes('damaged')));
  const socket = new WebSocket(`${twist.url}/prices`);
  await within(once(socket, 'open'), 'the session');
  socket.send('apple');
  const [answer] = (await within(once(socket, 'message'), 'the answer')) as [Buffer];
  t.equal(answer.toString(), 'apple: 0.40');
  socket.close(1000);
  await within(once(socket, 'close'), 'the end');
  // None of the keys can be left out.
  const [open = '', message = ''] = lines;
  for (const line of [open, message]) {
    const members = Object.entries(JSON.parse(line) as object);
    for (const [key] of members) {
      const less = Object.fromEntries(members.filter(([name]) => name !== key));
      const records = line === open ? [less, JSON.parse(message)] : [JSON.parse(open), less];
      writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
      const sessions: number[] = [];
      await readReplaySessions(file, (number) => sessions.push(number));
      t.equal(sessions.length, 1, `without ${key}`);
    }
  }
});
