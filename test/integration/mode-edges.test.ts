/** What a mode of one's own may say and send, and how a server ends, in the built command with real sockets. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import {
  binaryFrame,
  closeFrame,
  encodeFrames,
  pingFrame,
  pongFrame,
  textFrame,
} from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { hexOf } from '../fixtures/hex.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

const SERVE = ['serve', '--listen', '127.0.0.1:0', '--log-format', 'json'];

/** Serves a mode whose members are given as text. */
async function serve(t: Test, members: string, ...flags: string[]): Promise<TwistProcess> {
  const file = path.join(makeTempDir(t), 'mode.mjs');
  writeFileSync(file, `export default { name: 'mine', message() {}, ${members} };\n`);
  return await startServing(t, {
    args: [...SERVE, ...flags.map((one) => one.replace('FILE', file))],
  });
}

const fromServer = (...frames: Parameters<typeof encodeFrames>[0]): string =>
  hexOf(encodeFrames(frames, false));

t.test('the defaults of a mode hold, for --mode and for a route', async (t) => {
  const defaults = `defaults: { origin: ['https://good.example'] }`;
  for (const [flags, target] of [
    [['--mode', 'FILE'], '/'],
    [['--route', '/a=mode:FILE'], '/a'],
  ] as const) {
    const twist = await serve(t, defaults, ...flags);
    for (const [origin, status] of [
      ['https://evil.example', 403],
      ['https://good.example', 101],
    ] as const) {
      const client = await connectRaw(t, twist.port);
      client.send(upgradeText({ Origin: origin }, `GET ${target} HTTP/1.1`));
      await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'an answer');
      t.match(client.received.toString(), new RegExp(`^HTTP/1\\.1 ${status} `), origin);
      client.socket.destroy();
    }
  }
});

t.test('what cannot be sent ends its session whole, and strings are sent', async (t) => {
  const twist = await serve(
    t,
    `open(session) {
       const call = new URLSearchParams(session.path.slice(1)).get('call');
       session.send('grüß');
       if (call === 'flag') session.send(Buffer.from('a'), 'text');
       if (call === 'ping') session.ping(Buffer.alloc(126));
       if (call === 'utf8') session.send(Buffer.of(0xff), false);
       if (call === 'number') session.send(7);
       if (call === 'reason') session.close(undefined, 'bye');
       session.close(1000);
     }`,
    '--mode',
    'FILE',
  );
  for (const call of ['none', 'flag', 'ping', 'utf8', 'number', 'reason']) {
    const client = await connectRaw(t, twist.port);
    client.send(upgradeText({}, `GET /call=${call} HTTP/1.1`));
    const close = call === 'none' ? closeFrame(1000) : closeFrame(1011, 'internal error');
    const expected = fromServer(textFrame('grüß'), close);
    const isThere = (): boolean => hexOf(client.received).endsWith(expected);
    await client.waitUntil(isThere, `the frames of ${call}, and nothing else`);
    client.send(encodeFrames([closeFrame(1000)], true));
    await client.waitForEnd();
    await client.finish();
  }
  t.equal(await twist.stop(), 0);
});

t.test('a client that answers no Ping, or reads nothing, is told', async (t) => {
  const twist = await serve(
    t,
    `message(session) { while (session.send(new Uint8Array(65536)) === 'sent'); }`,
    ...['--mode', 'FILE', '--ping-interval', '200ms', '--pong-timeout', '300ms'],
    ...['--send-timeout', '600ms', '--close-timeout', '20s'],
  );
  const silent = await connectRaw(t, twist.port);
  await silent.open();
  await silent.waitForEnd();
  const away = closeFrame(1001, 'no answer to a Ping for too long');
  t.ok(hexOf(silent.received).endsWith(fromServer(away)));
  await silent.finish();

  const slow = await connectRaw(t, twist.port);
  await slow.open();
  slow.socket.pause();
  slow.send(encodeFrames([binaryFrame('go')], true));
  await new Promise((resolve) => setTimeout(resolve, 2500));
  slow.socket.resume();
  await slow.waitForEnd();
  const stalled = closeFrame(1008, 'client reads too slowly: it took nothing for too long');
  t.ok(hexOf(slow.received.subarray(-200)).endsWith(fromServer(stalled)));
  await slow.finish();
  t.match(await twist.waitForPeer(slow), { rule: 'send-timeout', code: 1008 });
  t.match(await twist.waitForPeer(silent), { rule: 'pong-timeout', code: 1001 });
});

t.test(
  'the mode hears of a client that leaves during the handshake, if it was asked',
  async (t) => {
    const auth = path.join(makeTempDir(t), 'users');
    // The cost makes it take its time.
    writeFileSync(auth, 'ann:$2b$12$abcdefghijklmnopqrstuuTSAJGpbTc3RjXlGjKBlAFlYhQWbZYpe\n', {
      mode: 0o600,
    });
    const member = `upgrade(session, { signal }) {
    console.log('asked');
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => { console.log('left'); reject(signal.reason); });
    });
  }`;
    const open = await serve(t, member, '--mode', 'FILE');
    const client = await connectRaw(t, open.port);
    client.send(upgradeText());
    await eventually(() => open.stdout.includes('asked'), 'the mode to be asked');
    client.socket.destroy();
    await eventually(() => open.stdout.includes('left'), 'the mode to be told');
    t.equal(await open.stop(), 0);

    const twist = await serve(t, member, ...['--mode', 'FILE', '--auth-file', auth]);
    for (let count = 0; count < 5; count++) {
      const client = await connectRaw(t, twist.port);
      const secret = Buffer.from('ann:wrong').toString('base64');
      client.send(upgradeText({ Authorization: `Basic ${secret}` }));
      await new Promise((resolve) => setTimeout(resolve, 20));
      client.socket.destroy();
    }
    t.equal(await twist.stop(), 0);
    t.equal(twist.stdout, '', 'not before its password was right');
    t.strictSame(
      [...open.log, ...twist.log].filter(({ level }) => level === 'fatal' || level === 'error'),
      [],
    );
  },
);

t.test('headers of the response: those that a mode adds, and those that it sees', async (t) => {
  const twist = await serve(
    t,
    `async upgrade(session, request, { headers }) {
       await null;
       if (request.query === 'split') headers.set('X-A', 'a\\r\\nX-Evil: 1');
       if (request.query === 'own') headers.set('Sec-WebSocket-Protocol', 'other');
       headers.append('Set-Cookie', 'a=1');
       headers.append('Set-Cookie', 'b=2');
       headers.set('X-Chosen', headers.get('sec-websocket-protocol') + ' ' + headers.has('upgrade'));
       session.data = headers;
     },
     open(session) { try { session.data.set('X-Late', '1'); } catch (error) { session.send(error.message); } }`,
    '--mode',
    'FILE',
  );
  const client = await connectRaw(t, twist.port);
  client.send(upgradeText({ 'Sec-WebSocket-Protocol': 'chat' }));
  const late = textFrame('the handshake is answered: its headers cannot change any more');
  const isThere = (): boolean => hexOf(client.received).endsWith(fromServer(late));
  await client.waitUntil(isThere, 'the message');
  const head = client.received.toString('latin1').split('\r\n\r\n')[0]!;
  t.match(head, /^HTTP\/1\.1 101 /);
  t.ok(head.endsWith('\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Chosen: chat true'), head);
  client.socket.destroy();
  for (const [query, problem] of [
    ['split', 'cannot have the value'],
    ['own', 'belongs to the handshake itself'],
  ] as const) {
    const bad = await connectRaw(t, twist.port);
    bad.send(upgradeText({}, `GET /?${query} HTTP/1.1`));
    await bad.waitForEnd();
    t.match(bad.received.toString(), /^HTTP\/1\.1 500 /);
    t.notMatch(bad.received.toString(), 'Evil');
    const isTold = (line: (typeof twist.log)[number]): boolean =>
      line.level === 'error' && JSON.stringify(line).includes(problem);
    await eventually(() => twist.log.some(isTold), problem);
  }
  t.equal(await twist.stop(), 0);
});

t.test('Pings of a mode, and a session that it drops', async (t) => {
  const twist = await serve(
    t,
    `open(session) { session.ping('are you there'); },
     pong(session, data) { session.send('heard ' + data); },
     ping(session, data) { session.send('last'); session.drop(); session.send('lost ' + data); }`,
    '--mode',
    'FILE',
  );
  const client = await connectRaw(t, twist.port);
  client.send(upgradeText());
  const ping = fromServer(pingFrame('are you there'));
  await client.waitUntil(() => hexOf(client.received).endsWith(ping), 'the Ping');
  client.forget();
  client.send(encodeFrames([pongFrame('are you there')], true));
  const heard = fromServer(textFrame('heard are you there'));
  await client.waitForBytes(heard.length / 2);
  t.equal(hexOf(client.received), heard);
  client.forget();
  client.send(encodeFrames([pingFrame('a'), textFrame('not delivered')], true));
  await client.waitForEnd();
  t.equal(hexOf(client.received), fromServer(pongFrame('a'), textFrame('last')), 'and no Close');
  await client.finish();
  t.match(await twist.waitForPeer(client), { rule: 'dropped-by-mode', code: 1006 });
  t.equal(await twist.stop(), 0);
});

t.test(
  'an error in a timer of a mode: everybody is told, and the process ends with 1',
  async (t) => {
    const twist = await serve(
      t,
      `open() { setInterval(() => { throw new Error('in a timer'); }, 50); }`,
      ...['--mode', 'FILE'],
    );
    const client = await connectRaw(t, twist.port);
    await client.open();
    await client.waitForEnd();
    t.equal(hexOf(client.received), fromServer(closeFrame(1001, 'the server is shutting down')));
    t.equal(await within(twist.ended, 'the end'), 1);
    t.match(
      twist.log.find(({ level }) => level === 'fatal'),
      { err: { message: 'in a timer' } },
    );
  },
);
