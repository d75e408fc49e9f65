import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { PassThrough } from 'node:stream';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { runViewer } from '../../../src/cli/view/run-viewer.js';
import { SUBPROTOCOL } from '../../../src/inspect/inspect-mode.js';
import type {
  FromViewer,
  ToViewer,
  ViewerOrder,
} from '../../../src/workers/viewer/viewer-messages.js';
import { lasting } from '../../fixtures/tls.js';
import { HASH } from '../../fixtures/password-hashes.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually, within } from '../../fixtures/within.js';

type Of<Kind extends FromViewer['kind']> = Extract<FromViewer, { readonly kind: Kind }>;

/** A viewer in this process. */
class Run {
  readonly sent: FromViewer[] = [];
  readonly input = new PassThrough();
  readonly exitCode: Promise<number>;
  #tell: (message: ToViewer) => void = () => undefined;

  constructor(t: Test, order: Partial<ViewerOrder>, env: Readonly<Record<string, string>> = {}) {
    this.exitCode = runViewer(
      { env, stdin: () => this.input },
      {
        send: (message) => this.sent.push(message),
        onMessage: (listener) => {
          this.#tell = listener;
        },
      },
    );
    t.strictSame(this.sent, [{ kind: 'ready' }]);
    t.teardown(() => this.input.end());
    const flags = { echo: true, inspect: '0', ...order.flags };
    const base = { environment: {}, configText: null, port: null, secret: 'secret', workers: 1 };
    this.says({ kind: 'order', order: { ...base, ...order, flags } });
  }

  says(message: ToViewer): void {
    this.#tell(message);
  }

  async wait<Kind extends FromViewer['kind']>(kind: Kind, count = 1): Promise<Of<Kind>> {
    const find = (): FromViewer[] => this.sent.filter((message) => message.kind === kind);
    await eventually(() => find().length >= count, kind);
    return find()[count - 1] as Of<Kind>;
  }
}

const TOKEN = '0123456789abcdef';

t.test('a page with a token for each browser, until the records end', async (t) => {
  const run = new Run(t, { workers: 2 });
  const { address, port } = await run.wait('listening');
  t.equal(address, `http://127.0.0.1:${port}`);
  const { url } = await run.wait('url');
  const response = await fetch(url, { redirect: 'manual' });
  t.equal(response.headers.get('set-cookie')!.split(';')[0], `twist-inspect-${port}=secret`);
  const next = await run.wait('url', 2);
  t.not(next.url, url);
  t.ok(next.url.startsWith(`${address}/?token=`));
  run.says({ kind: 'reload' });
  run.says({ kind: 'ended', id: 77, problem: null });
  run.input.end('{"v":1,"ev":"file","tool":"twist/1","t":1,"redacted":true}\n');
  t.equal(await within(run.exitCode, 'the end'), 0);
});

t.test('the next process has the port of the one before', async (t) => {
  const first = new Run(t, {});
  const { port } = await first.wait('listening');
  first.input.end();
  await within(first.exitCode, 'the end');
  const second = new Run(t, { port });
  t.equal((await second.wait('listening')).port, port);
});

t.test("the operator's token, all payloads, and a recording beside", async (t) => {
  for (const flags of [
    { inspectToken: TOKEN, inspectPayload: 'full' },
    { inspectToken: TOKEN, record: 'a.ndjson', recordPayload: '1k' },
  ]) {
    const run = new Run(t, { flags }, { TMPDIR: '/var/tmp' });
    const { address } = await run.wait('listening');
    t.equal((await fetch(`${address}/?token=${TOKEN}`, { redirect: 'manual' })).status, 303);
    t.strictSame(
      run.sent.filter(({ kind }) => kind === 'url'),
      [],
    );
  }
});

t.test('passwords in place of tokens', async (t) => {
  const environment = { TWIST_AUTH: 'ann:secret' };
  const run = new Run(t, { environment }, { TEMP: '/var/tmp' });
  const { address } = await run.wait('listening');
  t.equal((await fetch(`${address}/`)).status, 401);
  const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;
  t.equal((await fetch(`${address}/`, { headers: { authorization } })).status, 200);
});

t.test('a file of passwords and certificates are read again', async (t) => {
  const folder = makeTempDir(t);
  const file = path.join(folder, 'users');
  writeFileSync(file, `ann:${HASH}\n`);
  const { cert, key } = lasting('localhost');
  const [certFile, keyFile] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const flags = { authFile: file, inspect: ':0', tlsCert: [certFile], tlsKey: [keyFile] };
  const run = new Run(t, { flags: { ...flags, config: 'twist.json' }, configText: '{}' });
  const { address } = await run.wait('listening');
  t.match(address, /^https:\/\//);
  writeFileSync(file, 'nothing that could be read\n');
  run.says({ kind: 'reload' });
  run.input.end();
  t.equal(await within(run.exitCode, 'the end'), 0, 'what cannot be read changes nothing');
});

t.test('whoever looks asks the server to end a session', async (t) => {
  const run = new Run(t, { flags: { inspectToken: TOKEN } });
  const { address } = await run.wait('listening');
  const { headers } = await fetch(`${address}/?token=${TOKEN}`, { redirect: 'manual' });
  const [cookie] = headers.get('set-cookie')!.split(';');
  const page = new WebSocket(`${address.replace('http', 'ws')}/ws`, SUBPROTOCOL, {
    origin: address,
    headers: { cookie },
  });
  t.teardown(() => {
    page.terminate();
  });
  const answers: unknown[] = [];
  page.on('message', (data: Buffer) => {
    answers.push(JSON.parse(data.toString()));
  });
  await once(page, 'open');
  const common = { s: 'S', t: 1, id: 1, remote: '127.0.0.1:2', local: '127.0.0.1:1', tls: null };
  const handshake = { url: '/', headers: {}, subprotocol: null, extensions: null, mode: 'echo' };
  run.input.write(`${JSON.stringify({ ev: 'open', ...common, ...handshake })}\n`);
  await eventually(() => JSON.stringify(answers).includes('"s":"S"'), 'the session');
  page.send(JSON.stringify({ ask: 'end', id: 7, session: 'S', code: 1000, reason: 'done' }));
  const asked = await run.wait('end');
  t.match(asked, { session: 'S', code: 1000, reason: 'done' });
  run.says({ kind: 'ended', id: asked.id, problem: 'it is gone' });
  await eventually(
    () => answers.some((answer) => (answer as { id?: number }).id === 7),
    'an answer',
  );
  t.match(
    answers.find((answer) => (answer as { id?: number }).id === 7),
    { fault: /it is gone/ },
  );
});

t.test('a defect is no sentence', async (t) => {
  const env = new Proxy({}, { get: () => assert.fail('a defect') });
  const run = new Run(t, {}, env);
  await t.rejects(run.exitCode, { message: 'a defect' });
});

t.test('why it cannot start', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const taken = new Run(t, { port });
  t.equal(await taken.exitCode, 1);
  t.strictSame(await taken.wait('failed'), {
    kind: 'failed',
    sentence: `cannot listen on 127.0.0.1:${port} for the inspector: the address is in use already`,
  });
  const unread = new Run(t, { flags: { authFile: '/nowhere/users' } });
  t.equal(await unread.exitCode, 1);
  t.match((await unread.wait('failed')).sentence, /^--auth-file cannot be used: /);
});
