/** Every message that a server takes and sends is in its recording: once, in order, as it was. */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { LoadClient, type Load, messageText } from '../fixtures/load-client.js';
import { BINARY, CONTINUATION, FIN, TEXT, quickFrame } from '../fixtures/quick-frames.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { type Line, forEachLine, linesOf, payloadOf } from '../fixtures/read-recording.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { startTarget } from '../fixtures/tcp-target.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing, startTwist } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

/** A run of a million messages; fewer are as good for every day. */
const MESSAGES = Number(process.env['TWIST_RECORD_MESSAGES'] ?? 200_000);

interface Recorded {
  readonly twist: TwistProcess;
  readonly file: string;
}

async function startRecording(t: Test, flags: readonly string[] = []): Promise<Recorded> {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  return { twist: await startTwist(t, ['--record', file, ...flags]), file };
}

/** Checks that each client's messages are there, both ways, once, in order and whole. */
function checkLoads(t: Test, files: readonly string[], loads: readonly Load[]): void {
  const next = new Map<string, number>();
  const faults: string[] = [];
  const counts = { file: 0, open: 0, msg: 0, ctl: 0, close: 0 } as Record<string, number>;
  for (const file of files) {
    const rest = forEachLine(file, (line) => {
      counts[line.ev] = (counts[line.ev] ?? 0) + 1;
      if (line.ev !== 'msg') return;
      const name = line.data!.slice(0, line.data!.indexOf(':'));
      const key = `${name} ${line.dir!}`;
      const number = next.get(key) ?? 0;
      next.set(key, number + 1);
      const bytes = loads.find((load) => load.name === name)!.bytes;
      if (line.data !== messageText(name, number, bytes))
        faults.push(`${key} ${number}: ${line.data!}`);
    });
    t.equal(rest, 0, 'the file ends with its last line');
  }
  t.strictSame(faults.slice(0, 5), []);
  for (const { name, count } of loads)
    for (const direction of ['in', 'out']) t.equal(next.get(`${name} ${direction}`), count);
  const messages = loads.reduce((sum, { count }) => sum + count, 0);
  t.strictSame(counts, {
    file: files.length,
    open: loads.length,
    msg: 2 * messages,
    ctl: 2 * loads.length,
    close: loads.length,
  });
}

async function runLoads(t: Test, port: number, loads: readonly Load[]): Promise<void> {
  const clients = await Promise.all(loads.map((load) => LoadClient.open(port, load)));
  await Promise.all(clients.map((client) => client.run()));
  for (const client of clients) t.strictSame(client.wrong, []);
  await Promise.all(clients.map((client) => client.close()));
}

const loadsOf = (names: readonly string[], count: number, bytes = 40): Load[] =>
  names.map((name) => ({ name, count, bytes, window: 200 }));

t.test('ten connections at once', async (t) => {
  const { twist, file } = await startRecording(t);
  const names = Array.from({ length: 10 }, (_, index) => `c${index}`);
  const loads = loadsOf(names, MESSAGES / 10);
  await runLoads(t, twist.port, loads);
  t.equal(await twist.stop(), 0);
  checkLoads(t, [file], loads);
});

t.test('with always nothing is different but the time that it takes', async (t) => {
  const { twist, file } = await startRecording(t, ['--record-sync', 'always']);
  const loads = loadsOf(['a', 'b', 'c', 'd'], 2000);
  await runLoads(t, twist.port, loads);
  t.equal(await twist.stop(), 0);
  checkLoads(t, [file], loads);
});

t.test('four servers, a file each', async (t) => {
  const all = await Promise.all(Array.from({ length: 4 }, () => startRecording(t)));
  const loads = all.map((_, index) => loadsOf([`p${index}a`, `p${index}b`], MESSAGES / 40));
  await Promise.all(all.map(({ twist }, index) => runLoads(t, twist.port, loads[index]!)));
  for (const { twist } of all) t.equal(await twist.stop(), 0);
  checkLoads(
    t,
    all.map(({ file }) => file),
    loads.flat(),
  );
});

/** The messages of a recording, one way. */
const messages = (lines: readonly Line[], direction: 'in' | 'out'): Line[] =>
  lines.filter(({ ev, dir }) => ev === 'msg' && dir === direction);

t.test('compressed messages are recorded as they were before', async (t) => {
  const { twist, file } = await startRecording(t);
  const ws = new WebSocket(twist.url, { perMessageDeflate: { threshold: 0 } });
  await once(ws, 'open');
  t.match(ws.extensions, 'permessage-deflate');
  const random = new SeededRandom(3);
  const sent: Buffer[] = [];
  let answers = 0;
  const done = new Promise<void>((resolve) => {
    ws.on('message', (data: Buffer) => {
      if (!data.equals(sent[answers]!)) t.fail(`answer ${answers}`);
      if (++answers === 500) resolve();
    });
  });
  for (let count = 0; count < 500; count++) {
    const isText = count % 2 === 0;
    const size = count % 50 === 0 ? 200_000 : random.below(2000);
    const payload = isText
      ? Buffer.from('text "quoted" é\n\u2028'.repeat(size / 20))
      : Buffer.from(random.bytes(size));
    sent.push(payload);
    ws.send(payload, { binary: !isText, compress: count % 3 !== 0 });
  }
  await within(done, 'the answers');
  ws.close();
  await once(ws, 'close');
  await twist.stop();
  const lines = linesOf(file);
  for (const direction of ['in', 'out'] as const) {
    const found = messages(lines, direction);
    t.equal(found.length, 500);
    const wrong = found.filter(
      (line, index) => !payloadOf(line).equals(sent[index]!) || line.op !== (index % 2) + 1,
    );
    t.equal(wrong.length, 0, direction);
    const long = found.find(({ op, len }) => op === 1 && len! > 100_000)!;
    t.ok(long.wire! < long.len! / 10 || direction === 'in', 'what it took on the wire is less');
  }
});

t.test('fragments, control frames between them, and messages of 16 MiB', async (t) => {
  const { twist, file } = await startRecording(t, ['--no-deflate']);
  const client: RawClient = await connectRaw(t, twist.port);
  await client.open();
  client.send(
    Buffer.concat([
      quickFrame(TEXT, Buffer.from('ab')),
      quickFrame(FIN | 0x9, Buffer.from('ping')),
      quickFrame(CONTINUATION, Buffer.from('c\n')),
      quickFrame(FIN | CONTINUATION, Buffer.from('"')),
    ]),
  );
  await client.waitForBytes(2 + 4 + 2 + 5);
  client.forget();
  const large = [Buffer.alloc(16 * 1024 * 1024, '\u0001'), Buffer.alloc(16 * 1024 * 1024, 0xfe)];
  for (const [index, payload] of large.entries()) {
    client.send(quickFrame(FIN | (index === 0 ? TEXT : BINARY), payload));
    await client.waitForBytes(payload.length + 10);
    client.forget();
  }
  await client.finish();
  t.equal(await twist.stop(), 0);
  const lines = linesOf(file);
  const [first, ...others] = messages(lines, 'in');
  t.match(first, { op: 1, len: 5, data: 'abc\n"', wire: 8 + 8 + 7 });
  t.match(messages(lines, 'out')[0], { op: 1, len: 5, wire: 7 });
  const order = lines.slice(2, 6).map(({ ev, dir }) => `${ev} ${dir!}`);
  t.strictSame(order, ['ctl in', 'ctl out', 'msg in', 'msg out'], 'the Ping was complete before');
  t.ok(others.every((line, index) => payloadOf(line).equals(large[index]!)));
  t.equal(messages(lines, 'out').length, 3);
});

t.test('a fuzz of payloads: every line is read back as what was on the wire', async (t) => {
  const { twist, file } = await startRecording(t, ['--no-deflate', '--record-frames']);
  const client = await connectRaw(t, twist.port);
  await client.open();
  const random = new SeededRandom(7);
  const pieces = [
    '"',
    '\\',
    '\n',
    '\r\n',
    '\u2028\u2029',
    '\u0085',
    '\u001b[2J',
    '\0',
    '\u{1f600}',
    '}',
    'x',
  ];
  const sent: Buffer[] = [];
  let expected = 0;
  for (let count = 0; count < 3000; count++) {
    const isText = random.below(2) === 0;
    let text = '';
    for (let left = random.below(20); left > 0; left--) text += random.pick(pieces);
    // Lone surrogates and other bytes that are not UTF-8 can only come as binary.
    const payload = isText
      ? Buffer.from(text)
      : Buffer.concat([
          Buffer.from('eda080ff', 'hex'),
          Buffer.from(random.bytes(random.below(200))),
        ]);
    sent.push(payload);
    const frame = quickFrame(FIN | (isText ? TEXT : BINARY), payload);
    expected += frame.length - 4;
    client.send(frame);
  }
  await client.waitForBytes(expected);
  await client.finish();
  await twist.stop();
  const lines = linesOf(file);
  for (const direction of ['in', 'out'] as const) {
    const found = messages(lines, direction);
    t.equal(found.length, sent.length);
    t.equal(found.filter((line, index) => !payloadOf(line).equals(sent[index]!)).length, 0);
  }
  t.equal(lines.filter(({ ev }) => ev === 'frame').length, 2 * sent.length);
  // As the strictest of readers see lines.
  t.equal(linesOf(file).length, lines.length);
});

t.test('alone, it takes messages and answers none', async (t) => {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const twist = await startServing(t, {
    args: ['serve', '--record', file, '--listen', '127.0.0.1:0', '--log-format', 'json'],
  });
  t.match(twist.listening[0], { mode: 'record' });
  t.equal(statSync(file).mode & 0o777, 0o600, 'for its owner only');
  const ws = new WebSocket(`${twist.url}/in?token=secret`, 'chat', {
    headers: { cookie: 'secret', authorization: 'Bearer secret', 'x-trace': '1' },
  });
  await once(ws, 'open');
  ws.on('message', () => {
    t.fail('it has nothing to say');
  });
  ws.send('hello');
  ws.close(4000, 'bye');
  await once(ws, 'close');
  await twist.stop();
  const lines = linesOf(file);
  t.notMatch(JSON.stringify(lines), /secret/, 'no credentials');
  t.strictSame(
    lines.map(({ ev, dir }) => (dir === undefined ? ev : `${ev} ${dir}`)),
    ['file', 'open', 'msg in', 'ctl in', 'ctl out', 'close'],
  );
  t.match(lines[1], {
    url: '/in?token=[hidden:6]',
    headers: { 'x-trace': '[hidden:1]', cookie: '[hidden:6]', authorization: '[hidden:13]' },
    subprotocol: 'chat',
    extensions: 'permessage-deflate',
    mode: 'record',
    tls: null,
  });
  t.match(lines[5], { by: 'client', code: 4000, reason: 'bye', in: { msgs: 1, bytes: 5 } });
});

t.test('payloads can be left out, whole or in part', async (t) => {
  for (const [share, data] of [
    ['3', 'hel'],
    ['none', ''],
  ] as const) {
    const { twist, file } = await startRecording(t, ['--record-payload', share]);
    const ws = new WebSocket(twist.url);
    await once(ws, 'open');
    ws.send('hello');
    await once(ws, 'message');
    ws.close();
    await once(ws, 'close');
    await twist.stop();
    for (const direction of ['in', 'out'] as const)
      t.match(messages(linesOf(file), direction), [{ len: 5, cut: true, data }]);
  }
});

t.test(
  'the proxy: pieces that can be put together again, and what became of the target',
  async (t) => {
    for (const sync of ['interval', 'always']) {
      const target = await startTarget(t, (socket) => socket.pipe(socket));
      const file = path.join(makeTempDir(t), 'traffic.ndjson');
      const twist = await startServing(t, {
        args: [
          ...['serve', '--tcp', target.address, '--listen', '127.0.0.1:0'],
          ...['--log-format', 'json', '--record', file, '--record-sync', sync],
        ],
      });
      const ws = new WebSocket(twist.url);
      await once(ws, 'open');
      const random = new SeededRandom(11);
      const payload = Buffer.from(random.bytes(3_000_000));
      let returned = 0;
      const done = new Promise<void>((resolve) => {
        ws.on('message', (data: Buffer) => {
          returned += data.length;
          if (returned === payload.length + 3) resolve();
        });
      });
      for (let at = 0; at < payload.length; at += 500_000)
        ws.send(payload.subarray(at, at + 500_000), { fin: at + 500_000 >= payload.length });
      ws.send('end');
      await within(done, 'everything');
      ws.close();
      await once(ws, 'close');
      await twist.stop();
      const lines = linesOf(file);
      const received = messages(lines, 'in');
      t.ok(
        Buffer.concat(received.map(payloadOf)).equals(Buffer.concat([payload, Buffer.from('end')])),
      );
      const parts = received.map(({ part }) => part);
      t.equal(parts[0], 'first');
      t.equal(parts.at(-2), 'last');
      t.ok(parts.slice(1, -2).every((part) => part === 'middle'));
      t.equal(parts.at(-1), undefined, 'a message that came in one piece');
      const sent = messages(lines, 'out').map(payloadOf);
      t.ok(Buffer.concat(sent).equals(Buffer.concat([payload, Buffer.from('end')])));
      const wire = received.reduce((sum, line) => sum + line.wire!, 0);
      t.equal(wire, payload.length + 6 * 14 + 3 + 6, 'frame headers are counted once');
      t.strictSame(
        lines.filter(({ ev }) => ev === 'target').map((line) => ({ ...line, s: '', t: 0 })),
        ['connected', 'ended'].map((state) => ({
          ...{ ev: 'target', s: '', t: 0, state, target: target.address },
        })),
      );
    }
  },
);
