/**
 * The way to targets of the built command, with real names and real sockets: dead names, addresses that
 * are slow or dead, and a process that has no descriptors left.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { type Socket, connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { upgradeText } from '../fixtures/handshake.js';
import { ownNames } from '../fixtures/own-names.js';
import { ACCEPTED, type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { startTarget } from '../fixtures/tcp-target.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

const isLinux = process.platform === 'linux';

const SERVE = ['serve', '--listen', '127.0.0.1:0', '--log-format', 'json'] as const;

const BAD_GATEWAY = 'HTTP/1.1 502 Bad Gateway';
const LATE = 'HTTP/1.1 504 Gateway Timeout';

async function ask(t: Test, { port }: TwistProcess, token: string): Promise<RawClient> {
  const client = await connectRaw(t, port);
  client.send(upgradeText({ Host: '127.0.0.1' }, `GET /?token=${token} HTTP/1.1`));
  return client;
}

/** The status line of the answer. */
async function statusOf(t: Test, twist: TwistProcess, token: string): Promise<string> {
  const client = await ask(t, twist, token);
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), `the answer for ${token}`);
  client.socket.destroy();
  return client.received.toString('latin1').split('\r\n')[0]!;
}

const OPEN = ACCEPTED.split('\r\n')[0]!;

/** A token file of these targets. */
function writeTokens(t: Test, targets: Readonly<Record<string, string>>): string {
  const file = path.join(makeTempDir(t), 'tokens');
  const lines = Object.entries(targets).map(([token, target]) => `${token}: ${target}\n`);
  writeFileSync(file, lines.join(''));
  return file;
}

t.test('dead names hold up no others', { skip: !isLinux && 'needs namespaces' }, async (t) => {
  const dead = Array.from({ length: 10 }, (_, index) => `gone-${index}.test`);
  const names = await ownNames(t, {
    hosts: '127.0.0.1 good\n::1 both.test\n127.0.0.1 both.test\n',
    search: 'search shop.test\noptions ndots:2',
    answers: {
      'gone.test': 'silence',
      'gone.test.shop.test': 'unknown',
      ...Object.fromEntries(dead.map((name) => [name, 'silence'] as const)),
      'alive.shop.test': ['127.0.0.1'],
      'full.test': ['127.0.0.1'],
      'failed.test': 'servfail',
    },
  });
  if (names === null) return;
  const { port } = await startTarget(t, (socket) => socket.resume());
  const twist = await startServing(t, {
    args: [
      ...[...SERVE, '--target-connect-timeout', '6s', '--token-file'],
      writeTokens(t, {
        gone: 'gone.test:1',
        ...Object.fromEntries(dead.map((name) => [name, `${name}.:1`])),
        good: `good:${port}`,
        alive: `alive:${port}`,
        full: `full.test.:${port}`,
        local: `localhost:${port}`,
        both: `both.test:${port}`,
        unknown: 'unknown.test:1',
        failed: 'failed.test:1',
      }),
    ],
    wrapper: names.wrapper,
  });
  // Those of ten names and ten of one, who hang up after 0.2 s.
  const leaving = [...dead, ...dead.map(() => 'gone')].map(async (token) => {
    const client = await ask(t, twist, token);
    await sleep(200);
    client.socket.destroy();
  });
  await Promise.all(leaving);
  const patient = statusOf(t, twist, 'gone');
  for (const token of ['good', 'alive', 'full', 'local', 'both'])
    t.equal(await statusOf(t, twist, token), OPEN, token);
  for (const token of ['unknown', 'failed'])
    t.equal(await statusOf(t, twist, token), BAD_GATEWAY, token);
  t.notOk(
    twist.log.some(({ rule }) => rule === 'target-timeout'),
    'all that before the first name is given up',
  );
  t.equal(await patient, LATE);
  t.match(
    twist.log.filter(({ rule }) => rule !== undefined),
    [
      {
        status: 502,
        rule: 'target-unknown',
        target: 'unknown.test:1',
        reason: 'ENOTFOUND: no address is known for unknown.test',
      },
      {
        status: 502,
        rule: 'target-unknown',
        target: 'failed.test:1',
        reason: 'ESERVFAIL: the name server failed for failed.test',
      },
      {
        status: 504,
        rule: 'target-timeout',
        target: 'gone.test:1',
        // Whichever ends first: our patience or that of c-ares.
        reason:
          /^(ETIMEDOUT: no address for its name within 6000 ms|ETIMEOUT: no name server answered for gone.test)$/,
      },
    ],
  );
  const asked = names.server.asked.filter((question) => question === 'A gone.test').length;
  t.ok(asked <= 10, `${asked} questions for eleven clients`);
  t.equal(await twist.stop(), 0, 'nor does it hold up the end');
});

/** Listens with the shortest backlog, and greets. */
const TARGET_SCRIPT = `require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  socket.write('hello');
}).listen(Number(process.argv[1]), process.argv[2], 1, function () { console.log(this.address().port); })`;

/** A target that does not answer, as if it were far away, until it is told to. */
class FarTarget {
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  answer(): void {
    this.#child.kill('SIGCONT');
  }
}

async function startFar(
  t: Test,
  address: string,
  wantedPort = 0,
): Promise<FarTarget & { port: number }> {
  const child = spawn(process.execPath, ['-e', TARGET_SCRIPT, String(wantedPort), address], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {},
  });
  t.teardown(() => child.kill('SIGKILL'));
  const [text] = (await within(once(child.stdout, 'data'), 'its port')) as [Buffer];
  const port = Number(text.toString());
  child.kill('SIGSTOP');
  // Its backlog is filled up, until the kernel answers no more.
  let isFull = false;
  while (!isFull) {
    const filler = connect({ port, host: address });
    t.teardown(() => filler.destroy());
    filler.on('error', () => undefined);
    isFull = !(await Promise.race([once(filler, 'connect').then(() => true), sleep(300, false)]));
  }
  return Object.assign(new FarTarget(child), { port });
}

t.test(
  'an address that takes its time, beside a dead one',
  { skip: !isLinux && 'needs namespaces' },
  async (t) => {
    const far = await startFar(t, '127.0.0.3');
    await startFar(t, '127.0.0.4', far.port);
    const { port } = far;
    const dead = [1, 2, 3].map((last) => `127.0.0.4 far-${last}.test dead.test\n`);
    const names = await ownNames(t, {
      hosts: `127.0.0.3 far-1.test\n${dead.join('')}127.0.0.3 far-2.test\n127.0.0.2 far-2.test\n`,
      answers: {},
    });
    if (names === null) return;
    const near = await startTarget(t, (socket) => socket.resume());
    const twist = await startServing(t, {
      args: [
        ...[...SERVE, '--target-connect-timeout', '10s', '--token-file'],
        writeTokens(t, {
          'far-1': `far-1.test:${port}`,
          'far-2': `far-2.test:${port}`,
          near: near.address,
        }),
      ],
      wrapper: names.wrapper,
    });
    const fds = twist.countFds();
    const clients = [await ask(t, twist, 'far-1'), await ask(t, twist, 'far-2')];
    await sleep(600);
    t.equal(await statusOf(t, twist, 'near'), OPEN, 'others do not wait');
    t.same(
      clients.map(({ receivedBytes }) => receivedBytes),
      [0, 0],
    );
    far.answer();
    for (const client of clients) {
      await client.waitUntil(() => client.received.includes('hello'), 'the greeting');
      t.ok(client.received.toString('latin1').startsWith(OPEN));
    }
    await eventually(
      () => twist.countFds() <= fds + 2 * clients.length,
      'those that have not won to be gone',
      () => twist.countFds(),
    );
    for (const client of clients) client.socket.destroy();
    await eventually(() => twist.countFds() <= fds, 'nothing to be left');
  },
);

t.test(
  'a process without descriptors says so, and does not blame the target',
  { skip: !isLinux && 'needs /proc' },
  async (t) => {
    const limit = 256;
    // Somebody else's take more than those that are kept for other things.
    const others = 'for ((fd = 20; fd < 210; fd++)); do eval "exec $fd</dev/null"; done';
    const { address, port } = await startTarget(t, (socket: Socket) => socket.resume());
    const twist = await startServing(t, {
      args: [
        ...SERVE,
        '--route',
        `/address=tcp:${address}`,
        '--route',
        `/name=tcp:localhost:${port}`,
      ],
      wrapper: ['bash', '-c', `ulimit -n ${limit} && ${others}; exec "$@"`, 'bash'],
    });
    const get = (client: RawClient, url: string): void => {
      client.send(upgradeText({ Host: '127.0.0.1' }, `GET ${url} HTTP/1.1`));
    };
    /** Those that count: one that the shell had open may have a higher number. */
    const taken = (): number =>
      readdirSync(`/proc/${twist.pid}/fd`).filter((fd) => Number(fd) < limit).length;
    const clients: RawClient[] = [];
    while (taken() < limit) clients.push(await connectRaw(t, twist.port));
    const refused: RawClient[] = [];
    for (const url of ['/address', '/name']) {
      const client = clients.shift()!;
      get(client, url);
      await client.waitUntil(() => client.hasEnded, 'the answer');
      const text = client.received.toString('latin1');
      t.ok(text.startsWith('HTTP/1.1 503 Service Unavailable\r\n'), url);
      t.ok(text.includes('the server has no resources left for this connection'));
      refused.push(client);
      // In place of the one that is gone.
      client.socket.destroy();
      await eventually(() => taken() < limit, 'the descriptor');
      while (taken() < limit) clients.push(await connectRaw(t, twist.port));
    }
    const lines = twist.log.filter(({ rule }) => rule === 'exhausted');
    t.match(lines, [
      { level: 'warn', status: 503, target: address, reason: `EMFILE ${address}` },
      { level: 'warn', status: 503, target: `localhost:${port}`, reason: /^EMFILE/ },
    ]);
    for (const client of clients.splice(5)) client.socket.destroy();
    await eventually(() => taken() < limit - 10, 'descriptors');
    for (const url of ['/address', '/name']) {
      const client = clients.shift()!;
      get(client, url);
      await client.waitForBytes(ACCEPTED.length);
      t.equal(client.received.toString('latin1', 0, ACCEPTED.length), ACCEPTED, url);
    }
  },
);
