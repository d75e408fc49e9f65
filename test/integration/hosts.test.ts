/**
 * Under which names, and in which forms, the built command is asked for by those in front of it: a page that
 * has its own name resolved to this machine in a real browser, nginx and HAProxy as they come.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { launchChromium } from '../fixtures/browser-page.js';
import { upgradeText } from '../fixtures/handshake.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { type Service, findCommands, startService } from '../fixtures/service-process.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing, startTwist } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

t.setTimeout(90_000);

const PAGE = '<!doctype html><title>twist</title>\n';

/** A directory with a page in it. */
function makeSite(t: Test): string {
  const site = makeTempDir(t);
  for (const name of ['index.html', 'vnc.html']) writeFileSync(path.join(site, name), PAGE);
  return site;
}

/** The local service that nobody else is to reach: it sends back what it gets, and counts who comes. */
async function startTarget(t: Test): Promise<{ readonly port: number; count: number }> {
  const server = createServer((socket) => {
    target.count += 1;
    socket.on('error', () => undefined).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const target = { port: (server.address() as AddressInfo).port, count: 0 };
  return target;
}

async function startProxy(
  t: Test,
  target: number,
  flags: readonly string[],
): Promise<TwistProcess> {
  const site = makeSite(t);
  const args = ['serve', '--tcp', `127.0.0.1:${target}`, '--static', site, '--log-format', 'json'];
  return await startServing(t, { args: [...args, '--listen', '127.0.0.1:0', ...flags] });
}

/** What a page's script gets from its own origin: of a file, and of the service behind the server. */
const SCRIPT = `(async () => {
  const file = await fetch('/vnc.html');
  const text = await file.text();
  const reply = await new Promise((resolve) => {
    const socket = new WebSocket('ws://' + location.host + '/');
    socket.onopen = () => socket.send('secret?');
    socket.onmessage = async ({ data }) => resolve(await data.text());
    socket.onclose = () => resolve(null);
  });
  return { status: file.status, text, reply };
})()`;

t.test('a page that has its own name resolved to this machine', async (t) => {
  const target = await startTarget(t);
  const browser = await launchChromium(t, {
    args: ['--host-resolver-rules=MAP evil.example 127.0.0.1, MAP desk.example.com 127.0.0.1'],
  });
  if (browser === null) return;

  /**
   * What a page gets that has the origin of the server under this name. It would have come before the name was
   * resolved anew; here its script runs in whatever the server answers, the text of a refusal for instance.
   */
  const visit = async (twist: TwistProcess, name: string): Promise<unknown> => {
    const page = await browser.newPage();
    await page.goto(`http://${name}:${twist.port}/`);
    const result: unknown = await page.evaluate(SCRIPT);
    await page.close();
    return result;
  };
  const SERVED = { status: 200, text: PAGE, reply: 'secret?' };

  const twist = await startProxy(t, target.port, []);
  t.match(await visit(twist, 'evil.example'), {
    status: 421,
    text: /--allowed-hosts/,
    reply: null,
  });
  t.equal(target.count, 0, 'nobody has come to the service');
  const refused = await twist.waitForLogs(({ rule }) => rule === 'host-not-allowed', 3);
  for (const line of refused)
    t.match(line, { level: 'info', status: 421, host: `evil.example:${twist.port}` });
  t.strictSame(await visit(twist, 'localhost'), SERVED);
  t.strictSame(await visit(twist, '127.0.0.1'), SERVED);
  t.strictSame(await visit(twist, 'desk.localhost'), SERVED);

  const listed = await startProxy(t, target.port, ['--allowed-hosts', 'local,*.example.com']);
  t.match(await visit(listed, 'evil.example'), { status: 421, reply: null });
  t.strictSame(await visit(listed, 'desk.example.com'), SERVED);

  // How it was: the page's origin is that of its request, so that --origin same has nothing against it.
  const any = await startProxy(t, target.port, ['--allowed-hosts', 'any']);
  t.strictSame(await visit(any, 'evil.example'), SERVED);
});

t.test('the bystander of a flood of refused names', async (t) => {
  const twist = await startTwist(t);
  const good = await connectRaw(t, twist.port);
  await good.open();
  const clients = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const client = await connectRaw(t, twist.port);
      client.send(upgradeText({ Host: 'evil.example' }));
      return client;
    }),
  );
  const other = await connectRaw(t, twist.port);
  await other.open();
  for (const client of clients) {
    await client.waitForEnd();
    t.match(client.received.toString('latin1', 0, 12), 'HTTP/1.1 421');
    await client.finish();
  }
});

t.test('with passwords a page from elsewhere does not connect to the echo either', async (t) => {
  const options = { env: { TWIST_AUTH: 'ann:secret' } };
  const twist = await startTwist(t, [], options);
  const Authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
  const statusOf = async (server: TwistProcess, Origin: string): Promise<string> => {
    const client = await connectRaw(t, server.port);
    client.send(upgradeText({ Authorization, Origin }));
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    return client.received.toString('latin1', 9, 12);
  };
  t.equal(await statusOf(twist, 'https://evil.example'), '403');
  t.equal(await statusOf(twist, 'http://localhost'), '101');
  const open = await startTwist(t, ['--origin', 'any'], options);
  t.equal(await statusOf(open, 'https://evil.example'), '101');
});

/** nginx in front of a server, with what stands in its location. */
async function startNginx(t: Test, command: string, locations: string): Promise<Service> {
  return await startService(t, {
    command,
    arrange: (port, directory) => {
      const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${directory}/${name};`,
      );
      const file = path.join(directory, 'nginx.conf');
      writeFileSync(
        file,
        `daemon off; pid ${directory}/nginx.pid; error_log stderr notice; events {}
        http { access_log off; ${temp.join(' ')}
          server { listen 127.0.0.1:${port}; ${locations} } }`,
      );
      return ['-p', directory, '-c', file];
    },
    ready: /start worker process/,
  });
}

/** The answer to a request for a file. */
async function fetchFile(
  { port }: Service,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; text: string }> {
  const sent = request({ port, host: '127.0.0.1', path: target, headers, agent: false }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += String(piece);
  return { status: response.statusCode!, text };
}

/** The status that a client's handshake is answered with. */
async function openThrough(
  { port }: Service,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`, { headers });
  const status = await new Promise<number>((resolve, reject) => {
    socket.on('open', () => {
      resolve(101);
    });
    socket.on('unexpected-response', (_request, response) => {
      resolve(response.statusCode!);
      response.resume();
    });
    socket.on('error', reject);
  });
  socket.terminate();
  return status;
}

const UPGRADE =
  'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;';

t.test('nginx as it comes', async (t) => {
  const commands = findCommands(t, ['nginx']);
  if (commands === null) return;
  const site = makeSite(t);
  const flags = ['--static', site, '--route', '/websockify=echo'];
  const serve = async (...more: string[]): Promise<TwistProcess> => {
    const args = ['serve', ...flags, '--log-format', 'json', '--listen', '127.0.0.1:0', ...more];
    return await startServing(t, { args });
  };
  const twist = await serve();
  const believing = await serve('--trust-proxy', '127.0.0.1', '--origin', 'same');
  const url = `http://127.0.0.1:${twist.port}`;
  const nginx = await startNginx(
    t,
    commands[0],
    // The version is not said: 1.0 up to nginx 1.29.6.
    `location / { proxy_pass ${url}; }
     location /desk { proxy_pass ${url}/; }
     location /ws { proxy_pass ${url}/; ${UPGRADE} }
     location /lost { proxy_pass ${url}/; }
     location /named/ { proxy_pass ${url}/; proxy_set_header Host $http_host; ${UPGRADE} }
     location /trusted/ { proxy_pass http://127.0.0.1:${believing.port}/; proxy_set_header Host $http_host;
       proxy_set_header X-Forwarded-Proto https; ${UPGRADE} }`,
  );
  const file = { status: 200, text: PAGE };
  t.strictSame(await fetchFile(nginx, '/'), file);
  t.strictSame(await fetchFile(nginx, '/vnc.html'), file);
  t.strictSame(await fetchFile(nginx, '/desk/vnc.html'), file, 'two slashes come of it');
  t.equal((await fetchFile(nginx, '/desk/nothing')).status, 404);
  t.equal(await openThrough(nginx, '/ws/websockify'), 101, 'two slashes again');
  t.equal(await openThrough(nginx, '/ws/websockify/'), 101);
  t.equal(await openThrough(nginx, '/ws/100%'), 400);
  t.equal(
    await openThrough(nginx, '/lost/websockify'),
    505,
    'who set it up is told what is missing',
  );

  const desk = { Host: 'desk.example.com' };
  const refused = await fetchFile(nginx, '/named/vnc.html', desk);
  t.equal(refused.status, 421);
  t.match(refused.text, /--allowed-hosts.*--trust-proxy/);
  t.equal(await openThrough(nginx, '/named/websockify', desk), 421);
  t.strictSame(await fetchFile(nginx, '/trusted/vnc.html', desk), file);
  const from = (origin: string): Promise<number> =>
    openThrough(nginx, '/trusted/websockify', { ...desk, Origin: origin });
  t.equal(await from('https://desk.example.com'), 101);
  t.equal(await from('http://desk.example.com'), 403, 'nginx says that the page is served by TLS');
  t.match(await believing.waitForLog(({ rule }) => rule === 'origin'), {
    origin: 'http://desk.example.com',
    host: 'desk.example.com',
    scheme: 'https',
  });
});

t.test("HAProxy's own check of a server", async (t) => {
  const commands = findCommands(t, ['haproxy']);
  if (commands === null) return;
  const site = makeSite(t);
  for (const flags of [['--static', site], []]) {
    const twist = await startTwist(t, flags, { env: { TWIST_AUTH: 'ann:secret' } });
    const haproxy = await startService(t, {
      command: commands[0],
      arrange: (port, directory) => {
        const config = path.join(directory, 'haproxy.cfg');
        writeFileSync(
          config,
          `global
  log stdout format raw local0
defaults
  mode http
  log global
  option httpchk
  option log-health-checks
  timeout connect 2s
  timeout client 5s
  timeout server 5s
listen front
  bind 127.0.0.1:${port}
  server one 127.0.0.1:${twist.port} check inter 100ms fall 1
`,
        );
        return ['-db', '-f', config];
      },
      ready: /Health check for server front\/one (?:succeeded|failed).*\n/,
    });
    t.match(haproxy.ready[0], /succeeded, reason: Layer7 check passed, code: 204/);
    const socket = new WebSocket(`ws://localhost:${haproxy.port}/`, { auth: 'ann:secret' });
    await once(socket, 'open');
    socket.terminate();
    // A stop takes the server out of use before the last client is gone.
    twist.signal('SIGTERM');
    await eventually(() => haproxy.process.output.includes('Server front/one is DOWN'), 'DOWN');
    t.strictSame(
      twist.log.filter(({ msg }) => msg.startsWith('handshake refused')),
      [],
      'the checks leave no line',
    );
  }
});
