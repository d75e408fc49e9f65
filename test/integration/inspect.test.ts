/** `--inspect`: the built command with its inspector, looked at as its page does; clients are those of `ws`. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { WebSocket } from 'ws';
import { childrenOf, isRunning } from '../fixtures/child-processes.js';
import { InspectorPage, cookieOf, newestUrl, openInspector } from '../fixtures/inspector-page.js';
import { HASH, PASSWORD } from '../fixtures/password-hashes.js';
import { startTarget } from '../fixtures/tcp-target.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import {
  type LogLine,
  type TwistProcess,
  TwistProcess as Process,
  runTwist,
  startServing,
  startTwist,
} from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';
import { echoOf, openWs } from '../fixtures/ws-client.js';

t.setTimeout(150_000);

const TOKEN = 'a-token-of-the-operator';

const isInspector = ({ msg }: LogLine): boolean => msg === 'inspector';

/** The process of the inspector. */
function inspectorOf(twist: TwistProcess): number {
  const found = childrenOf(twist.pid).find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').endsWith('\0view\0'),
  );
  if (found === undefined) throw new Error('there is no inspector');
  return found;
}

async function close(socket: WebSocket): Promise<void> {
  const closed = once(socket, 'close');
  socket.close(1000, 'done');
  await within(closed, 'the close');
}

/** What a recording has, in the order of each session, without what is told of the file itself. */
function bySession(
  records: readonly Readonly<Record<string, unknown>>[],
): Record<string, unknown[]> {
  const sessions: Record<string, unknown[]> = {};
  for (const record of records)
    if (typeof record['s'] === 'string') (sessions[record['s']] ??= []).push(record);
  return sessions;
}

async function closed(page: InspectorPage, count: number): Promise<void> {
  await eventually(
    () => [...page.sessions.values()].filter((row) => row.close !== undefined).length === count,
    'the end of all sessions',
  );
}

t.test('what the page says equals the recording, message for message', async (t) => {
  const target = await startTarget(t, (socket) => {
    socket.on('data', (bytes) => socket.write(`got ${bytes.length} bytes of ${bytes.toString()}`));
    socket.on('end', () => socket.end());
  });
  for (const [name, flags, options] of [
    ['echo', ['--no-deflate'], {}],
    ['compressed', ['--deflate'], { perMessageDeflate: { threshold: 0 } }],
    ['frames, and cut payloads', ['--record-frames', '--record-payload', '1k'], {}],
    ['proxy', ['--route', `/=tcp:${target.address}`], {}],
    ['always', ['--record-sync', 'always'], {}],
  ] as const) {
    const file = path.join(makeTempDir(t), 'traffic.ndjson');
    const twist = await startTwist(t, ['--inspect', '0', '--record', file, ...flags]);
    const page = await openInspector(t, twist);
    for (let session = 0; session < 3; session++) {
      const client = await openWs(t, `${twist.url}/?secret=${session}`, options);
      for (const text of ['hello', '{"a":[1,2,3]}', 'ä'.repeat(700), 'x'.repeat(5000)])
        await echoOf(client, `${text} ${session}`);
      client.ping('ping');
      const answered = once(client, 'message');
      client.send(Buffer.from([0, 1, 2, 255]));
      await within(answered, 'the last answer');
      await close(client);
    }
    await closed(page, 3);
    const shown = bySession(await page.records());
    t.equal(await twist.stop(), 0);
    const recorded = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    t.equal(Object.keys(shown).length, 3, name);
    t.strictSame(shown, bySession(recorded), name);
  }
});

t.test('alone it has the same, with payloads cut, and no file', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0', '--inspect-payload', '1k', '--no-deflate']);
  const page = await openInspector(t, twist);
  t.match(page.news[0], {
    news: 'hello',
    source: 'live',
    canEndSessions: true,
    maxPayloadBytes: 1024,
  });
  const client = await openWs(t, `${twist.url}/chat`);
  await echoOf(client, 'x'.repeat(2000));
  await eventually(() => page.sessions.size === 1, 'the session');
  await close(client);
  await closed(page, 1);
  const [session] = page.sessions.values();
  t.match(session, {
    url: '/chat',
    mode: 'echo',
    in: { msgs: 1, bytes: 2000 },
    close: { code: 1000 },
  });
  const messages = await page.records({ kinds: ['text'] });
  t.match(messages, [
    { dir: 'in', len: 2000, cut: true, data: 'x'.repeat(1024) },
    { dir: 'out', len: 2000, cut: true, data: 'x'.repeat(1024) },
  ]);
  t.notOk(twist.log.some(({ msg }) => msg === 'recording'));
  const before = page.isOpen;
  t.equal(await twist.stop(), 0);
  t.ok(before);
  await eventually(
    () => page.state?.hasEnded === true && !page.isOpen,
    'the end, told to the page',
  );
});

t.test('a browser gets in by a URL that is good once', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0']);
  const url = await newestUrl(twist);
  const { origin, port } = new URL(url);
  const stranger = await fetch(`${origin}/`);
  t.equal(stranger.status, 403);
  t.match(await stranger.text(), /^this page needs a token: /);
  const response = await fetch(url, { redirect: 'manual' });
  t.equal(response.status, 303);
  t.equal(response.headers.get('location'), '/');
  const cookie = response.headers.get('set-cookie')!;
  t.match(cookie, new RegExp(`^twist-inspect-${port}=[\\w-]{32}; Path=/; HttpOnly; SameSite=Lax$`));
  const page = await fetch(`${origin}/`, { headers: { cookie: cookie.split(';')[0]! } });
  t.equal(page.status, 200);
  t.match(await page.text(), /<!doctype html>/i);
  t.match(page.headers.get('content-security-policy'), /^default-src 'none';/);
  t.equal((await fetch(url, { redirect: 'manual' })).status, 403, 'once');
  await twist.waitForLogs(({ url: one }) => typeof one === 'string', 2);
  const next = await newestUrl(twist);
  t.not(next, url);
  t.equal((await fetch(next, { redirect: 'manual' })).status, 303);
  for (let count = 0; count < 30; count++) await fetch(`${origin}/?token=wrong`);
  const late = await fetch(await newestUrl(twist), { redirect: 'manual' });
  t.equal(late.status, 303, 'nobody can lock others out');
});

t.test("the operator's token cannot be guessed one by one", async (t) => {
  const twist = await startTwist(t, ['--inspect', '0', '--inspect-token', TOKEN]);
  const { address } = await twist.waitForLog(isInspector);
  for (let count = 0; count < 30; count++) await fetch(`${String(address)}/?token=wrong`);
  const late = await fetch(`${String(address)}/?token=${TOKEN}`, { redirect: 'manual' });
  t.equal(late.status, 429);
  t.ok(Number(late.headers.get('retry-after')) > 0);
});

t.test('pages of others get nothing', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0', '--inspect-token', TOKEN]);
  const { address } = await twist.waitForLog(isInspector);
  const origin = String(address);
  t.notOk(twist.stderr.includes(TOKEN), 'and the token is in no log');
  const cookie = await cookieOf(`${origin}/?token=${TOKEN}`);
  t.equal(await cookieOf(`${origin}/?token=${TOKEN}`), cookie, 'as often as one likes');
  const refusal = async (headers: Readonly<Record<string, string>>): Promise<number> => {
    const socket = new WebSocket(`${origin}/ws`, 'twist-inspect.1', { headers });
    socket.on('error', () => undefined);
    const [, response] = (await within(once(socket, 'unexpected-response'), 'a refusal')) as [
      unknown,
      { statusCode: number },
    ];
    socket.terminate();
    return response.statusCode;
  };
  t.equal(await refusal({ cookie, origin: 'http://evil.example' }), 403);
  t.equal(await refusal({ cookie, host: 'evil.example' }), 421);
  t.equal(await refusal({ origin }), 403);
  const shown = await runTwist(t, {
    args: ['config', 'print', '--echo', '--inspect', '0'],
    env: { TWIST_INSPECT_TOKEN: TOKEN },
  });
  t.equal(shown.ending, 0);
  t.notOk(shown.stdout.includes(TOKEN));
});

t.test('with passwords the page asks for them', async (t) => {
  const file = path.join(makeTempDir(t), 'users');
  writeFileSync(file, `ann:${HASH}\n`, { mode: 0o600 });
  const twist = await startTwist(t, ['--inspect', '0', '--auth-file', file]);
  const { address } = await twist.waitForLog(isInspector);
  const stranger = await fetch(`${String(address)}/`);
  t.equal(stranger.status, 401);
  t.match(stranger.headers.get('www-authenticate'), /^Basic /);
  const authorization = `Basic ${Buffer.from(`ann:${PASSWORD}`).toString('base64')}`;
  t.equal((await fetch(`${String(address)}/`, { headers: { authorization } })).status, 200);
  t.notOk(
    twist.log.some(({ url }) => url !== undefined),
    'and no token is made',
  );
});

t.test('what cannot be: one sentence', async (t) => {
  const run = async (...args: string[]): Promise<[unknown, string]> => {
    const { ending, stderr } = await runTwist(t, { args: ['serve', '--echo', ...args] });
    return [ending, stderr];
  };
  t.strictSame(await run('--inspect', ':9002'), [
    2,
    'twist: --inspect cannot be ":9002": others than this machine can reach it, so give --auth-file or --inspect-token (or TWIST_AUTH) too\n',
  ]);
  t.strictSame(await run('--inspect-memory', '32m'), [
    2,
    'twist: --inspect-memory has no effect without --inspect\n',
  ]);
  const taken = await startTwist(t, ['--inspect', '0']);
  const { address } = await taken.waitForLog(isInspector);
  const { port } = new URL(String(address));
  t.strictSame(await run('--listen', '0', '--inspect', port), [
    1,
    `twist: cannot listen on 127.0.0.1:${port} for the inspector: the address is in use already\n`,
  ]);
});

t.test('a session is ended from the page, with a code and a reason', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0']);
  const page = await openInspector(t, twist);
  const client = await openWs(t, twist.url);
  await echoOf(client, 'hello');
  await eventually(() => page.sessions.size === 1, 'the session');
  const [session] = page.sessions.keys();
  const end = { ask: 'end', session, code: 3333, reason: 'enough of it' };
  t.match(await page.ask({ ...end, code: 1002 }), { fault: String });
  t.match(await page.ask({ ...end, session: '01M8Q0GVVCGJKZ8618QZ70NX1J' }), {
    fault: String,
  });
  const gone = once(client, 'close');
  t.match(await page.ask(end), { isDone: true });
  const [code, reason] = (await within(gone, 'the close')) as [number, Buffer];
  t.strictSame([code, reason.toString()], [3333, 'enough of it']);
  const line = await twist.waitForLog(({ msg }) => msg === 'session ended by the inspector');
  t.match(line, { recorded: session, code: 3333, reason: 'enough of it' });
});

t.test('when the inspector dies the server serves on, and it comes back', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0', '--admin', '0']);
  const { address: admin } = await twist.waitForLog(({ msg }) => msg === 'admin endpoint');
  const url = await newestUrl(twist);
  const cookie = await cookieOf(url);
  const client = await openWs(t, twist.url);
  await echoOf(client, 'before');
  const pid = inspectorOf(twist);
  process.kill(pid, 'SIGKILL');
  const died = await twist.waitForLog(({ msg }) => msg === 'the inspector died');
  t.match(died, { level: 'error', pid, ended: 'SIGKILL' });
  t.equal(await echoOf(client, 'meanwhile'), 'meanwhile');
  await twist.waitForLogs(isInspector, 2);
  const page = await InspectorPage.open(t, new URL(url).origin, cookie);
  t.equal(await echoOf(client, 'after'), 'after');
  await eventually(() => page.sessions.size === 1, 'the session that is open');
  t.match([...page.sessions.values()][0], { isPartial: true });
  const gaps = await page.records({ kinds: ['gap'] });
  t.match(gaps, [{ error: 'inspector-restarted' }]);
  const metrics = await (await fetch(`${String(admin)}/metrics`)).text();
  t.match(metrics, /^twist_inspect_up 1$/m);
  t.match(metrics, /^twist_inspect_restarts_total 1$/m);
});

t.test('one that is stopped harms no client; what it misses is counted, and shown', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0', '--no-deflate', '--admin', '0']);
  const { address: admin } = await twist.waitForLog(({ msg }) => msg === 'admin endpoint');
  const page = await openInspector(t, twist);
  const client = await openWs(t, twist.url);
  const pid = inspectorOf(twist);
  process.kill(pid, 'SIGSTOP');
  t.teardown(() => {
    if (isRunning(pid)) process.kill(pid, 'SIGCONT');
  });
  const lost = async (): Promise<number> => {
    const metrics = await (await fetch(`${String(admin)}/metrics`)).text();
    return Number(/^twist_inspect_lost_records_total (\d+)$/m.exec(metrics)![1]);
  };
  const text = 'x'.repeat(60_000);
  let count = 0;
  while ((await lost()) === 0 && count < 2000) {
    for (let more = 0; more < 20; more++, count++) await echoOf(client, text);
  }
  t.ok(count < 2000, 'the feed has a bound');
  t.ok(twist.memory().rssBytes < 300 * 1024 ** 2);
  process.kill(pid, 'SIGCONT');
  await eventually(() => (page.state?.lost ?? 0) > 0, 'a state with what is lost');
  t.equal(await echoOf(client, 'after'), 'after');
  const missing = (await page.records({ kinds: ['gap'] })).reduce(
    (sum, { records }) => sum + Number(records),
    0,
  );
  t.equal(missing, await lost());
  t.equal(page.state?.lost, missing);
});

t.test('it ends with its server, however that ends', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0']);
  const pid = inspectorOf(twist);
  // A terminal sends its signals to both.
  process.kill(pid, 'SIGINT');
  process.kill(pid, 'SIGTERM');
  process.kill(pid, 'SIGHUP');
  const client = await openWs(t, twist.url);
  await echoOf(client, 'hello');
  t.ok(isRunning(pid));
  const stopped = await startTwist(t, ['--inspect', '0']);
  const stuck = inspectorOf(stopped);
  process.kill(stuck, 'SIGSTOP');
  t.equal(await stopped.stop(), 0);
  t.notOk(isRunning(stuck), 'also when it hangs');
  t.equal(await twist.stop(), 0);
  t.notOk(isRunning(pid));
  const killed = await startTwist(t, ['--inspect', '0']);
  const orphan = inspectorOf(killed);
  await killed.kill();
  await eventually(() => !isRunning(orphan), 'the end of the orphan');
});

t.test('a drain is seen to its end', async (t) => {
  const twist = await startTwist(t, ['--inspect', '0', '--drain-timeout', '2s']);
  const page = await openInspector(t, twist);
  const client = await openWs(t, twist.url);
  await echoOf(client, 'hello');
  t.equal(await twist.stop(), 0);
  await eventually(() => page.state?.hasEnded === true, 'the end');
  t.match([...page.sessions.values()], [{ close: { by: 'server', code: 1001 } }]);
  t.equal(client.readyState, WebSocket.CLOSED);
});

t.test('of several workers all is shown, and sessions are ended where they are', async (t) => {
  const flags = ['--workers', '2', '--inspect', '0', '--admin', '0', '--no-deflate'];
  const twist = await startTwist(t, flags);
  const { address: admin } = await twist.waitForLog(({ msg }) => msg === 'admin endpoint');
  const page = await openInspector(t, twist);
  t.match(page.news[0], { news: 'hello', workers: 2 });
  const clients = [];
  for (let count = 0; count < 4; count++) clients.push(await openWs(t, `${twist.url}/${count}`));
  for (const [index, client] of clients.entries()) await echoOf(client, `message ${index}`);
  await eventually(() => page.sessions.size === 4, 'all sessions');
  const rows = [...page.sessions.values()].sort((one, other) => (one.url < other.url ? -1 : 1));
  t.strictSame(rows.map(({ worker }) => worker).sort(), [1, 1, 2, 2]);
  await eventually(
    () => [...page.sessions.values()].every(({ out }) => out.msgs === 1),
    'all messages',
  );
  const texts = (await page.records({ kinds: ['text'], direction: 'in' })).map(({ data }) => data);
  t.strictSame(
    texts.sort(),
    [0, 1, 2, 3].map((index) => `message ${index}`),
  );
  for (const [index, { s }] of rows.slice(0, 2).entries()) {
    const gone = once(clients[index]!, 'close');
    t.match(await page.ask({ ask: 'end', session: s, code: 1001, reason: '' }), { isDone: true });
    t.equal(((await within(gone, 'the close')) as [number])[0], 1001);
  }
  const left = rows[2]!;
  const dead = childrenOf(twist.pid).filter((pid) => pid !== inspectorOf(twist));
  process.kill(dead[left.worker! - 1]!, 'SIGKILL');
  await eventually(
    () => page.sessions.get(left.s)?.close?.by === 'lost',
    'the end of the sessions of a worker that died',
  );
  const metrics = await (await fetch(`${String(admin)}/metrics`)).text();
  t.match(metrics, /^twist_inspect_up 1$/m);
  t.match(metrics, /^twist_inspect_lost_records_total 0$/m);
  t.equal(await twist.stop(), 0);
});

t.test('a recording is viewed by the same page', async (t) => {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const server = await startTwist(t, ['--record', file]);
  const client = await openWs(t, `${server.url}/chat`);
  await echoOf(client, 'hello');
  await close(client);
  t.equal(await server.stop(), 0);
  const viewer = new Process({ args: ['view', file, '--no-open'] });
  t.teardown(() => viewer.kill());
  await eventually(() => viewer.stdout.endsWith('\n'), 'a URL');
  const url = viewer.stdout.trim();
  const page = await InspectorPage.open(t, new URL(url).origin, await cookieOf(url));
  await closed(page, 1);
  t.match(page.news[0], { news: 'hello', source: 'file', canEndSessions: false });
  const recorded = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  t.strictSame(bySession(await page.records()), bySession(recorded));
  t.equal(await viewer.stop('SIGINT'), 0);
  const missing = await runTwist(t, { args: ['view', '/nowhere'] });
  t.strictSame(
    [missing.ending, missing.stderr],
    [1, 'twist: cannot read /nowhere: there is no such file\n'],
  );
});

t.test('of what is no recording there is one sentence, wherever it comes from', async (t) => {
  const folder = makeTempDir(t);
  const made = (name: string, content: string | Uint8Array): string => {
    const file = path.join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  const gzip = made('a.gz', gzipSync('{}'));
  for (const [redirection, sentence] of [
    [`< ${folder}`, 'cannot read standard input: it is a directory'],
    ['< /dev/null', 'cannot show standard input: it is empty'],
    [`< ${made('empty', '')}`, 'cannot show standard input: it is empty'],
    ['<&-', 'cannot show standard input: it is empty'],
    [`0> ${path.join(folder, 'out')}`, 'cannot read standard input: it is not open for that'],
    [`< ${gzip}`, 'standard input is compressed (gzip); decompress it: gunzip -c | twist view -'],
    [`< ${made('a', 'hello\n')}`, 'cannot show standard input: it is no recording of twist'],
  ] as const) {
    const wrapper = ['sh', '-c', `exec "$@" ${redirection}`, 'sh'];
    const { ending, stdout, stderr } = await runTwist(t, { args: ['view', '-'], wrapper });
    t.strictSame(
      { ending, stdout, stderr },
      { ending: 1, stdout: '', stderr: `twist: ${sentence}\n` },
    );
  }
  const wrapper = ['sh', '-c', `exec "$@" < ${folder}`, 'sh'];
  const { ending, stderr } = await runTwist(t, { args: ['convert', '-'], wrapper });
  t.strictSame([ending, stderr], [1, 'twist: cannot read standard input: it is a directory\n']);
});

t.test('without it nothing is different', async (t) => {
  const twist = await startServing(t, {
    args: ['serve', '--echo', '--listen', '127.0.0.1:0', '--log-format', 'json'],
  });
  t.strictSame(childrenOf(twist.pid), []);
});
