/** The admin endpoint and the health check of the built command: with other people's tools, attacked, and while it drains. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { askHttp } from '../fixtures/ask-http.js';
import { closeFrame, encodeFrames } from '../fixtures/frames.js';
import { besideHealthyPeer } from '../fixtures/healthy-peer.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { type TwistProcess, runTwist, startTwist } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

t.setTimeout(120_000);

const adminPort = (twist: TwistProcess): number => {
  const line = twist.log.find(({ msg }) => msg === 'admin endpoint');
  return Number(new URL(String(line!['address'])).port);
};

/** What curl says: the status, and then the body. */
function curl(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const all = ['--silent', '--show-error', '--max-time', '20', '--write-out', '\n%{http_code}'];
    execFile('curl', [...all, ...args], (error, stdout, stderr) => {
      if (error) reject(new Error(stderr));
      else resolve(stdout);
    });
  });
}

t.test('curl, and the command for images', async (t) => {
  const twist = await startTwist(t, ['--admin', '0', '--health', '/healthz']);
  const port = adminPort(twist);
  const admin = `http://127.0.0.1:${port}`;
  t.equal(await curl([`${admin}/livez`]), 'alive\n\n200');
  t.equal(await curl([`${admin}/readyz`]), 'ready\n\n200');
  t.match(await curl([`${admin}/metrics`]), /^twist_sessions\{mode="echo"\} 0$/m);
  t.match(await curl(['--head', `${admin}/metrics`]), /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\n200$/);
  t.match(await curl(['--request', 'POST', `${admin}/metrics`]), /GET or HEAD\n\n405$/);
  const health = `http://127.0.0.1:${twist.port}/healthz`;
  for (const args of [[], ['--http1.0', '--header', 'Host:'], ['--request', 'OPTIONS']])
    t.equal(await curl([...args, health]), 'ready\n\n200', args.join(' '));
  t.match(await curl(['--head', health]), /^HTTP\/1\.1 200 OK\r\n[^]*\n200$/);

  const asked = await runTwist(t, { args: ['healthcheck', '--admin', String(port)] });
  t.match(asked, { ending: 0, stdout: 'ready\n', stderr: '' });
  const listen = ['--listen', String(twist.port), '--health', '/healthz'];
  t.match(await runTwist(t, { args: ['healthcheck', ...listen] }), { ending: 0 });
  await twist.stop();
  const gone = await runTwist(t, {
    args: ['healthcheck'],
    env: { TWIST_ADMIN: String(port) },
  });
  t.match(gone, {
    ending: 1,
    stderr: `twist: 127.0.0.1:${port}/readyz does not answer: nothing listens there\n`,
  });
  t.strictSame(
    twist.log.filter(({ msg }) => /refused|session/.test(msg)),
    [],
    'nobody hears of health checks',
  );
});

t.test('two processes on one admin port: the second one says so, and ends', async (t) => {
  const twist = await startTwist(t, ['--admin', '0']);
  const port = adminPort(twist);
  const second = await runTwist(t, {
    args: ['serve', '--echo', '--listen', '127.0.0.1:0', '--admin', String(port)],
  });
  t.equal(second.ending, 1);
  t.match(
    second.stderr,
    `cannot listen on 127.0.0.1:${port} for the admin endpoint: the address is in use already`,
  );
  t.notMatch(second.stderr, /\n\s+at /);
});

/** Connections that ask for nothing, for half of something, or for everything without taking it. */
async function attack(t: Test, port: number): Promise<RawClient[]> {
  const clients: RawClient[] = [];
  for (let index = 0; index < 1000; index++) {
    const client = await connectRaw(t, port, { isPaused: index % 3 === 0 });
    clients.push(client);
    if (index % 3 === 0) client.send('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
    else if (index % 3 === 1) client.send('GET /metrics HTTP/1.1\r\nX-Slow: ');
  }
  return clients;
}

t.test('an endpoint under attack answers, and nobody beside it notices', async (t) => {
  const twist = await startTwist(t, ['--admin', '0']);
  const port = adminPort(twist);
  await besideHealthyPeer(t, twist, async (peer) => {
    const attackers = attack(t, port);
    for (let round = 0; round < 10; round++) {
      await peer.roundTrips(1);
      t.equal((await askHttp(t, port, '/readyz')).status, 200);
    }
    const clients = await attackers;
    t.equal((await askHttp(t, port, '/livez')).status, 200);
    t.match((await askHttp(t, port, '/metrics')).body, 'twist_sessions{mode="echo"} 1\n');
    // A bound of its own, and none of the places of clients.
    t.ok(twist.countFds() < 300, `${twist.countFds()} files are open`);
    for (const { socket } of clients) socket.destroy();
  });
  t.strictSame(
    twist.log.filter(({ level }) => level !== 'info'),
    [],
  );
});

t.test('a full server says so to load balancers, and serves those it has', async (t) => {
  const flags = ['--max-connections', '2', '--health', '/healthz', '--admin', '0'];
  const twist = await startTwist(t, flags);
  const other = await connectRaw(t, twist.port);
  await other.open();
  await besideHealthyPeer(t, twist, async () => {
    for (let round = 0; round < 100; round++) {
      const { status, body } = await askHttp(t, twist.port, '/healthz');
      t.strictSame([status, body], [503, 'not ready\n']);
    }
    t.match(await askHttp(t, adminPort(twist), '/readyz'), {
      status: 503,
      body: 'full: all connections are taken (maxConnections)\n',
    });
    const { body } = await askHttp(t, adminPort(twist), '/metrics');
    t.notMatch(body, /twist_handshakes_total\{status="503",rule="full"\} [1-9]/);
  });
});

t.test('during a drain it is not ready, and figures can be had until the end', async (t) => {
  const twist = await startTwist(t, [
    ...['--admin', '0', '--health', '/healthz', '--drain-delay', '1s'],
  ]);
  const client = await connectRaw(t, twist.port);
  await client.open();
  twist.signal('SIGTERM');
  const port = adminPort(twist);
  await twist.waitForLog(({ msg }) => msg === 'stopping');
  t.match(await askHttp(t, twist.port, '/healthz'), { status: 503, body: 'not ready\n' });
  t.match(await askHttp(t, port, '/readyz'), { status: 503, body: /^draining/ });
  t.match(await askHttp(t, port, '/livez'), { status: 200 });
  await client.waitForBytes(4);
  t.match((await askHttp(t, port, '/metrics')).body, /^twist_ready 0$/m);
  client.send(encodeFrames([closeFrame(1001)], true));
  await client.waitForEnd();
  await client.finish();
  t.equal(await within(twist.ended, 'the end'), 0);
});

t.test('a handshake on the path of the health check is for the mode', async (t) => {
  const twist = await startTwist(t, ['--health', '/healthz']);
  const socket = new WebSocket(`ws://127.0.0.1:${twist.port}/healthz`);
  await within(once(socket, 'open'), 'the session');
  socket.terminate();
  const both = await runTwist(t, {
    args: ['serve', '--route', '/healthz=echo', '--health', '/healthz/'],
  });
  t.equal(both.ending, 2);
  t.match(both.stderr, '--health cannot be "/healthz/": --route has a route of that path');
});
