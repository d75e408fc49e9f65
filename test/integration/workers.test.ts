/** `--workers`: the built command as several processes, with clients of other people. */
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { childrenOf, isRunning } from '../fixtures/child-processes.js';
import { HealthyPeer } from '../fixtures/healthy-peer.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { LOCALHOST, beginTls } from '../fixtures/tls.js';
import {
  type LogLine,
  type TwistProcess,
  runTwist,
  startServing,
  startTwist,
} from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';
import { echoOf, openWs } from '../fixtures/ws-client.js';

t.setTimeout(150_000);

const SERVE = ['serve', '--echo', '--log-format', 'json', '--workers', '2'] as const;

const isEnd = ({ msg }: LogLine): boolean => msg === 'session ended';

t.test('workers take turns, and each session has a number of its own', async (t) => {
  const twist = await startTwist(t, ['--workers', '2']);
  t.match(twist.listening, [{ workers: 2, mode: 'echo' }]);
  t.equal(twist.listening.length, 1);
  t.equal(childrenOf(twist.pid).length, 2);
  const sockets = [];
  for (let count = 0; count < 6; count++) sockets.push(await openWs(t, twist.url));
  for (const [index, socket] of sockets.entries())
    t.equal(await echoOf(socket, `message ${index}`), `message ${index}`);
  for (const socket of sockets) socket.close(1000);
  const ends = await twist.waitForLogs(isEnd, 6);
  t.strictSame(ends.map(({ worker }) => worker).sort(), [1, 1, 1, 2, 2, 2]);
  t.strictSame(
    ends.map(({ session }) => session).sort(),
    [1, 2].flatMap((serial) => [1, 2, 3].map((count) => serial * 1_000_000_000 + count)),
  );
  t.equal(await twist.stop(), 0);
  t.equal(
    twist.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{')).length,
    0,
  );
});

t.test('SIGTERM: 1001 to all, whichever worker they have, and 0', async (t) => {
  const twist = await startTwist(t, ['--workers', '4', '--drain-timeout', '5s']);
  const closes: Promise<unknown[]>[] = [];
  for (let count = 0; count < 40; count++) closes.push(once(await openWs(t, twist.url), 'close'));
  const workers = childrenOf(twist.pid);
  t.equal(await twist.stop(), 0);
  for (const [code] of await Promise.all(closes)) t.equal(code, 1001);
  t.strictSame(workers.filter(isRunning), []);
  t.equal(twist.log.at(-1)!.msg, 'stopped');
});

t.test('a signal that a terminal sends to all of them is one signal', async (t) => {
  const twist = await startTwist(t, ['--workers', '2']);
  const socket = await openWs(t, twist.url);
  const closed = once(socket, 'close');
  for (const pid of childrenOf(twist.pid)) process.kill(pid, 'SIGINT');
  t.equal(await twist.stop('SIGINT'), 0);
  t.equal((await closed)[0], 1001);
});

t.test('a second signal is now', async (t) => {
  const twist = await startTwist(t, ['--workers', '2']);
  const deaf = await connectRaw(t, twist.port);
  await deaf.open();
  deaf.socket.pause();
  twist.signal('SIGTERM');
  await twist.waitForLogs(({ msg }) => msg === 'stopping', 3);
  t.equal(await twist.stop('SIGTERM'), 1);
});

t.test('a port that is taken, and what is wrong with options, is said once', async (t) => {
  const first = await startTwist(t, ['--workers', '2']);
  const serve = ['serve', '--echo', '--workers', '3'];
  const taken = await runTwist(t, { args: [...serve, '--listen', `127.0.0.1:${first.port}`] });
  t.equal(taken.ending, 1);
  t.equal(
    taken.stderr,
    `twist: cannot listen on 127.0.0.1:${first.port}: the address is in use already\n`,
  );
  const alone = await runTwist(t, {
    args: ['serve', '--echo', '--listen', `127.0.0.1:${first.port}`],
  });
  t.equal(alone.ending, 1);
  const dir = makeTempDir(t);
  const bad = path.join(dir, 'bad.mjs');
  writeFileSync(bad, 'export default 5;');
  const wrong = await runTwist(t, { args: ['serve', '--workers', '2', '--mode', bad] });
  t.equal(wrong.ending, 2);
  t.match(wrong.stderr, /^twist: --mode cannot be "[^\n]*\n$/);
  const waits = path.join(dir, 'waits.mjs');
  writeFileSync(waits, 'await new Promise(() => {});');
  const endless = await runTwist(t, { args: ['serve', '--workers', '2', '--mode', waits] });
  t.equal(endless.ending, 2);
  t.match(endless.stderr, /^twist: --mode cannot be "[^\n]*never comes[^\n]*\n$/);
});

t.test('a Unix socket: shared, removed at the end, refused when it is alive', async (t) => {
  const socketPath = path.join(makeTempDir(t), 'twist.sock');
  const twist = await startTwist(t, ['--workers', '2', '--listen', `unix:${socketPath}`]);
  for (let count = 0; count < 4; count++) {
    const socket = new WebSocket(`ws+unix:${socketPath}:/`);
    await within(once(socket, 'open'), 'an open socket');
    t.equal(await echoOf(socket, 'hello'), 'hello');
    socket.close(1000);
  }
  const ends = await twist.waitForLogs(isEnd, 4);
  t.strictSame(ends.map(({ worker }) => worker).sort(), [1, 1, 2, 2]);
  const second = await runTwist(t, {
    args: ['serve', '--echo', '--workers', '2', '--listen', `unix:${socketPath}`],
  });
  t.equal(second.ending, 1);
  t.match(second.stderr, /^twist: cannot listen on [^\n]*another server is listening there\n$/);
  t.equal(await twist.stop(), 0);
  t.strictSame(readdirSync(path.dirname(socketPath)), []);
});

t.test('a worker is killed under load: the others go on, and another one comes', async (t) => {
  const twist = await startTwist(t, ['--workers', '2']);
  const peers = [
    new HealthyPeer(await openWs(t, twist.url)),
    new HealthyPeer(await openWs(t, twist.url)),
  ];
  t.teardown(() => {
    for (const peer of peers) peer.terminate();
  });
  await Promise.all(peers.map((peer) => peer.roundTrips(3)));
  const [victim] = childrenOf(twist.pid);
  process.kill(victim!, 'SIGKILL');
  const line = await twist.waitForLog(({ msg }) => msg === 'worker died');
  t.match(line, { level: 'error', pid: victim, ended: 'SIGKILL' });
  const results = await Promise.allSettled(peers.map((peer) => peer.roundTrips(5)));
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 1, 'the other one');
  await twist.waitForLog(({ msg }) => msg === 'worker replaced');
  t.equal(childrenOf(twist.pid).length, 2);
  for (let count = 0; count < 4; count++) {
    const socket = await openWs(t, twist.url);
    t.equal(await echoOf(socket, 'again'), 'again');
    socket.close(1000);
  }
  const [healthy] = peers.filter((_, index) => results[index]!.status === 'fulfilled');
  await healthy!.stop();
  const ends = await twist.waitForLogs(isEnd, 5);
  const serials = ends.map(({ session }) => Math.floor(Number(session) / 1_000_000_000));
  t.ok(serials.includes(3), 'the new one has numbers of its own');
  t.equal(new Set(ends.map(({ session }) => session)).size, 5);
  t.equal(await twist.stop(), 0);
});

t.test('a connection that a stopped worker was given ends with the worker', async (t) => {
  const twist = await startTwist(t, ['--workers', '2']);
  const [stopped] = childrenOf(twist.pid);
  process.kill(stopped!, 'SIGSTOP');
  const sockets: Socket[] = [];
  for (let count = 0; count < 6; count++) {
    const socket = connect(twist.port, '127.0.0.1');
    socket.on('error', () => undefined);
    t.teardown(() => socket.destroy());
    await within(once(socket, 'connect'), 'a connection');
    socket.write('GET / HTTP/1.1\r\n\r\n');
    sockets.push(socket);
  }
  const closed = sockets.map(
    (socket) => new Promise((resolve) => socket.resume().on('close', resolve)),
  );
  await eventually(
    () => sockets.filter(({ destroyed }) => destroyed).length === 5,
    'the answers of the other worker',
  );
  process.kill(stopped!, 'SIGKILL');
  await within(Promise.all(closed), 'the end of the one that waits');
  t.equal(await twist.stop(), 0);
});

t.test('a worker that is stopped keeps nobody from stopping twist', async (t) => {
  const twist = await startTwist(t, ['--workers', '2', '--drain-timeout', '100ms']);
  const [stopped] = childrenOf(twist.pid);
  process.kill(stopped!, 'SIGSTOP');
  t.equal(await twist.stop(), 1);
  t.match(
    twist.log.find(({ msg }) => msg.includes('killed')),
    { level: 'error' },
  );
  t.notOk(isRunning(stopped!));
});

t.test('workers do not outlive their primary, and send clients away as it would', async (t) => {
  const twist = await startTwist(t, ['--workers', '2']);
  const workers = childrenOf(twist.pid);
  const sockets = [await openWs(t, twist.url), await openWs(t, twist.url)];
  const closed = sockets.map((socket) => once(socket, 'close'));
  await twist.kill();
  for (const [code] of await within(Promise.all(closed), 'the Closes')) t.equal(code, 1001);
  await eventually(() => !workers.some(isRunning), 'the end of the workers');
});

/** Tries a handshake from an address of this machine. @returns the socket, or the status of the refusal */
async function tryToOpen(
  t: Test,
  { url }: TwistProcess,
  localAddress: string,
): Promise<WebSocket | number> {
  const socket = new WebSocket(url, { localAddress });
  t.teardown(() => {
    socket.terminate();
  });
  return await within(
    new Promise((resolve) => {
      socket.on('open', () => {
        resolve(socket);
      });
      socket.on('unexpected-response', (_, { statusCode }) => {
        resolve(statusCode!);
      });
      socket.on('error', () => undefined);
    }),
    'an answer',
  );
}

t.test('limits hold for all workers together, and a dead one has no connections', async (t) => {
  const limits = ['--max-connections', '5', '--max-connections-per-address', '3'];
  const twist = await startTwist(t, ['--workers', '2', ...limits]);
  const sockets: WebSocket[] = [];
  for (let count = 0; count < 8; count++) {
    const opened = await tryToOpen(t, twist, '127.0.0.1');
    if (typeof opened === 'number') t.equal(opened, 429);
    else sockets.push(opened);
  }
  t.equal(sockets.length, 3);
  for (let count = 0; count < 4; count++) {
    const opened = await tryToOpen(t, twist, `127.0.0.${2 + count}`);
    if (typeof opened === 'number') t.equal(opened, 503);
    else sockets.push(opened);
  }
  t.equal(sockets.length, 5);
  const closed = once(sockets[0]!, 'close');
  sockets[0]!.close(1000);
  await closed;
  await twist.waitForLog(isEnd);
  t.type(await tryToOpen(t, twist, '127.0.0.9'), WebSocket);
  t.equal(await tryToOpen(t, twist, '127.0.0.9'), 503);

  const [victim] = childrenOf(twist.pid);
  process.kill(victim!, 'SIGKILL');
  const { connections } = await twist.waitForLog(({ msg }) => msg === 'worker died');
  t.ok(Number(connections) > 0 && Number(connections) < 5, String(connections));
  const reopened = [];
  for (let count = 0; count < 5; count++)
    reopened.push(await tryToOpen(t, twist, `127.0.1.${1 + count}`));
  t.equal(reopened.filter((one) => typeof one !== 'number').length, connections);
  t.equal(await twist.stop(), 0);
});

t.test('SIGHUP reloads all workers with one line, and those that come later', async (t) => {
  const config = path.join(makeTempDir(t), 'twist.json');
  const write = (deny: string): void => {
    writeFileSync(config, JSON.stringify({ deny, maxHeaders: 50 }));
  };
  write('127.0.0.2');
  const twist = await startTwist(t, ['--workers', '2', '--config', config]);
  t.equal(await tryToOpen(t, twist, '127.0.0.2'), 403);
  write('127.0.0.3');
  twist.signal('SIGHUP');
  const line = await twist.waitForLog(({ msg }) => msg.startsWith('reloaded'));
  t.match(line, { level: 'info', msg: 'reloaded: configuration (deny)', workers: [1, 2] });
  const check = async (): Promise<void> => {
    for (let count = 0; count < 4; count++) {
      t.equal(await tryToOpen(t, twist, '127.0.0.3'), 403);
      t.type(await tryToOpen(t, twist, '127.0.0.2'), WebSocket);
    }
  };
  await check();
  writeFileSync(config, '{ "deny": ');
  twist.signal('SIGHUP');
  t.match(await twist.waitForLog(({ msg }) => msg.startsWith('not reloaded')), {
    level: 'error',
    workers: [1, 2],
  });
  process.kill(childrenOf(twist.pid)[0]!, 'SIGKILL');
  await twist.waitForLog(({ msg }) => msg === 'worker replaced');
  await check();
  t.equal(twist.log.filter(({ msg }) => msg.includes('reloaded')).length, 2);
  t.equal(await twist.stop(), 0);
});

t.test('each worker records to a file of its own, and the next one goes on with it', async (t) => {
  const dir = makeTempDir(t);
  const record = path.join(dir, 'traffic-%w.ndjson');
  const twist = await startTwist(t, ['--workers', '2', '--record', record]);
  const talk = async (text: string): Promise<void> => {
    const socket = await openWs(t, twist.url);
    t.equal(await echoOf(socket, text), text);
    socket.close(1000);
    await once(socket, 'close');
  };
  for (let count = 0; count < 4; count++) await talk(`before ${count}`);
  await twist.waitForLogs(isEnd, 4);
  const open1 = await openWs(t, twist.url);
  t.equal(await echoOf(open1, 'lost'), 'lost');
  const written = ['lost', ...Array.from({ length: 4 }, (_, count) => `before ${count}`)];
  await eventually(() => {
    const texts = [1, 2].map((n) => readFileSync(record.replace('%w', `${n}`), 'utf8')).join('');
    return written.every((text) => texts.includes(text));
  }, 'the records of both workers');
  process.kill(childrenOf(twist.pid)[0]!, 'SIGKILL');
  await twist.waitForLog(({ msg }) => msg === 'worker replaced');
  for (let count = 0; count < 4; count++) await talk(`after ${count}`);
  t.equal(await twist.stop(), 0);
  const names = readdirSync(dir).filter((name) => !name.startsWith('.'));
  t.strictSame(names.sort(), ['traffic-1.ndjson', 'traffic-2.ndjson']);
  const files = names.map((name) => path.join(dir, name));
  const heads = files.map((file) => readFileSync(file, 'utf8').split('"ev":"file"').length - 1);
  t.strictSame(heads.sort(), [1, 2], 'the one that was replaced has a head of each process');
  const { stdout, ending, stderr } = await runTwist(t, {
    args: ['convert', '--to', 'ndjson', ...files],
  });
  t.equal(ending, 0, stderr);
  const records = stdout
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as { ev: string; t: number; s?: string; data?: string; id?: number },
    );
  const times = records.map((one) => one.t);
  t.strictSame(
    times,
    [...times].sort((a, b) => a - b),
    'merged by time',
  );
  const opens = records.filter(({ ev }) => ev === 'open');
  t.equal(opens.length, 9);
  t.equal(new Set(opens.map(({ s }) => s)).size, 9);
  t.equal(new Set(opens.map(({ id }) => id)).size, 9);
  const texts = records.flatMap(({ data }) => data ?? []);
  for (let count = 0; count < 4; count++)
    for (const text of [`before ${count}`, `after ${count}`])
      t.equal(texts.filter((each) => each === text).length, 2, text);
  const second = await runTwist(t, {
    args: ['serve', '--echo', '--workers', '2', '--record', path.join(dir, 'one.ndjson')],
  });
  t.equal(second.ending, 2);
  t.match(second.stderr, 'put its number, %w, into the name');
});

t.test('10 kills in a row: there is always one that serves', async (t) => {
  const twist = await startTwist(t, ['--workers', '2']);
  for (let count = 1; count <= 10; count++) {
    process.kill(childrenOf(twist.pid)[0]!, 'SIGKILL');
    await twist.waitForLogs(({ msg }) => msg === 'worker died', count);
    t.equal(await echoOf(await openWs(t, twist.url), 'served'), 'served');
    await twist.waitForLogs(({ msg }) => msg === 'worker replaced', count);
  }
  t.equal(childrenOf(twist.pid).length, 2);
  t.equal(await twist.stop(), 0);
});

t.test('all workers are killed at once: others listen again', async (t) => {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  await once(free, 'close');
  // While no worker is left nobody listens, so the port has to be a certain one.
  const twist = await startServing(t, {
    args: [...SERVE, '--listen', `127.0.0.1:${port}`],
  });
  for (const pid of childrenOf(twist.pid)) process.kill(pid, 'SIGKILL');
  await twist.waitForLogs(({ msg }) => msg === 'worker replaced', 2);
  t.equal(await echoOf(await openWs(t, twist.url), 'served'), 'served');
  t.equal(twist.listening.length, 1, 'the address is the same');
  t.equal(await twist.stop(), 0);
});

t.test('a TLS session is resumed, whichever worker the client comes to', async (t) => {
  const dir = makeTempDir(t);
  const files = { cert: path.join(dir, 'cert.pem'), key: path.join(dir, 'key.pem') };
  writeFileSync(files.cert, LOCALHOST.cert);
  writeFileSync(files.key, LOCALHOST.key);
  const tls = ['--tls-cert', files.cert, '--tls-key', files.key];
  const twist = await startTwist(t, ['--workers', '2', ...tls]);
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const versions = { minVersion: version, maxVersion: version };
    let session: Buffer | undefined;
    const isReused: boolean[] = [];
    for (let count = 0; count < 4; count++) {
      const socket = beginTls(t, twist.port, { ...versions, session });
      const ticket = once(socket, 'session');
      await within(once(socket, 'secureConnect'), 'the TLS handshake');
      isReused.push(socket.isSessionReused());
      if (session === undefined) [session] = (await within(ticket, 'a ticket')) as [Buffer];
      socket.destroy();
    }
    t.strictSame(isReused, [false, true, true, true], version);
  }
  t.equal(await twist.stop(), 0);
});

t.test('one admin endpoint tells of all workers', async (t) => {
  const twist = await startTwist(t, ['--workers', '2', '--admin', '127.0.0.1:0']);
  const { address } = await twist.waitForLog(({ msg }) => msg === 'admin endpoint');
  const ask = async (what: string): Promise<string> => {
    const answer = await fetch(`${String(address)}/${what}`);
    return `${answer.status} ${await answer.text()}`;
  };
  t.equal(await ask('readyz'), '200 ready\n');
  for (let count = 0; count < 4; count++) {
    const socket = await openWs(t, twist.url);
    for (let number = 0; number < 5; number++) await echoOf(socket, 'x'.repeat(10));
  }
  const sums = (metrics: string): void => {
    t.match(metrics, '\ntwist_sessions_started_total{mode="echo"} 4\n');
    t.match(metrics, '\ntwist_messages_total{direction="in",type="text"} 20\n');
    t.match(metrics, '\ntwist_message_bytes_total{direction="out",type="text"} 200\n');
  };
  const before = await ask('metrics');
  sums(before);
  t.match(before, '\ntwist_sessions{mode="echo"} 4\n');
  const [first, second] = childrenOf(twist.pid);
  process.kill(first!, 'SIGKILL');
  await twist.waitForLog(({ msg }) => msg === 'worker replaced');
  const after = await ask('metrics');
  sums(after);
  t.match(after, '\ntwist_sessions{mode="echo"} 2\n');
  t.match(after, '\ntwist_worker_lost_connections_total 2\n');
  process.kill(second!, 'SIGSTOP');
  t.match(await ask('readyz'), /^503 worker \d: it does not answer\n$/);
  t.match(await ask('metrics'), /\ntwist_worker_up\{worker="\d"\} 0\n/);
  process.kill(second!, 'SIGCONT');
  t.equal(await ask('readyz'), '200 ready\n');
  t.equal(await twist.stop(), 0);
});
