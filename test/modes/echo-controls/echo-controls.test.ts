import { Buffer } from 'node:buffer';
import t from 'tap';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { load } from '../../../src/config/load.js';
import { permessageDeflate } from '../../../src/extensions/permessage-deflate/permessage-deflate.js';
import { Redaction } from '../../../src/handshake/redaction/redaction.js';
import type { UpgradeRequest } from '../../../src/handshake/request.js';
import type { UpgradeResponse } from '../../../src/handshake/upgrade-response.js';
import type { ModeContext } from '../../../src/modes/built-in.js';
import {
  controlledEcho,
  makeControlledEcho,
} from '../../../src/modes/echo-controls/echo-controls.js';
import { echo } from '../../../src/modes/echo.js';
import type { ServedSession } from '../../../src/session/session-host.js';
import { BREAK_NAMES, brokenRule } from '../../../src/protocol/break/broken-rules.js';
import { Bench, QUIET } from '../../fixtures/connection-bench.js';
import type { Extension } from '../../../src/extensions/extension.js';
import { closeFrame, encodeFrames, pingFrame, textFrame } from '../../fixtures/frames.js';
import type { RawOutput } from '../../../src/session/raw-output.js';
import { FakeSession } from '../../fixtures/fake-session.js';
import { FakeTicker } from '../../fixtures/fake-ticker.js';
import { ACCEPT, upgradeText, type Changes } from '../../fixtures/handshake.js';
import { hexOf } from '../../fixtures/hex.js';
import { KeptLog } from '../../fixtures/kept-log.js';

const DEFLATE = permessageDeflate({
  level: 6,
  thresholdBytes: 1000,
  memoryBytes: 1e8,
  maxRatio: 1e6,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
});
const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
const OTHER: Extension = { name: 'x-other', create: () => ({}) as never };

interface Opened {
  readonly bench: Bench;
  readonly ticker: FakeTicker;
  /** The head of the answer, and what came right behind it in hex. */
  readonly head: string;
  readonly behind: string;
}

function ask(query: string, headers: Changes = {}, extensions: readonly Extension[] = []): Opened {
  const ticker = new FakeTicker();
  // No turn is ever over, however slow the machine is.
  const turns = { servedUs: 0, spend: () => false, add: () => undefined };
  const mode = makeControlledEcho({ ticker, turns, chance: () => 0 });
  const bench = new Bench(mode, { ...QUIET, extensions });
  bench.receive(upgradeText(headers, `GET /echo?${query} HTTP/1.1`));
  const answer = bench.socket.takeWritten();
  const end = answer.indexOf('\r\n\r\n') + 4;
  return {
    bench,
    ticker,
    head: answer.subarray(0, end).toString('latin1'),
    behind: hexOf(answer.subarray(end)),
  };
}

const open = (...given: Parameters<typeof ask>): Opened => {
  const opened = ask(...given);
  t.match(opened.head, /^HTTP\/1\.1 101 /, given[0]);
  return opened;
};

t.test('a request without controls is served by the plain echo', async (t) => {
  for (const query of ['', 'token=abc']) {
    const { bench } = open(query);
    const session = bench.host.opened[0]!;
    t.match((session as unknown as { mode: object }).mode, { echoes: true });
    t.equal(session.data, null);
    bench.receiveFrames(textFrame('a'));
    t.equal(bench.written(), '810161');
  }
});

t.test('it is called echo, as the plain one is', async (t) => {
  const { bench } = open('delay=1s');
  t.equal((bench.host.opened[0] as ServedSession).mode.name, 'echo');
});

t.test('delays, on a clock, and what is held for them', async (t) => {
  const { bench, ticker } = open('delay=200ms');
  bench.receiveFrames(textFrame('a'));
  t.equal(bench.written(), '');
  t.ok(bench.connection.heldBytes > 256);
  ticker.pass(200);
  bench.host.flushQueue.hold();
  bench.host.flushQueue.release();
  bench.connection.flush();
  t.equal(bench.written(), '810161');
});

t.test('the log has the controls', async (t) => {
  const { bench } = open('close=1008&reason=x&greeting');
  t.match(bench.host.opened[0]!.notes, { controls: ['close=1008', 'reason', 'greeting'] });
});

t.test('a refusal', async (t) => {
  const { bench, head } = ask('delay=1');
  t.match(head, /^HTTP\/1\.1 400 Bad Request\r\n/);
  t.match(head, '\r\nX-Content-Type-Options: nosniff\r\n');
  t.match(bench.host.refusals, [{ error: { rule: 'echo-control' } }]);
  t.match(ask('reject=418').head, /^HTTP\/1\.1 418 \r\n/);
  t.match(ask('reject=503').head, '\r\nRetry-After: ');
  t.match(ask('reject=401').head, '\r\nWWW-Authenticate: ');
});

t.test('what is agreed on: fragments and broken frames leave as they are', async (t) => {
  const agreed = ({ head }: Opened): boolean => head.includes('permessage-deflate');
  t.ok(agreed(open('delay=1s', OFFER, [DEFLATE])));
  t.notOk(agreed(open('fragment=2', OFFER, [DEFLATE])));
  t.notOk(agreed(open('throttle=2', OFFER, [DEFLATE])));
  t.notOk(agreed(open('break=frame-masked', OFFER, [DEFLATE])));
  const { head, behind } = open('break=compressed-garbage', OFFER, [OTHER, DEFLATE]);
  t.match(head, 'permessage-deflate');
  t.match(behind, /^c210f/);
});

t.test('rules of compression need it', async (t) => {
  const needs = 'the control break=bomb needs permessage-deflate';
  const cases: readonly [headers: Changes, extensions: readonly Extension[], text: string][] = [
    [OFFER, [], `${needs}, which is switched off here`],
    [{}, [DEFLATE], `${needs}: offer it in Sec-WebSocket-Extensions`],
    [
      { 'Sec-WebSocket-Extensions': 'permessage-deflate; nonsense' },
      [DEFLATE],
      `${needs}, and what was offered of it cannot be agreed on`,
    ],
  ];
  for (const [headers, extensions, message] of cases) {
    const { bench } = ask('break=bomb', headers, extensions);
    t.match(bench.host.refusals, [{ error: { rule: 'echo-control', message } }]);
  }
});

t.test('every rule, by its bytes', async (t) => {
  for (const name of BREAK_NAMES) {
    const { when, needsDeflate } = brokenRule(name);
    const headers = needsDeflate === true ? OFFER : {};
    const { bench, head, behind } = open(`break=${name}`, headers, [DEFLATE]);
    t.equal(behind === '', when !== 'messages', name);
    if (when === 'handshake')
      t.notOk(head.includes(ACCEPT) && !head.includes('x-unasked'), `${name} in the answer`);
    if (when !== 'close') continue;
    bench.receiveFrames(closeFrame(1000));
    t.equal(bench.written(), '', 'no Close');
  }
});

t.test('Pings, and none', async (t) => {
  const { bench, ticker } = open('ping=10ms&no-pong');
  bench.receiveFrames(pingFrame('a'));
  t.equal(bench.written(), '');
  ticker.pass(10);
  bench.connection.flush();
  t.equal(bench.written(), '8900');
});

t.test('a client that reads slowly', async (t) => {
  const { bench } = open('burst=1000');
  bench.socket.isTaking = false;
  bench.receiveFrames(textFrame('a'.repeat(1000)));
  const held = bench.connection.heldBytes;
  t.ok(held > 100_000, 'it is paused at the limit');
  for (let turn = 0; turn < 30; turn++) bench.socket.drain();
  bench.socket.isTaking = true;
  bench.socket.drain();
  t.equal(bench.socket.takeWritten().length, 1000 * 1004);
});

t.test('the request as JSON, with what was agreed on', async (t) => {
  const { behind } = open('info', { Cookie: 'secret', 'Sec-WebSocket-Protocol': 'chat' });
  const text = Buffer.from(behind, 'hex')
    .toString()
    .replace(/^[^{]*/, '');
  t.match(JSON.parse(text), {
    method: 'GET',
    path: '/echo',
    host: 'localhost',
    scheme: 'http',
    headers: { cookie: '[hidden:6]' },
    tls: null,
    subprotocol: 'chat',
    extensions: null,
  });
  t.equal((JSON.parse(text) as { remotePort: number }).remotePort > 0, true);
});

t.test('what a client by TLS is told', async (t) => {
  const request: UpgradeRequest = {
    ...{ target: '/?info', path: '/', query: 'info', host: 'a', scheme: 'wss', origin: null },
    ...{ key: '', subprotocols: [], extensionOffers: [], headers: [] },
    tls: { version: 'TLSv1.3', cipher: 'TLS_A', serverName: 'a', certificate: null },
  };
  const { mode } = makeControlledEcho().choose!(request, [])!;
  const session = new FakeSession();
  void mode.upgrade!(session, request, {} as UpgradeResponse);
  mode.openRaw!(session, {} as unknown as RawOutput);
  const [sent = ''] = session.takeCalls();
  const text = Buffer.from(sent.replace('send 1 ', ''), 'hex').toString();
  t.match(JSON.parse(text), { scheme: 'https', tls: { serverName: 'a', version: 'TLSv1.3' } });
});

t.test('as the settings allow', async (t) => {
  const flags = { echo: true, echoControls: true };
  const { settings, values } = load({ flags, environment: {}, readFile: () => '' });
  const log = new KeptLog();
  const files = { readFile: () => '', importFile: () => Promise.resolve(null) };
  const context: ModeContext = { settings, values, files, log, clientLog: log, reloadables: [] };
  const redaction = new Redaction({ headers: '*' });
  for (const [given, shown] of [
    [context, '[hidden:6]'],
    [{ ...context, redaction, memory: new MemoryAccount() }, 'secret'],
  ] as const) {
    const mode = controlledEcho(given);
    const bench = new Bench(mode, QUIET);
    bench.receive(upgradeText({ Cookie: 'secret' }, 'GET /?info HTTP/1.1'));
    t.match(bench.socket.takeWritten().toString('latin1'), `"cookie": "${shown}"`);
  }
  const make = await echo.prepare(context);
  t.ok('choose' in make({ kind: 'echo' }), 'it is the mode of its word where it is switched on');
  t.equal(make({ kind: 'echo' }), make({ kind: 'echo' }), 'one for all routes');
});

t.test('a session that ends frees what waits', async (t) => {
  const { bench, ticker } = open('delay=1m');
  bench.receiveFrames(textFrame('a'.repeat(1000)));
  t.equal(ticker.waiting, 1);
  const before = bench.host.memory.bytes;
  bench.receiveFrames(closeFrame(1000));
  t.equal(bench.written(), hexOf(encodeFrames([closeFrame(1000)], false)));
  bench.socket.destroy();
  bench.socket.emit('close');
  t.equal(ticker.waiting, 0);
  t.ok(bench.host.memory.bytes < before);
});
