/** What recordings are converted to, opened by the programs that it is meant for. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { harConverter } from '../../src/recording/convert/har/har.js';
import { novncConverter } from '../../src/recording/convert/novnc.js';
import { pcapngConverter } from '../../src/recording/convert/pcapng/pcapng.js';
import { launchChromium } from '../fixtures/browser-page.js';
import { convertRecords, Recording } from '../fixtures/recordings.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { sameSaid, saidIn } from '../fixtures/said.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { SAID_FIELDS, fieldsOf, hasTshark, saidInFrame } from '../fixtures/wireshark.js';

const NOVNC = fileURLToPath(new URL('../../node_modules/@novnc/novnc', import.meta.url));
const PLAYBACK = readFileSync(new URL('../fixtures/novnc-playback.html', import.meta.url));

/** Where the files are kept, to look at them in a program with windows. */
const KEEP = process.env['TWIST_KEEP_CONVERTED'];

t.setTimeout(120_000);

function randomBytes(length: number, random: SeededRandom): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}

/** Sessions of all kinds, one beside the other. */
function makeRecording(): { recording: Recording; sessions: string[] } {
  const random = new SeededRandom(11);
  const recording = new Recording();
  const a = recording.session({
    url: '/chat?room=1&x=%C3%BC',
    subprotocol: 'chat',
    extensions: 'permessage-deflate',
  });
  const b = recording.session({
    remote: '[2001:db8::17]:50000',
    local: '[2001:db8::1]:9001',
    tls: 'TLSv1.3',
  });
  const c = recording.session({ remote: 'unix', local: 'unix', url: '/unix' });
  const text = Buffer.from('größer 水 😀 '.repeat(1000));

  a.text('in', 'hello').text('out', 'a "quoted" \\ text\r\nwith\ttabs and \u2028 größer 水 😀');
  b.binary('in', randomBytes(100, random)).binary('out', randomBytes(125, random));
  a.text('in', '').text('out', '').binary('in', Buffer.alloc(0));
  b.binary('out', randomBytes(126, random)).binary('in', randomBytes(126, random));
  c.pieces('in', 1, [text.subarray(0, 2), text.subarray(2, 50), text.subarray(50)]);
  a.control('in', 9, Buffer.from('ping')).control('out', 10, Buffer.from('ping'));
  b.binary('in', randomBytes(65_535, random)).binary('out', randomBytes(65_536, random));
  b.piece('in', 2, 'first', randomBytes(70_000, random));
  a.binary('in', randomBytes(100 * 1024, random)).binary('out', randomBytes(100 * 1024, random));
  b.control('out', 9, Buffer.alloc(125, 'p'));
  b.piece('in', 2, 'middle', randomBytes(1, random)).control('in', 10, Buffer.alloc(125, 'p'));
  c.text('out', 'x'.repeat(1024 * 1024));
  b.piece('in', 2, 'last', randomBytes(70_001, random));
  a.binary('in', randomBytes(1024 * 1024, random)).binary('out', randomBytes(1024 * 1024, random));
  a.closeFrame('in', 1000, 'so long, größer').closeFrame('out', 1000, 'so long, größer').close();
  c.closeFrame('out', 1001).closeFrame('in', 1001).close({ by: 'server', code: 1001 });
  const d = recording.sessionWithoutOpen();
  d.text('out', 'in the middle').close();
  b.text('out', 'last').close({ by: 'lost', code: 1006 });
  return { recording, sessions: [a.s, b.s, c.s, d.s] };
}

/** Writes a file for the program that opens it. */
function save(t: Test, name: string, bytes: Uint8Array): string {
  const file = path.join(KEEP ?? makeTempDir(t), name);
  writeFileSync(file, bytes);
  return file;
}

/** What the developer tools of Chromium know of a request after they have imported it. */
interface ImportedRequest {
  readonly url: string;
  readonly type: string;
  readonly status: number;
  readonly subprotocol: string | undefined;
  readonly address: string;
  readonly startSeconds: number;
  readonly durationSeconds: number;
  readonly frames: readonly {
    readonly type: string;
    readonly time: number;
    readonly opCode: number;
    readonly text: string;
  }[];
}

/** Imports a HAR the way "Import HAR file" of the network panel does. */
const IMPORT = `async (json) => {
  const { HARFormat, Importer } = await import('devtools://devtools/bundled/models/har/har.js');
  const root = new HARFormat.HARRoot(JSON.parse(json));
  return Importer.Importer.requestsFromHARLog(root.log).map((request) => ({
    url: request.url(),
    type: request.resourceType().name(),
    status: request.statusCode,
    subprotocol: request.responseHeaderValue('sec-websocket-protocol'),
    address: request.remoteAddress(),
    startSeconds: request.startTime,
    durationSeconds: request.duration,
    frames: request.frames().map(({ type, time, opCode, text }) => ({ type, time, opCode, text })),
  }));
}`;

t.test("HAR, in Chromium's developer tools", async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  t.comment(`Chromium ${browser.version()}`);
  const { recording, sessions } = makeRecording();
  const [a = '', b = '', c = '', d = ''] = sessions;
  const spoolDir = makeTempDir(t);
  const har = await convertRecords(
    (output) => harConverter(output, { tool: 'twist/1.0.0', spoolDir }),
    recording.records,
  );
  save(t, 'recording.har', har);
  const page = await browser.newPage();
  await page.goto('devtools://devtools/bundled/devtools_app.html');
  const source = `(${IMPORT})(${JSON.stringify(har.toString())})`;
  const requests = await page.evaluate<ImportedRequest[]>(source);

  // They sort entries by the times of their beginnings.
  t.match(requests, [
    { url: 'ws://localhost:9001/chat?room=1&x=%C3%BC', subprotocol: 'chat' },
    { url: 'wss://localhost:9001/', address: '2001:db8::1:9001' },
    { url: 'ws://localhost:9001/unix' },
    { url: 'ws://unknown/' },
  ]);
  t.equal(requests.length, 4);
  for (const [index, s] of [a, b, c, d].entries()) {
    const request = requests[index]!;
    t.match(request, { type: 'websocket', status: 101 });
    t.ok(Math.abs(request.durationSeconds - 1.5) < 0.001, 'its duration');
    const found = request.frames.map(({ type, opCode, text }) => ({
      dir: type === 'send' ? 'in' : 'out',
      op: opCode,
      hex: Buffer.from(text, opCode === 1 ? 'utf8' : 'base64').toString('hex'),
    }));
    // HAR has messages in the order in which they began, which is another one for interleaved pieces.
    sameSaid(t, found, saidIn(recording.records, s, 'msg'), `session ${index}`);
    const times = request.frames.map(({ time }) => time);
    t.strictSame(
      times,
      [...times].sort((one, other) => one - other),
      'messages are in the order of their times',
    );
    t.ok(times.every((time) => time >= request.startSeconds - 0.001));
  }
});

t.test('pcapng, in Wireshark', async (t) => {
  if (!hasTshark(t)) return;
  const { recording, sessions } = makeRecording();
  const bytes = await convertRecords(pcapngConverter, recording.records);
  const file = save(t, 'recording.pcapng', bytes);

  const found = await fieldsOf(file, 'websocket', SAID_FIELDS);
  for (const [stream, s] of sessions.entries()) {
    const opcodes = new Map<string, number>();
    const said = found
      .filter((fields) => fields['tcp.stream']?.[0] === String(stream))
      .map((fields) => saidInFrame({ ...fields, server: ['9001'] }, opcodes))
      .filter((one) => one !== null);
    sameSaid(t, said, saidIn(recording.records, s, 'all'), `session ${stream}`);
  }
  const first = recording.records.find(({ ev }) => ev === 'msg')!;
  t.equal(Number(found[0]?.['frame.time_epoch']?.[0]), first.t, 'times are kept');

  const requests = await fieldsOf(file, 'http.request', ['http.request.uri', 'ipv6.src', 'ip.src']);
  t.strictSame(requests, [
    { 'http.request.uri': ['/chat?room=1&x=%C3%BC'], 'ip.src': ['127.0.0.1'] },
    { 'http.request.uri': ['/'], 'ipv6.src': ['2001:db8::17'] },
    { 'http.request.uri': ['/unix'], 'ip.src': ['192.0.2.2'] },
    { 'http.request.uri': ['/'], 'ip.src': ['192.0.2.2'] },
  ]);
  t.equal((await fieldsOf(file, 'http.response.code == 101', ['tcp.stream'])).length, 4);

  const bad = 'tcp.checksum.status != "Good" || ip.checksum.status != "Good"';
  t.strictSame(await fieldsOf(file, bad, ['frame.number']), [], 'checksums are right');
  t.strictSame(
    await fieldsOf(file, 'tcp.analysis.flags', ['frame.number']),
    [],
    'sequence numbers are right',
  );
  const warnings = await fieldsOf(file, '_ws.expert.severity >= 6291456', ['_ws.expert.message']);
  t.match(
    warnings.map((fields) => fields['_ws.expert.message']?.at(-1)),
    [/reset/],
    'there is no warning but that of the connection that was lost',
  );
  t.equal(warnings.length, 1);
  const malformed = await fieldsOf(file, '_ws.malformed', ['frame.number']);
  t.strictSame(malformed, [], 'nothing is malformed');
});

/** The size of the desktop that is played, and the pixel that it is filled with. */
const WIDTH = 40;
const HEIGHT = 30;
const COLOUR = [0x33, 0x66, 0xcc] as const;

/** What a VNC server without a password says (RFC 6143 §7.1 to §7.3, §7.6.1), up to one picture. */
function vncServerBytes(): Buffer {
  const name = Buffer.from("it's a \\ desktop");
  const init = Buffer.alloc(24);
  init.writeUInt16BE(WIDTH, 0);
  init.writeUInt16BE(HEIGHT, 2);
  // 32 bits a pixel of which 24 count, true colour; blue comes first.
  Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0]).copy(init, 4);
  init.writeUInt32BE(name.length, 20);
  const update = Buffer.alloc(16);
  update.writeUInt16BE(1, 2);
  update.writeUInt16BE(WIDTH, 8);
  update.writeUInt16BE(HEIGHT, 10);
  // noVNC asks for red first.
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 4, Uint8Array.from([...COLOUR, 0]));
  return Buffer.concat([
    Buffer.from('RFB 003.008\n'),
    Buffer.from([1, 1]),
    Buffer.from([0, 0, 0, 0]),
    init,
    name,
    update,
    pixels,
  ]);
}

t.test("a script, in noVNC's own decoder", async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const recording = new Recording();
  const session = recording.session({ mode: 'tcp:localhost:5900', subprotocol: 'binary' });
  const bytes = vncServerBytes();
  // Cut anywhere, as the proxy passes it on.
  for (let start = 0; start < bytes.length; start += 97) {
    session.binary('out', bytes.subarray(start, start + 97));
    if (start === 0) session.binary('in', Buffer.from('RFB 003.008\n'));
  }
  session.close();
  const script = await convertRecords(novncConverter, recording.records);
  save(t, 'recording.js', script);

  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.route('http://novnc.test/**', async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === '/') await route.fulfill({ body: PLAYBACK, contentType: 'text/html' });
    else if (pathname === '/recording.js') {
      await route.fulfill({ body: script, contentType: 'text/javascript' });
    } else await route.fulfill({ path: path.join(NOVNC, pathname) });
  });
  await page.goto('http://novnc.test/');
  await page.waitForFunction(`window.isPlayed === true`);
  await page.waitForFunction(`document.title.startsWith('it')`);
  t.equal(await page.title(), "it's a \\ desktop");
  const pixels = await page.evaluate<number[][]>(`(() => {
    const context = document.querySelector('canvas').getContext('2d');
    const { width, height } = context.canvas;
    const at = (x, y) => [...context.getImageData(x, y, 1, 1).data];
    return [[width, height], at(0, 0), at(width - 1, height - 1)];
  })()`);
  t.strictSame(pixels, [
    [WIDTH, HEIGHT],
    [...COLOUR, 255],
    [...COLOUR, 255],
  ]);
  t.strictSame(problems, []);
});
