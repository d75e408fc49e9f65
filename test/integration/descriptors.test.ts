/** A process that may open 256 files and sockets: more clients than that, and somebody else who takes the rest. */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { askHttp } from '../fixtures/ask-http.js';
import { upgradeText } from '../fixtures/handshake.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

const LIMIT = 256;
const CLIENTS = 1000;
/** What fits into the limit, and has a descriptor left for each that is refused and for everything else. */
const CAP = 128;

const isLinux = process.platform === 'linux';

async function start(t: Test, args: readonly string[]): Promise<TwistProcess> {
  return await startServing(t, {
    args: ['serve', '--listen', '127.0.0.1:0', '--handshake-timeout', '60s', ...args],
    wrapper: ['sh', '-c', `ulimit -n ${LIMIT} && exec "$@"`, 'sh'],
  });
}

/** Status of what a client got; 0 for nothing but the end. */
function statusOf(client: RawClient): number {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(client.received.toString('latin1'))?.[1] ?? 0);
}

t.test(
  'E9: 1000 clients where 256 files may be opened: those beyond the cap get 503, and the rest goes on',
  { skip: isLinux ? false : 'limits are read on Linux' },
  async (t) => {
    const record = path.join(makeTempDir(t), 'traffic.ndjson');
    const twist = await start(t, ['--echo', '--record', record, '--admin', '127.0.0.1:0']);
    const [warning] = twist.log.filter(({ maxConnections }) => maxConnections === CAP);
    t.match(warning, {
      level: 'warn',
      msg: /^fewer connections are taken: --max-connections is 10000/,
    });
    const healthy = await connectRaw(t, twist.port);
    await healthy.open();
    const clients: RawClient[] = [];
    for (let count = 0; count < CLIENTS; count++) {
      const client = await connectRaw(t, twist.port);
      client.send(upgradeText());
      await client.waitUntil(() => client.hasEnded || client.receivedBytes > 0, 'an answer');
      clients.push(client);
    }
    const statuses = clients.map(statusOf);
    t.equal(statuses.filter((status) => status === 101).length, CAP - 1);
    t.equal(statuses.filter((status) => status === 503).length, CLIENTS - CAP + 1, 'all others');
    healthy.send('\x81\x82\0\0\0\0hi');
    await healthy.waitUntil(() => healthy.received.includes('\x81\x02hi', 0, 'latin1'), 'the echo');
    await eventually(() => readFileSync(record, 'latin1').includes('"hi"'), 'the record');
    const admin = twist.log.find(({ msg }) => msg === 'admin endpoint');
    const port = Number(new URL(String(admin!['address'])).port);
    const { body } = await askHttp(t, port, '/metrics');
    t.match(body, /^twist_connections_limit 128$/m);
    t.match(body, /^twist_handshakes_total\{status="503",rule="full"\} 873$/m);
    t.match(body, /^twist_descriptor_shortages_total 0$/m);
    for (const client of clients) client.socket.destroy();
    let last = 503;
    while (last === 503) {
      const again = await connectRaw(t, twist.port);
      again.send(upgradeText());
      await again.waitUntil(() => again.hasEnded || again.receivedBytes > 0, 'an answer');
      last = statusOf(again);
    }
    t.equal(last, 101, 'there is room again');
  },
);

t.test(
  'what somebody else has opened: said once as what it is, not ready, and over when it is over',
  { skip: isLinux ? false : 'limits are read on Linux' },
  async (t) => {
    const directory = makeTempDir(t);
    const greedy = path.join(directory, 'greedy');
    const mode = path.join(directory, 'mode.mjs');
    // A mode that opens all there is while a file is there.
    writeFileSync(
      mode,
      `import { closeSync, existsSync, openSync } from 'node:fs';
       const taken = [];
       setInterval(() => {
         if (!existsSync(${JSON.stringify(greedy)})) {
           for (const fd of taken.splice(0)) closeSync(fd);
           return;
         }
         try { for (;;) taken.push(openSync('/dev/null')); } catch {}
       }, 50).unref();
       export default { name: 'greedy', message: (session, data) => void session.send(data) };`,
    );
    const twist = await start(t, ['--mode', mode, '--health', '/healthz']);
    const healthy = await connectRaw(t, twist.port);
    await healthy.open();
    closeSync(openSync(greedy, 'w'));
    t.ok(existsSync(greedy));
    const lines = (): unknown[] =>
      twist.log.filter(({ msg }) => msg.includes('this process can open no more files'));
    await eventually(() => lines().length === 1, 'the line');
    healthy.send('\x81\x82\0\0\0\0hi');
    await healthy.waitUntil(() => healthy.received.includes('\x82\x02hi', 0, 'latin1'), 'the echo');
    const newcomer = await connectRaw(t, twist.port);
    await newcomer.waitUntil(() => newcomer.hasEnded, 'the end');
    t.equal(newcomer.receivedBytes, 0, 'it is closed without a word');
    rmSync(greedy);
    await twist.waitForLog(({ msg }) => msg === 'files and sockets can be opened again');
    t.equal(lines().length, 1);
    t.equal((await askHttp(t, twist.port, '/healthz')).status, 200);
  },
);
