/**
 * The inspector's page beside the recording of the same run: noVNC with a VNC server, MQTT with a broker, and clients that
 * speak JSON, all through one server. Message for message the page shows what was recorded, live and of the file, and what
 * it exports is read by others.
 */
import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import type { Row } from '../../src/inspect/page-protocol.js';
import type { AnyRecord, OpenRecord } from '../../src/recording/format/record.js';
import { findBarriers, launchChromium, openWatched } from '../fixtures/browser-page.js';
import { connectMqtt, startBroker } from '../fixtures/mqtt-broker.js';
import { sameSaid, saidIn } from '../fixtures/said.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { findCommands } from '../fixtures/service-process.js';
import { readRows, rowsOf, type ShownRow } from '../fixtures/shown-rows.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { TwistProcess, startServing, startTwist } from '../fixtures/twist-process.js';
import {
  Desktop,
  eventuallyOn,
  hasPixel,
  makeNovncSite,
  openNovnc,
} from '../fixtures/vnc-desktop.js';
import { SAID_FIELDS, fieldsOf, hasTshark, saidInFrame } from '../fixtures/wireshark.js';
import { eventually, within } from '../fixtures/within.js';

t.setTimeout(300_000);

const TOKEN = 'a-token-of-the-tests';
const PIXELS = { '#3366cc': [0x33, 0x66, 0xcc, 0xff], '#ff8800': [0xff, 0x88, 0, 0xff] } as const;

/** A recording as it stands in its file. */
interface Recorded {
  readonly lines: readonly string[];
  readonly records: readonly AnyRecord[];
}

function readRecorded(file: string): Recorded {
  // What a write has not finished has no newline.
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return { lines, records: lines.map((line) => JSON.parse(line) as AnyRecord) };
}

/** Waits until so many sessions are recorded to their ends. */
async function recordedOf(file: string, sessions: number): Promise<Recorded> {
  const ends = (): number => readRecorded(file).records.filter(({ ev }) => ev === 'close').length;
  await eventually(() => ends() === sessions, 'the ends of all sessions', ends);
  return readRecorded(file);
}

function sessionsOf(records: readonly AnyRecord[]): OpenRecord[] {
  return records.filter((record) => record.ev === 'open');
}

function isOf(record: AnyRecord, { s }: OpenRecord): boolean {
  return 's' in record && record.s === s;
}

// ---- What clients do

async function lookAtDesktop(
  t: Test,
  browser: Browser,
  port: number,
  desktop: Desktop,
  xsetroot: string,
) {
  const page = await browser.newPage();
  t.teardown(() => page.close());
  await openNovnc(page, port);
  for (const color of ['#3366cc', '#ff8800', '#3366cc'] as const) {
    await desktop.run(xsetroot, '-solid', color);
    await eventuallyOn(page, (page) => hasPixel(page, 600, 440, PIXELS[color]), color);
    await page.mouse.move(100, 200, { steps: 10 });
    await page.mouse.click(300, 300);
    await page.keyboard.type('Hello, desktop');
  }
  // Another client of the same page, which Chromium compresses.
  await page.evaluate(`new Promise((resolve, reject) => {
    const socket = new WebSocket('ws://127.0.0.1:${port}/json/browser', ['json']);
    let left = 50;
    const ask = () => socket.send(JSON.stringify({ id: left, text: 'from a browser '.repeat(left) }));
    socket.onopen = ask;
    socket.onmessage = () => (--left > 0 ? ask() : socket.close(4000, 'enough'));
    socket.onclose = resolve;
    socket.onerror = reject;
  })`);
  await page.evaluate('window.rfb.disconnect()');
}

async function speakMqtt(t: Test, url: string): Promise<void> {
  const random = new SeededRandom(17);
  const publisher = await connectMqtt(t, url);
  const subscriber = await connectMqtt(t, url);
  let received = 0;
  subscriber.on('message', () => received++);
  await subscriber.subscribeAsync('rooms/#', { qos: 1 });
  const payloads = Array.from({ length: 150 }, () => random.bytes(random.below(2000))).map(
    (bytes) => Buffer.from(bytes),
  );
  payloads.push(Buffer.from(random.bytes(200_000)), Buffer.from('{"temperature":21.5}'));
  for (const [index, payload] of payloads.entries()) {
    const publishing = publisher.publishAsync(`rooms/${index % 7}`, payload, { qos: 1 });
    // Some together, some one by one.
    if (index % 3 === 0) await within(publishing, 'an acknowledgement');
  }
  await eventually(
    () => received === payloads.length,
    'all messages',
    () => received,
  );
  await within(publisher.endAsync(), 'the end of a publisher');
  await within(subscriber.endAsync(), 'the end of a subscriber');
}

async function speakJson(url: string): Promise<void> {
  const socket = new WebSocket(`${url}/json?room=lobby&token=0123456789abcdef`, ['json']);
  await within(once(socket, 'open'), 'the session');
  for (let id = 1; id <= 200; id++) {
    const method = id % 2 === 0 ? 'say' : 'größer';
    const params = { text: 'lorem ipsum '.repeat(id % 40), emoji: '😀 水', list: [id, null, true] };
    const answered = once(socket, 'message');
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    await within(answered, 'an answer');
    if (id % 50 === 0) {
      const pong = once(socket, 'pong');
      socket.ping(`ping ${id}`);
      await within(pong, 'a pong');
    }
  }
  for (const message of ['', 'x'.repeat(300), Buffer.alloc(0), Buffer.alloc(70_000, 0xa5)]) {
    const answered = once(socket, 'message');
    socket.send(message);
    await within(answered, 'an answer');
  }
  const closed = once(socket, 'close');
  socket.close(1000, 'done');
  await within(closed, 'the end');
}

/** VNC, two clients of MQTT, and two that speak JSON. */
const SESSIONS = 5;

// ---- What the page shows

/** All rows that the page was told, as it has them, by the numbers of their records. */
function keepRows(page: Page): Map<number, Row> {
  const rows = new Map<number, Row>();
  page.on('websocket', (socket) => {
    socket.on('framereceived', ({ payload }) => {
      if (typeof payload !== 'string') return;
      const said = JSON.parse(payload) as { rows?: Row[]; from?: number };
      if (said.from !== undefined) for (const row of said.rows ?? []) rows.set(row.n, row);
    });
  });
  return rows;
}

const isPressed = async (page: Page, name: string): Promise<boolean> =>
  (await page.getByRole('button', { name }).getAttribute('aria-pressed')) === 'true';

async function showAllKinds(page: Page): Promise<void> {
  for (const name of ['Pings', 'Frames'])
    if (!(await isPressed(page, name))) await page.getByRole('button', { name }).click();
}

async function waitForRows(page: Page, count: number): Promise<void> {
  const text = `${count.toLocaleString('en-US')} ${count === 1 ? 'row' : 'rows'}`;
  await page.locator('.count').getByText(text, { exact: true }).waitFor();
}

/** A difference in a list of thousands is told by its first row. */
function sameRows(
  t: Test,
  found: readonly ShownRow[],
  expected: readonly ShownRow[],
  name: string,
) {
  const at = expected.findIndex(
    (row, index) => JSON.stringify(row) !== JSON.stringify(found[index]),
  );
  t.strictSame(at === -1 ? [] : [at, found[at]], at === -1 ? [] : [at, expected[at]], name);
  t.equal(found.length, expected.length, `${name}: ${expected.length} rows`);
}

/** Everything that the page shows of a recording: the list of sessions, all messages, and those of each session. */
async function proveShown(t: Test, page: Page, { records }: Recorded): Promise<void> {
  const sessions = sessionsOf(records);
  const listed = page.locator('#sessions .virtual-rows .session-row');
  await page.getByText(`${sessions.length} sessions`).first().waitFor();
  await eventuallyOn(
    page,
    async () => (await listed.locator('.tag', { hasText: /^open$/ }).count()) === 0,
    'the ends of all sessions',
  );
  for (const [place, open] of [...sessions].reverse().entries()) {
    const row = listed.nth(place);
    const cell = async (name: string): Promise<string> =>
      (await row.locator(`.cell-${name}`).innerText()).replaceAll('\u00a0', ' ');
    const close = records.find((record) => record.ev === 'close' && isOf(record, open));
    if (close?.ev !== 'close') throw new Error('a session has no end');
    t.match(await cell('opened'), `#${open.id} `);
    t.equal(await cell('remote'), open.remote);
    t.equal(await cell('url'), open.url);
    t.equal(await cell('mode'), open.mode);
    t.equal(await cell('subprotocol'), open.subprotocol ?? '–');
    t.equal(await cell('extensions'), open.extensions ?? '–');
    t.match(await cell('in'), `▲ ${close.in.msgs.toLocaleString('en-US')} · `);
    t.match(await cell('out'), `▼ ${close.out.msgs.toLocaleString('en-US')} · `);
    t.equal(await cell('close'), String(close.code));
  }
  await page.getByRole('link', { name: 'All messages' }).click();
  await showAllKinds(page);
  const all = rowsOf(records, true);
  await waitForRows(page, all.length);
  sameRows(t, await readRows(page), all, 'all messages');
  for (const open of sessions) {
    await page.getByRole('button', { name: 'Back to the sessions' }).click();
    await listed.filter({ hasText: open.remote }).click();
    const own = rowsOf(
      records.filter((record) => isOf(record, open)),
      false,
    );
    await waitForRows(page, own.length);
    sameRows(t, await readRows(page), own, open.url);
  }
  await page.getByRole('button', { name: 'Back to the sessions' }).click();
}

/** Sizes to the byte, which the list rounds, as the page has them. */
function proveTold(t: Test, told: ReadonlyMap<number, Row>, { records }: Recorded): void {
  const rows = [...told.values()].sort((one, other) => one.n - other.n);
  const short = ({ s, t, dir, op, part, len, wire }: Partial<Row>): string =>
    JSON.stringify([s, t, dir, op, part, len, wire]);
  const isMessage = (kind: string): boolean =>
    ['text', 'binary', 'ping', 'pong', 'close'].includes(kind);
  const found = rows.filter(({ kind }) => isMessage(kind)).map(short);
  const expected = records
    .filter((record) => record.ev === 'msg' || record.ev === 'ctl')
    .map((record) => short(record));
  t.equal(found.length, expected.length);
  t.equal(
    found.findIndex((row, index) => row !== expected[index]),
    -1,
    'sizes to the byte',
  );
}

/** Bytes of a message in hex, one as it is shown. */
async function proveHex(t: Test, page: Page, { records }: Recorded): Promise<void> {
  const open = sessionsOf(records).find(({ url }) => url === '/mqtt')!;
  const own = records.filter((record) => isOf(record, open));
  const place = own.findIndex(
    (record) => record.ev === 'msg' && record.len > 32 && record.len < 200,
  );
  const record = own[place]!;
  if (record.ev !== 'msg') throw new Error('there is no such message');
  await page.locator('#sessions .session-row', { hasText: open.remote }).click();
  await waitForRows(page, own.length);
  await page.evaluate(`document.querySelector('#messages').scrollTop = ${place * 24}`);
  await page.locator(`#messages .message-row[aria-rowindex="${place + 2}"]`).click();
  const lines = page.locator('.hex-view .hex-row');
  const bytes = Buffer.from(record.b64 ?? '', 'base64');
  await lines.first().waitFor();
  const digits = (await lines.locator('.hex-digits').allTextContents()).join(' ');
  t.equal(digits.replaceAll(' ', ''), bytes.toString('hex'));
  await page.getByRole('button', { name: 'Back to the sessions' }).click();
}

// ---- What it exports

async function exportOf(t: Test, page: Page, format: 'NDJSON' | 'HAR' | 'pcapng'): Promise<string> {
  await page.getByRole('button', { name: /^Export/ }).click();
  const coming = page.waitForEvent('download');
  coming.catch(() => undefined);
  await page
    .getByRole('group', { name: 'Export' })
    .getByRole('button', { name: new RegExp(`^${format} `) })
    .click();
  const download = await coming;
  t.match(download.suggestedFilename(), new RegExp(`^twist-.*\\.${format.toLowerCase()}$`));
  const file = path.join(makeTempDir(t), download.suggestedFilename());
  await download.saveAs(file);
  return file;
}

async function proveNdjson(t: Test, page: Page, { lines, records }: Recorded): Promise<void> {
  const exported = readFileSync(await exportOf(t, page, 'NDJSON'), 'utf8').split('\n');
  t.match(JSON.parse(exported[0]!), { ev: 'file', v: 1 });
  t.equal(exported.slice(1).join('\n'), `${lines.slice(1).join('\n')}\n`, 'all lines');
  // Some messages of a session.
  const open = sessionsOf(records).find(({ url }) => url.startsWith('/json?'))!;
  await page.getByRole('button', { name: 'Back to the sessions' }).click();
  await page.locator('#sessions .session-row', { hasText: open.remote }).click();
  await page.getByRole('radio', { name: 'From the client' }).check();
  await page.getByLabel('Least size').fill('200');
  await page.getByLabel('Only messages with this text').fill('"method":"say"');
  const wanted = records.flatMap((record, index) => {
    if (!isOf(record, open)) return [];
    const isMessage =
      record.ev === 'msg' &&
      record.dir === 'in' &&
      record.len >= 200 &&
      record.data?.includes('"method":"say"') === true;
    return isMessage || record.ev === 'open' || record.ev === 'close' ? [lines[index]!] : [];
  });
  t.ok(wanted.length > 50);
  await waitForRows(page, wanted.length - 2);
  const filtered = readFileSync(await exportOf(t, page, 'NDJSON'), 'utf8');
  t.equal(filtered.slice(filtered.indexOf('\n') + 1), wanted.map((line) => `${line}\n`).join(''));
}

interface Har {
  readonly log: {
    readonly entries: readonly {
      readonly request: { readonly url: string };
      readonly response: { readonly status: number };
      readonly _webSocketMessages: readonly {
        readonly type: string;
        readonly time: number;
        readonly opcode: number;
        readonly data: string;
      }[];
    }[];
  };
}

async function proveHar(t: Test, page: Page, { records }: Recorded): Promise<void> {
  const har = JSON.parse(readFileSync(await exportOf(t, page, 'HAR'), 'utf8')) as Har;
  t.equal(har.log.entries.length, SESSIONS);
  for (const open of sessionsOf(records)) {
    const first = records.find((record) => record.ev === 'msg' && isOf(record, open))!;
    const entry = har.log.entries.find(
      ({ _webSocketMessages: [message] }) => message?.time === first.t,
    );
    t.match(entry, { response: { status: 101 } });
    t.ok(entry?.request.url.endsWith(open.url), open.url);
    const found = (entry?._webSocketMessages ?? []).map(({ type, opcode, data }) => ({
      dir: type === 'send' ? 'in' : 'out',
      op: opcode,
      hex: Buffer.from(data, opcode === 1 ? 'utf8' : 'base64').toString('hex'),
    }));
    sameSaid(t, found, saidIn(records, open.s, 'msg', 'begun'), `HAR, ${open.url}`);
  }
}

async function provePcapng(
  t: Test,
  page: Page,
  { records }: Recorded,
  port: number,
): Promise<void> {
  const file = await exportOf(t, page, 'pcapng');

  if (!hasTshark(t)) return;
  const asWeb = ['-d', `tcp.port==${port},http`];
  const requests = await fieldsOf(
    file,
    'http.request',
    ['tcp.stream', 'tcp.srcport', 'http.request.uri'],
    asWeb,
  );
  t.equal(requests.length, SESSIONS);
  // A message that is MQTT as a whole would be told as such, without its bytes.
  const asBytes = [...asWeb, '--disable-protocol', 'mqtt'];
  const found = await fieldsOf(file, 'websocket', SAID_FIELDS, asBytes);
  for (const open of sessionsOf(records)) {
    const clientPort = open.remote.slice(open.remote.lastIndexOf(':') + 1);
    const request = requests.find((fields) => fields['tcp.srcport']?.[0] === clientPort);
    t.equal(request?.['http.request.uri']?.[0], open.url);
    const opcodes = new Map<string, number>();
    const said = found
      .filter((fields) => fields['tcp.stream']?.[0] === request?.['tcp.stream']?.[0])
      .map((fields) => saidInFrame({ ...fields, server: [String(port)] }, opcodes))
      .filter((one) => one !== null);
    sameSaid(t, said, saidIn(records, open.s, 'all'), `pcapng, ${open.url}`);
  }
  t.strictSame(await fieldsOf(file, '_ws.malformed', ['frame.number'], asWeb), []);
}

t.test('noVNC, MQTT and JSON: the page, the recording and the exports say the same', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const commands = findCommands(t, ['Xvnc', 'xsetroot', 'mosquitto']);
  if (commands === null) return;
  const [xvnc, xsetroot, mosquitto] = commands;
  const desktop = await Desktop.open(t, xvnc);
  const broker = await startBroker(t, mosquitto);
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const twist = await startServing(t, {
    args: [
      ...['serve', '--listen', '127.0.0.1:0', '--log-format', 'json', '--static', makeNovncSite(t)],
      ...['--tcp', desktop.target, '--route', `/mqtt=tcp:${broker.address}`],
      ...['--route', '/json=echo', '--route', '/json/browser=echo'],
      ...['--record', file, '--inspect', '127.0.0.1:0', '--inspect-token', TOKEN],
    ],
  });
  const { address } = await twist.waitForLog(({ msg }) => msg === 'inspector');
  const options = { timezoneId: 'UTC' };
  const live = await openWatched(t, browser, `${String(address)}/?token=${TOKEN}`, options);
  const { page } = live;
  await page.getByText('No session yet').waitFor();

  await Promise.all([
    lookAtDesktop(t, browser, twist.port, desktop, xsetroot),
    speakMqtt(t, `${twist.url}/mqtt`),
    speakJson(twist.url),
  ]);
  const recorded = await recordedOf(file, SESSIONS);
  t.comment(`${recorded.records.length} records`);

  await t.test('live', async (t) => {
    await proveShown(t, page, recorded);
    await proveHex(t, page, recorded);
  });
  await t.test('exports', async (t) => {
    await page.getByRole('link', { name: 'All messages' }).click();
    await showAllKinds(page);
    await waitForRows(page, recorded.records.length - 1);
    await proveHar(t, page, recorded);
    await provePcapng(t, page, recorded, twist.port);
    await proveNdjson(t, page, recorded);
  });
  t.strictSame(live.faults, [], 'nothing went wrong in the page');
  t.equal(await twist.stop(), 0);
  t.strictSame(readRecorded(file).lines, recorded.lines, 'nothing was recorded since');

  await t.test('twist view', async (t) => {
    const viewer = new TwistProcess({ args: ['view', file, '--no-open'] });
    t.teardown(() => viewer.kill());
    await eventually(() => viewer.stdout.endsWith('\n'), 'a URL');
    const { page, faults } = await openWatched(t, browser, viewer.stdout.trim(), options);
    const told = keepRows(page);
    await page.reload();
    await proveShown(t, page, recorded);
    proveTold(t, told, recorded);
    t.strictSame(await findBarriers(page), []);
    await page.getByRole('link', { name: 'All messages' }).click();
    await waitForRows(page, recorded.records.length - 1);
    // Whatever comes first.
    await page
      .locator('#messages')
      .getByText(/^(Text|Binary)$/)
      .first()
      .click();
    await page.locator('#detail').waitFor();
    t.strictSame(await findBarriers(page), []);
    t.strictSame(faults, [], 'nothing went wrong in the page');
    t.equal(await viewer.stop('SIGINT'), 0);
  });
});

t.test(
  'two workers: the page has the sessions of both, as their recordings have them',
  async (t) => {
    const browser = await launchChromium(t);
    if (browser === null) return;
    const directory = makeTempDir(t);
    const twist = await startTwist(t, [
      ...['--workers', '2', '--record', path.join(directory, 'traffic-%w.ndjson')],
      ...['--inspect', '127.0.0.1:0', '--inspect-token', TOKEN],
    ]);
    const { address } = await twist.waitForLog(({ msg }) => msg === 'inspector');
    const url = `${String(address)}/?token=${TOKEN}`;
    const { page, faults } = await openWatched(t, browser, url, { timezoneId: 'UTC' });
    const clients: WebSocket[] = [];
    for (let count = 0; count < 6; count++) {
      const client = new WebSocket(`${twist.url}/${count}`);
      clients.push(client);
      await within(once(client, 'open'), 'the session');
    }
    for (let id = 1; id <= 50; id++) {
      const answers = clients.map((client) => once(client, 'message'));
      for (const [index, client] of clients.entries())
        client.send(JSON.stringify({ id, client: index, text: 'x'.repeat(id * index) }));
      await within(Promise.all(answers), 'the answers');
    }
    const closed = clients.map((client) => once(client, 'close'));
    for (const client of clients) client.close(1000);
    await within(Promise.all(closed), 'the ends');

    const listed = page.locator('#sessions .virtual-rows .session-row');
    await eventuallyOn(
      page,
      async () => (await listed.locator('.cell-close', { hasText: '1000' }).count()) === 6,
      'the ends of all sessions',
    );
    for (const number of [1, 2])
      t.equal(await listed.filter({ hasText: `worker ${number}` }).count(), 3, `worker ${number}`);
    t.equal(twist.log.filter(({ msg }) => msg === 'inspector').length, 1);
    const files = [1, 2].map((number) => path.join(directory, `traffic-${number}.ndjson`));
    const records = (await Promise.all(files.map((file) => recordedOf(file, 3)))).flatMap(
      (recorded) => recorded.records,
    );
    await page.getByRole('link', { name: 'All messages' }).click();
    await showAllKinds(page);
    const expected = rowsOf(records, true);
    await waitForRows(page, expected.length);
    const shown = await readRows(page);
    for (const { id, worker, url } of sessionsOf(records)) {
      const own = ({ session }: ShownRow): boolean => session === `#${id}`;
      sameRows(t, shown.filter(own), expected.filter(own), `${url} of worker ${worker}`);
    }
    t.equal(shown.length, expected.length);
    t.strictSame(faults, [], 'nothing went wrong in the page');
  },
);
