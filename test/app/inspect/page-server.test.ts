import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { PageServer, type PageServerOptions } from '../../../src/app/inspect/page-server.js';
import { TokenDoor } from '../../../src/app/inspect/token-door.js';
import type { Mode } from '../../../src/session/mode.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { LETS_IN_ALL } from '../../fixtures/logins.js';

const MODE: Mode = {
  name: 'inspect',
  delivery: 'messages',
  defaults: { origin: 'same' },
  message: (session, opcode, bytes, start, end) => {
    session.sendRange(opcode, bytes, start, end);
  },
};

const PAGES = { html: '<!doctype html>', script: '// script', style: '/* style */' };

interface Started {
  readonly address: string;
  readonly door: TokenDoor;
  readonly loads: { count: number };
  readonly log: KeptLog;
}

async function start(t: Test, options: Partial<PageServerOptions> = {}): Promise<Started> {
  const door = new TokenDoor({ secret: 'the-secret', token: null });
  const loads = { count: 0 };
  const log = new KeptLog();
  const server = new PageServer({
    address: { host: '127.0.0.1', port: 0 },
    mode: MODE,
    subprotocol: 'twist-inspect.1',
    door,
    tls: null,
    loadPage: () => {
      loads.count++;
      return Promise.resolve(PAGES);
    },
    log,
    ...options,
  });
  const { address, port } = await server.start();
  t.equal(new URL(address).port, String(port));
  t.teardown(() => server.stop());
  return { address, door, loads, log };
}

/** Opens the page as a browser does. @returns the cookie */
async function enter({ address, door }: Started): Promise<string> {
  const response = await fetch(`${address}/?token=${door.token}`, { redirect: 'manual' });
  return response.headers.get('set-cookie')!.split(';')[0]!;
}

t.test('the page, and what it talks to, for whoever has a token', async (t) => {
  const started = await start(t);
  const { address, loads, log } = started;
  const stranger = await fetch(`${address}/`);
  t.equal(stranger.status, 403);
  t.match(await stranger.text(), /this page needs a token/);
  t.equal(loads.count, 0);
  const cookie = await enter(started);
  for (const [path, body] of [
    ['/', PAGES.html],
    ['/page.js', PAGES.script],
    ['/page.css', PAGES.style],
  ] as const) {
    const response = await fetch(`${address}${path}`, { headers: { cookie } });
    t.equal(await response.text(), body);
    t.match(response.headers.get('content-security-policy'), /default-src 'none'/);
  }
  t.equal(loads.count, 1);
  const socket = new WebSocket(`${address}/ws`, 'twist-inspect.1', {
    headers: { cookie },
    origin: address,
  });
  await once(socket, 'open');
  t.equal(socket.protocol, 'twist-inspect.1');
  socket.send('hello');
  const [message] = (await once(socket, 'message')) as [Buffer];
  t.equal(message.toString(), 'hello');
  socket.close();
  await once(socket, 'close');
  t.strictSame(log.lines, [], 'what it does by itself is no news');
});

t.test('another page has no access, nor has one by another name', async (t) => {
  const started = await start(t);
  const cookie = await enter(started);
  const { address } = started;
  const refusal = async (path: string, headers: Record<string, string>): Promise<unknown> => {
    const socket = new WebSocket(`${address}${path}`, 'twist-inspect.1', { headers });
    const [, response] = (await once(socket, 'unexpected-response')) as [
      unknown,
      { statusCode: number },
    ];
    socket.on('error', () => undefined);
    socket.terminate();
    return response.statusCode;
  };
  t.equal(await refusal('/ws', { cookie, origin: 'http://evil.example' }), 403);
  t.equal(await refusal('/ws', { cookie, host: 'evil.example' }), 421);
  t.equal(await refusal('/ws', { origin: address }), 403);
  t.equal(await refusal('/other', { cookie, origin: address }), 404);
});

t.test('with passwords there is no token', async (t) => {
  const { address } = await start(t, { door: LETS_IN_ALL });
  t.equal(await (await fetch(`${address}/?token=x`)).text(), PAGES.html);
});
