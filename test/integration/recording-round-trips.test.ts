/** From a server to its recording, and from there to other programs: what was said is what they know. */
import { Buffer } from 'node:buffer';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { skipWithout } from '../fixtures/interop.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import {
  type TwistProcess,
  runTwist,
  startServing,
  startTwist,
} from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

const TSHARK = process.env['TSHARK'] ?? '/usr/bin/tshark';

/** What the client says; the server says the same. */
const SAID: readonly (string | Buffer)[] = [
  'hello',
  '',
  '"quoted"\r\n\u2028 \u001b[31m größer 日本 \u{1f600}',
  Buffer.from('000102fdfeff', 'hex'),
  Buffer.alloc(0),
  'long '.repeat(30_000),
  Buffer.alloc(70_000, 0xa5),
];

/** The client's script. @returns what it was told */
async function talk(url: string): Promise<(string | Buffer)[]> {
  const socket = new WebSocket(url, 'chat');
  const told: (string | Buffer)[] = [];
  socket.on('message', (data: Buffer, isBinary) => {
    told.push(isBinary ? data : data.toString());
    if (told.length === SAID.length) socket.close(1000, 'done');
    else socket.send(SAID[told.length]!);
  });
  await within(once(socket, 'open'), 'the session');
  socket.send(SAID[0]!);
  await within(once(socket, 'close'), 'the end');
  return told;
}

/** Records the client's script. */
async function record(t: Test): Promise<{ file: string; twist: TwistProcess }> {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const twist = await startTwist(t, ['--record', file]);
  t.strictSame(await talk(`${twist.url}/room`), SAID);
  t.equal(await twist.stop(), 0);
  return { file, twist };
}

async function convert(t: Test, file: string, format: string): Promise<string> {
  const out = `${file}.${format}`;
  const { ending, stderr } = await runTwist(t, { args: ['convert', file, '--out', out] });
  t.strictSame([ending, stderr], [0, '']);
  return out;
}

/** Both sides of it, as one hears it who listens in. */
const both = SAID.flatMap((message) => [message, message]);

t.test('HAR: each message, with its opcode and direction', async (t) => {
  const { file } = await record(t);
  const har = JSON.parse(readFileSync(await convert(t, file, 'har'), 'utf8')) as {
    log: { entries: { _webSocketMessages: { type: string; opcode: number; data: string }[] }[] };
  };
  t.equal(har.log.entries.length, 1);
  t.strictSame(
    har.log.entries[0]!._webSocketMessages.map(({ type, opcode, data }) => ({
      type,
      opcode,
      data,
    })),
    both.map((message, index) => ({
      type: index % 2 === 0 ? 'send' : 'receive',
      opcode: typeof message === 'string' ? 1 : 2,
      data: typeof message === 'string' ? message : message.toString('base64'),
    })),
  );
});

t.test('pcapng: Wireshark sees the same messages', async (t) => {
  if (!existsSync(TSHARK)) {
    skipWithout(t, `there is no ${TSHARK} (TSHARK names another path)`);
    return;
  }
  const { file, twist } = await record(t);
  const { stdout } = await promisify(execFile)(
    TSHARK,
    [
      ...['-r', await convert(t, file, 'pcapng'), '-d', `tcp.port==${twist.port},http`],
      ...['-Y', 'websocket && (websocket.opcode == 1 || websocket.opcode == 2)', '-T', 'json'],
      ...['-e', 'tcp.dstport', '-e', 'websocket.opcode', '-e', 'websocket.payload.text'],
      ...['-e', 'data.data'],
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const found = (
    JSON.parse(stdout) as { _source: { layers: Record<string, [string] | undefined> } }[]
  ).map(({ _source: { layers } }) => ({
    isReceived: layers['tcp.dstport']![0] === String(twist.port),
    message:
      layers['websocket.opcode']![0] === '1'
        ? (layers['websocket.payload.text']?.[0] ?? '')
        : Buffer.from((layers['data.data']?.[0] ?? '').replaceAll(':', ''), 'hex'),
  }));
  t.strictSame(
    found,
    both.map((message, index) => ({ isReceived: index % 2 === 0, message })),
  );
});

t.test(
  'pcapng: with recorded frames Wireshark sees the frames that were on the wire',
  async (t) => {
    if (!existsSync(TSHARK)) {
      skipWithout(t, `there is no ${TSHARK} (TSHARK names another path)`);
      return;
    }
    const record = path.join(makeTempDir(t), 'traffic.ndjson');
    const twist = await startTwist(t, ['--record', record, '--record-frames', '--no-deflate']);
    const client = await connectRaw(t, twist.port);
    await client.open();
    // A text in three fragments, the last one empty, with a Ping between them.
    const frames: readonly (readonly [first: number, payload: string])[] = [
      [0x01, 'ab'],
      [0x89, '!'],
      [0x00, 'c'],
      [0x80, ''],
      [0x82, 'binary'],
      [0x88, '\u0003\u00e8'],
    ];
    for (const [first, payload] of frames)
      client.send(
        Buffer.concat([
          Buffer.of(first, 0x80 | payload.length, 0, 0, 0, 0),
          Buffer.from(payload, 'latin1'),
        ]),
      );
    await client.waitForEnd();
    await client.finish();
    t.equal(await twist.stop(), 0);
    const { stdout } = await promisify(execFile)(TSHARK, [
      ...['-r', await convert(t, record, 'pcapng'), '-d', `tcp.port==${twist.port},http`],
      ...['-Y', `websocket && tcp.dstport == ${twist.port}`, '-T', 'fields'],
      ...['-e', 'websocket.fin', '-e', 'websocket.rsv', '-e', 'websocket.opcode'],
      ...['-e', 'websocket.mask', '-e', 'websocket.payload_length'],
    ]);
    // Several frames may stand in one segment: their values are behind commas.
    const found = stdout
      .trimEnd()
      .split('\n')
      .flatMap((row) => {
        const columns = row.split('\t').map((column) => column.split(','));
        return columns[0]!.map((_, index) =>
          columns
            .map((column) =>
              Number(
                /^(?:0x)?[0-9a-f]+$/i.test(column[index]!)
                  ? column[index]
                  : column[index] === 'True',
              ),
            )
            .join(' '),
        );
      })
      .sort();
    const expected = frames.map(
      ([first, payload]) => `${first >> 7} ${(first >> 4) & 7} ${first & 15} 1 ${payload.length}`,
    );
    t.strictSame(found, [...expected].sort());
  },
);

t.test('replay: the same script hears the same, and another one is told so', async (t) => {
  const { file } = await record(t);
  const args = [
    'serve',
    '--replay',
    file,
    '--replay-speed',
    '0',
    '--replay-strict',
    '--log-format',
    'json',
  ];
  const replay = await startServing(t, { args: [...args, '--listen', '127.0.0.1:0'] });
  t.strictSame(await talk(`${replay.url}/room`), SAID);
  const other = new WebSocket(`${replay.url}/room`, 'chat');
  await once(other, 'open');
  other.send('hullo');
  const [code, reason] = (await within(once(other, 'close'), 'the end')) as [number, Buffer];
  t.equal(code, 1008);
  t.match(reason.toString(), 'message 1 ');
});

t.test('text and NDJSON: filtered, and made again', async (t) => {
  const { file } = await record(t);
  const only = await runTwist(t, { args: ['convert', file, '--to', 'ndjson', '--dir', 'in'] });
  const lines = only.stdout.trimEnd().split('\n');
  t.equal(lines.filter((line) => line.includes('"ev":"msg"')).length, SAID.length);
  const text = await runTwist(t, { args: ['convert', file, '--grep', 'größer'] });
  t.match(text.stdout, 'größer 日本');
  t.notOk(text.stdout.includes('\u001b'), 'no escape sequence of a client');
});
