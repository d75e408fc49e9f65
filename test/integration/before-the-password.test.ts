/**
 * What a client is told that does not know the password: that it must give one, and whether the server is well. All
 * ways to be refused are tried with the right password, with a wrong one and with none.
 */
import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type { Extension } from '../../src/extensions/extension.js';
import { fileAuthenticator } from '../../src/server/auth/basic-auth.js';
import type { Authenticator } from '../../src/server/auth/authenticator.js';
import { Server } from '../../src/server/server.js';
import { HandshakeError } from '../../src/errors.js';
import { DEFAULT_LIMITS, upgradeText } from '../fixtures/handshake.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { onePassword } from '../fixtures/logins.js';
import { HASH, PASSWORD } from '../fixtures/password-hashes.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { SERVER_LIMITS } from '../fixtures/server-limits.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

const get = (target: string, ...lines: readonly string[]): string =>
  [`GET ${target} HTTP/1.1`, 'Host: desk.example', ...lines, '', ''].join('\r\n');

const DESK = { Host: 'desk.example' };
const PAGE = { Origin: 'https://page.example' };

/** Requests that a server with and without files answers alike, with their status for those who know the password. */
const REQUESTS: readonly (readonly [what: string, request: string, status: number])[] = [
  ['a good one', upgradeText({ ...DESK, ...PAGE }), 101],
  ['a route that is not there', upgradeText({ ...DESK, ...PAGE }, 'GET /no HTTP/1.1'), 404],
  ['a foreign host', upgradeText({ Host: 'evil.example', ...PAGE }), 421],
  ['a foreign page', upgradeText({ ...DESK, Origin: 'https://evil.example' }), 403],
  [
    'two origins',
    upgradeText({ ...DESK, Origin: ['https://a.example', 'https://b.example'] }),
    400,
  ],
  ['a mode that refuses', upgradeText({ ...DESK, ...PAGE }, 'GET /refused HTTP/1.1'), 502],
  ['a mode that fails', upgradeText({ ...DESK, ...PAGE }, 'GET /broken HTTP/1.1'), 500],
  ['no key', upgradeText({ ...DESK, 'Sec-WebSocket-Key': null }), 400],
  ['another version', upgradeText({ ...DESK, 'Sec-WebSocket-Version': '8' }), 426],
  ['another upgrade', upgradeText({ ...DESK, Upgrade: 'h2c' }), 426],
  ['another method', upgradeText(DESK, 'POST /chat HTTP/1.1'), 405],
  ['another protocol', upgradeText(DESK, 'GET /chat HTTP/1.0'), 505],
  ['no host', upgradeText({ Host: null }), 400],
  ['a body', upgradeText({ ...DESK, 'Content-Length': '5' }), 400],
  ['an extension that is none', upgradeText({ ...DESK, 'Sec-WebSocket-Extensions': ';;' }), 400],
  ['a subprotocol that is none', upgradeText({ ...DESK, 'Sec-WebSocket-Protocol': ',' }), 400],
];

/** These depend on whether there are files. */
const FILES: readonly (readonly [what: string, request: string, files: number, none: number])[] = [
  ['a file', get('/a.txt'), 200, 426],
  ['a file that is not there', get('/b.txt'), 404, 426],
  ['a file of another host', get('/a.txt').replace('desk', 'evil'), 421, 426],
  ['a path that is none', get('/%'), 400, 426],
];

/** These are the same for everybody. */
const OPEN: readonly (readonly [what: string, request: string, status: number])[] = [
  ['health', get('/healthz'), 200],
  ['health of any host', 'GET /healthz HTTP/1.0\r\n\r\n', 200],
  ['whether a server is there', 'OPTIONS / HTTP/1.1\r\nHost: desk.example\r\n\r\n', 204],
  ['the same for another host', 'OPTIONS /no HTTP/1.1\r\nHost: evil.example\r\n\r\n', 204],
  ['TLS', '\x16\x03\x01\x02\x00', 400],
  ['a head that is none', 'GET /\r\n\r\n', 400],
  ['a head that is too long', `GET /${'a'.repeat(9000)} HTTP/1.1\r\n\r\n`, 414],
  ['a header that is none', get('/', 'a b'), 400],
];

/** With credentials as the first header. */
function withCredentials(request: string, credentials: string | null): string {
  if (credentials === null) return request;
  const header = `Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
  return request.replace('\r\n', () => `\r\n${header}`);
}

interface Fixture {
  /** The whole answer, without its date. */
  readonly ask: (request: string) => Promise<string>;
  /** What code of modes and extensions has run. */
  readonly ran: string[];
}

async function start(
  t: Test,
  auth: Authenticator,
  hasFiles: boolean,
  deny: readonly string[] = [],
): Promise<Fixture> {
  const directory = makeTempDir(t);
  writeFileSync(path.join(directory, 'a.txt'), 'hello');
  const ran: string[] = [];
  const extension: Extension = {
    name: 'x-spy',
    create: () => {
      ran.push('extension');
      throw new Error('not today');
    },
  };
  const mode = {
    name: 'spy',
    delivery: 'messages',
    upgrade: ({ path: asked }: { readonly path: string }): void => {
      ran.push(asked);
      if (asked === '/refused') throw new HandshakeError('target-refused');
      if (asked === '/broken') throw new Error('broken');
    },
  } as const;
  const server = new Server({
    listen: [{ kind: 'tcp', host: '127.0.0.1', port: 0 }],
    served: ['/chat', '/refused', '/broken'].map((route) => ({
      path: route,
      mode,
      origin: ['https://page.example'],
      extensions: [extension],
    })),
    staticDir: hasFiles ? directory : null,
    head: DEFAULT_LIMITS,
    subprotocol: 'none',
    maxFragments: 1000,
    admission: { maxConnections: 1000, maxConnectionsPerAddress: 0 },
    access: {
      allowedHosts: ['desk.example'],
      allow: [],
      deny,
      trustProxy: [],
      trustProxyHeader: 'x-forwarded-for',
    },
    auth,
    health: { path: '/healthz', findProblems: () => [] },
    drainTimeout: 1000,
    limits: SERVER_LIMITS,
    log: new KeptLog(),
  });
  t.teardown(() => {
    server.stopNow();
  });
  await server.start();
  const port = Number(new URL(server.urls[0]!).port);
  const ask = async (request: string): Promise<string> => {
    const client = await connectRaw(t, port);
    client.send(request.replace(' HTTP/1.1\r\n', ' HTTP/1.1\r\nConnection: close\r\n'));
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'an answer');
    const answer = client.received.toString('latin1');
    client.socket.destroy();
    return answer.replace(/\r\nDate: [^\r]+/, '');
  };
  return { ask, ran };
}

/** Of the answer. */
const statusOf = (answer: string): number => Number(answer.split(' ', 2)[1]);

async function eachAuthenticator(t: Test): Promise<Authenticator[]> {
  const file = path.join(makeTempDir(t), 'users');
  writeFileSync(file, `ann:${HASH}\n`);
  return [onePassword(`ann:${PASSWORD}`), await fileAuthenticator(file, 0, new KeptLog())];
}

const RIGHT = `ann:${PASSWORD}`;

t.test('without the right password all requests get one answer', async (t) => {
  for (const auth of await eachAuthenticator(t)) {
    for (const hasFiles of [false, true]) {
      const { ask, ran } = await start(t, auth, hasFiles);
      const rows = [
        ...REQUESTS,
        ...FILES.map(
          ([what, request, files, none]) => [what, request, hasFiles ? files : none] as const,
        ),
      ];
      const [, good] = REQUESTS[0]!;
      const refusal = await ask(good);
      t.equal(statusOf(refusal), 401);
      for (const [what, request] of rows) {
        t.equal(await ask(request), refusal, what);
        if (what.startsWith('a '))
          t.equal(await ask(withCredentials(request, 'ann:guess')), refusal, what);
      }
      t.strictSame(ran, [], 'no code of a mode or an extension has run');
      for (const [what, request, status] of rows)
        t.equal(statusOf(await ask(withCredentials(request, RIGHT))), status, what);
      t.ok(ran.includes('/refused'));
      const offer = withCredentials(
        upgradeText({ ...DESK, ...PAGE, 'Sec-WebSocket-Extensions': 'x-spy' }),
        RIGHT,
      );
      t.equal(statusOf(await ask(offer)), 101);
      t.ok(ran.includes('extension'));
    }
  }
});

t.test('an extension is not asked before the password is known', async (t) => {
  const { ask, ran } = await start(t, onePassword(RIGHT), false);
  const offer = upgradeText({ ...DESK, ...PAGE, 'Sec-WebSocket-Extensions': 'x-spy' });
  t.equal(statusOf(await ask(offer)), 401);
  t.equal(statusOf(await ask(withCredentials(offer, 'ann:guess'))), 401);
  t.strictSame(ran, []);
});

t.test('what is told to everybody', async (t) => {
  for (const hasFiles of [false, true]) {
    const { ask } = await start(t, onePassword(RIGHT), hasFiles);
    for (const [what, request, status] of OPEN)
      for (const credentials of [null, 'ann:guess', RIGHT])
        t.equal(statusOf(await ask(withCredentials(request, credentials))), status, what);
  }
});

t.test('an address that may not connect is told nothing but that', async (t) => {
  const { ask, ran } = await start(t, onePassword(RIGHT), true, ['127.0.0.0/8']);
  for (const [what, request] of [...REQUESTS, ...FILES])
    for (const credentials of [null, RIGHT])
      t.equal(statusOf(await ask(withCredentials(request, credentials))), 403, what);
  t.equal(statusOf(await ask(get('/healthz'))), 200);
  t.strictSame(ran, []);
});
