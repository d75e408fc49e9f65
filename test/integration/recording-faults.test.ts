/** What becomes of a recording when the process, the disk or an operator gets in its way. */
import { Buffer } from 'node:buffer';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  createReadStream,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  closeSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import zlib from 'node:zlib';
import t, { type Test } from 'tap';
import { upgradeText } from '../fixtures/handshake.js';
import { LoadClient } from '../fixtures/load-client.js';
import { FIN, RSV1, TEXT, quickFrame } from '../fixtures/quick-frames.js';
import { connectRaw } from '../fixtures/raw-client.js';
import { forEachLine, linesOf } from '../fixtures/read-recording.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing, startTwist } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

/** How often a server is killed; 200 by hand. */
const ROUNDS = Number(process.env['TWIST_RECORD_ROUNDS'] ?? 16);

const ENDLESS = 10_000_000;
const MIB = 1024 * 1024;

/** The numbers of the messages that a recording has, by client and direction; in order, each once. */
class Numbers {
  readonly #next = new Map<string, number>();
  readonly faults: string[] = [];
  messages = 0;
  lost = 0;
  records = 0;

  read(file: string, start = 0): number {
    return forEachLine(
      file,
      (line) => {
        this.records++;
        if (line.ev === 'gap') {
          this.lost += line.records!;
          return;
        }
        if (line.ev !== 'msg') return;
        this.messages++;
        const [name, number] = line.data!.split(':') as [string, string];
        const key = `${name} ${line.dir!}`;
        const expected = this.#next.get(key) ?? 0;
        if (Number(number) !== expected) this.faults.push(`${key}: ${number}, not ${expected}`);
        this.#next.set(key, Number(number) + 1);
      },
      start,
    );
  }

  /** How many messages of a client went this way. */
  of(name: string, direction: 'in' | 'out'): number {
    return this.#next.get(`${name} ${direction}`) ?? 0;
  }
}

/** All but the locks. */
function recordingsIn(directory: string): string[] {
  return readdirSync(directory).filter((name) => !name.startsWith('.'));
}

async function openClients(port: number, names: readonly string[], window = 100, bytes = 100) {
  return await Promise.all(
    names.map((name) => LoadClient.open(port, { name, count: ENDLESS, bytes, window })),
  );
}

t.test(`kill -9 under load, ${ROUNDS} times`, { timeout: 600_000 }, async (t) => {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const random = new SeededRandom(9);
  let tornCount = 0;
  let isTorn = false;
  for (let round = 0; round < ROUNDS; round++) {
    const isAlways = round % 2 === 0;
    const sync = isAlways ? 'always' : 'interval';
    const twist = await startTwist(t, ['--record', file, '--record-sync', sync]);
    const cut = twist.log.filter(({ level }) => level === 'warn').length;
    if (isTorn !== cut > 0) t.fail(`round ${round}: a torn tail is cut and reported`);
    const start = statSync(file).size;
    const names = ['a', 'b', 'c', 'd'].map((name) => `${name}${round}`);
    const clients = await openClients(twist.port, names);
    const runs = clients.map((client) => client.run());
    // Now and then long enough for the second that is promised to matter.
    await delay(round % 8 === 7 ? 1300 : random.between(10, 150));
    const killedMs = Date.now();
    await twist.stop('SIGKILL');
    await Promise.all(runs);
    const numbers = new Numbers();
    isTorn = numbers.read(file, start) > 0;
    if (isTorn) tornCount++;
    t.strictSame(numbers.faults.slice(0, 3), [], `round ${round}: every line parses, in order`);
    for (const { name, answered, answeredMs } of clients) {
      const recorded = numbers.of(name, 'out');
      const old = answeredMs.filter((ms) => ms < killedMs - 1000).length;
      const promised = isAlways ? answered : Math.max(0, (old - 1) * 100);
      if (recorded < promised) t.fail(`${sync}: ${recorded} of ${promised} answers of ${name}`);
      if (numbers.of(name, 'in') < recorded) t.fail('no answer comes before its message');
    }
  }
  t.comment(`${tornCount} of ${ROUNDS} files ended inside a line`);
});

t.test('a line that was cut off is cut from the file', async (t) => {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const first = await startTwist(t, ['--record', file]);
  await first.stop();
  const whole = readFileSync(file, 'utf8');
  appendFileSync(file, '{"ev":"msg","s":"01');
  const second = await startTwist(t, ['--record', file]);
  const { size } = statSync(file);
  t.match(
    second.log.find(({ level }) => level === 'warn'),
    { file },
    'and the log says so',
  );
  await second.stop();
  const text = readFileSync(file, 'utf8');
  t.ok(text.startsWith(whole));
  t.ok(size >= whole.length);
  t.strictSame(
    linesOf(file).map(({ ev }) => ev),
    ['file', 'file'],
  );
});

function mountTmpfs(directory: string): boolean {
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
  return status === 0;
}

/** Why no file system can be mounted here, or false. */
const noMount = ((): string | false => {
  const directory = mkdtempSync(path.join(tmpdir(), 'twist-'));
  const canMount = mountTmpfs(directory);
  if (canMount) execFileSync('umount', [directory]);
  rmdirSync(directory);
  return canMount ? false : 'only root may mount the small file system that this needs';
})();

/** A file system of 1 MiB with ballast in it. */
function mountSmallDisk(t: Test): { readonly directory: string; makeRoom(): void } {
  const directory = makeTempDir(t);
  t.ok(mountTmpfs(directory));
  t.teardown(() => {
    execFileSync('umount', ['-l', directory]);
  });
  const ballast = path.join(directory, 'ballast');
  writeFileSync(ballast, Buffer.alloc(MIB / 2));
  return {
    directory,
    makeRoom: () => {
      rmSync(ballast);
    },
  };
}

t.test('a disk that is full stops the server until there is room', { skip: noMount }, async (t) => {
  const disk = mountSmallDisk(t);
  const file = path.join(disk.directory, 'traffic.ndjson');
  const twist = await startTwist(t, ['--record', file, '--record-queue', '128k']);
  const clients = await openClients(twist.port, ['a', 'b'], 20);
  await Promise.all(clients.map((client) => client.run()));
  for (const { closeCode } of clients) t.equal(closeCode, 1013);
  await t.rejects(openClients(twist.port, ['c']), { message: 'HTTP/1.1 503 Service Unavailable' });
  disk.makeRoom();
  await twist.waitForLog(({ level, msg }) => level === 'info' && msg.includes('again'));
  const [again] = (await openClients(twist.port, ['d'], 1)) as [LoadClient];
  const run = again.run();
  await eventually(() => again.answered >= 10, 'answers');
  again.destroy();
  await run;
  t.equal(await twist.stop(), 0);
  const numbers = new Numbers();
  t.equal(numbers.read(file), 0, 'no line is torn');
  t.strictSame(numbers.faults, []);
  t.equal(numbers.lost, 0);
  for (const { name, answered } of clients) {
    t.ok(numbers.of(name, 'out') >= answered, `every answer of ${name} is there`);
    t.ok(numbers.of(name, 'in') >= answered);
  }
  t.ok(numbers.of('d', 'out') >= 10, 'and what came afterwards');
});

t.test('or the server goes on, and counts what is missing', { skip: noMount }, async (t) => {
  const disk = mountSmallDisk(t);
  const file = path.join(disk.directory, 'traffic.ndjson');
  const flags = ['--record-queue', '64k', '--record-full', 'drop', '--record-payload', '10'];
  const twist = await startTwist(t, ['--record', file, ...flags]);
  const loads = ['a', 'b'].map((name) => ({ name, count: 10_000, bytes: 10, window: 10 }));
  const clients = await Promise.all(loads.map((load) => LoadClient.open(twist.port, load)));
  await Promise.all(clients.map((client) => client.run()));
  for (const { answered, closeCode } of clients)
    t.strictSame([answered, closeCode], [10_000, null]);
  await twist.waitForLog(({ level, msg }) => level === 'error' && msg.includes('record'));
  disk.makeRoom();
  await eventually(() => readFileSync(file, 'utf8').includes('"ev":"gap"'), 'the gap');
  await Promise.all(clients.map((client) => client.close()));
  t.equal(await twist.stop(), 0);
  let records = 0;
  let lost = 0;
  let files = 0;
  let gaps = 0;
  const rest = forEachLine(file, (line) => {
    if (line.ev === 'gap') {
      gaps++;
      lost += line.records!;
    } else if (line.ev === 'file') files++;
    else records++;
  });
  t.equal(rest, 0, 'no line is torn');
  t.ok(lost > 0 && gaps > 0 && files > 0);
  // Each session: open, messages both ways, two Closes, close.
  t.equal(records + lost, 2 * (1 + 2 * 10_000 + 2 + 1), 'not one is missing in the count');
});

/** Sends for a while, and checks that all of it is in the files. */
async function runFor(
  t: Test,
  twist: TwistProcess,
  ms: number,
  disturb: () => void,
): Promise<LoadClient[]> {
  const clients = await openClients(twist.port, ['a', 'b', 'c'], 50);
  const runs = clients.map((client) => client.run());
  for (const end = Date.now() + ms; Date.now() < end;) {
    await delay(100);
    disturb();
  }
  for (const client of clients) client.destroy();
  await Promise.all(runs);
  t.equal(await twist.stop(), 0);
  return clients;
}

t.test('logrotate every 100 ms: the sum of lines is what was sent', async (t) => {
  const directory = makeTempDir(t);
  const file = path.join(directory, 'traffic.ndjson');
  const twist = await startTwist(t, ['--record', file]);
  let moved = 0;
  const clients = await runFor(t, twist, 3000, () => {
    // Not before the signal has been heard: its own logrotate would not either.
    try {
      renameSync(file, path.join(directory, `old-${String(moved).padStart(3, '0')}`));
      moved++;
    } catch {
      // Not there yet.
    }
    twist.signal('SIGHUP');
  });
  const numbers = new Numbers();
  const files = recordingsIn(directory).sort((one, other) =>
    one === 'traffic.ndjson' ? 1 : other === 'traffic.ndjson' ? -1 : one < other ? -1 : 1,
  );
  t.ok(files.length > 15, `${files.length} files`);
  for (const name of files) t.equal(numbers.read(path.join(directory, name)), 0, name);
  t.strictSame(numbers.faults.slice(0, 3), []);
  for (const { name, answered } of clients) t.ok(numbers.of(name, 'out') >= answered, name);
});

t.test('files of a size: none is larger, and nothing is lost between them', async (t) => {
  const directory = makeTempDir(t);
  const file = path.join(directory, 'traffic.ndjson');
  const twist = await startTwist(t, ['--record', file, '--record-rotate', '64k']);
  const clients = await runFor(t, twist, 1000, () => undefined);
  const numbers = new Numbers();
  const names = recordingsIn(directory).sort();
  // The one without a time behind its name is the newest.
  for (const name of [...names.filter((one) => one !== 'traffic.ndjson'), 'traffic.ndjson']) {
    const one = path.join(directory, name);
    if (statSync(one).size > 64 * 1024) t.fail(`${name}: ${statSync(one).size}`);
    if (numbers.read(one) > 0) t.fail(`${name} is torn`);
  }
  t.ok(names.length > 10, `${names.length} files`);
  t.strictSame(numbers.faults.slice(0, 3), []);
  for (const { name, answered } of clients) t.ok(numbers.of(name, 'out') >= answered, name);
});

t.test('a directory that is removed is made again', async (t) => {
  const directory = path.join(makeTempDir(t), 'sub');
  execFileSync('mkdir', [directory]);
  const file = path.join(directory, 'traffic.ndjson');
  const twist = await startTwist(t, ['--record', file]);
  let removed = 0;
  const kept = new Map<string, number>();
  const clients = await runFor(t, twist, 1500, () => {
    if (removed > 0) return;
    removed++;
    for (const { s, ev, dir } of linesOf(file)) {
      const key = `${s ?? ''} ${dir ?? ''}`;
      if (ev === 'msg') kept.set(key, (kept.get(key) ?? 0) + 1);
    }
    rmSync(directory, { recursive: true });
  });
  t.equal(removed, 1);
  // What was in the removed file is gone with it, by the operator's own will; from there on all is there.
  const lines = linesOf(file).filter(({ ev }) => ev === 'msg');
  t.ok(lines.length > 100);
  const numbers = new Map<string, number[]>();
  for (const { data, dir } of lines) {
    const [name, number] = data!.split(':') as [string, string];
    const key = `${name} ${dir!}`;
    numbers.set(key, [...(numbers.get(key) ?? []).slice(-1), Number(number)]);
    const [before, now] = numbers.get(key)!;
    if (now !== undefined && now !== before! + 1) t.fail(`${key}: ${now} behind ${before!}`);
  }
  for (const { name, answered } of clients)
    t.ok(numbers.get(`${name} out`)!.at(-1)! >= answered - 1, `${name}: to its last answer`);
});

t.test('a slow reader of a pipe slows clients, and costs no memory', async (t) => {
  const pipe = path.join(makeTempDir(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  const collected: Buffer[] = [];
  let readBytes = 0;
  // Its other end must be open before the server can open it.
  const reader = createReadStream(pipe, { highWaterMark: 64 * 1024 });
  let isSlow = true;
  reader.on('data', (chunk) => {
    collected.push(chunk as Buffer);
    readBytes += chunk.length;
    if (!isSlow) return;
    reader.pause();
    setTimeout(() => reader.resume(), 60);
  });
  const ended = new Promise<void>((resolve) => {
    reader.on('end', resolve);
  });
  const twist = await startTwist(t, ['--record', pipe, '--record-queue', '1m']);
  const before = twist.memory().rssBytes;
  const clients = await openClients(twist.port, ['a', 'b', 'c', 'd'], 2000, 1000);
  const runs = clients.map((client) => client.run());
  await delay(3000);
  const sent = clients.reduce((sum, { answered }) => sum + answered * 1000, 0);
  const growth = twist.memory().peakBytes - before;
  // 1 MiB a second for the pipe, its own 64 KiB, the queue, and a read of each client, both ways.
  t.ok(readBytes < 4 * MIB, `${readBytes} bytes were read`);
  t.ok(2 * sent < 8 * MIB, `${sent} bytes were answered`);
  t.ok(growth < 48 * MIB, `grew by ${growth}`);
  t.comment(
    `grew by ${(growth / MIB).toFixed(1)} MiB while ${(sent / MIB).toFixed(1)} MiB went by`,
  );
  for (const client of clients) client.destroy();
  isSlow = false;
  await Promise.all(runs);
  t.equal(await twist.stop(), 0);
  await ended;
  const file = `${pipe}.ndjson`;
  writeFileSync(file, Buffer.concat(collected));
  const numbers = new Numbers();
  t.equal(numbers.read(file), 0);
  t.strictSame(numbers.faults, []);
  for (const { name, answered } of clients) t.ok(numbers.of(name, 'out') >= answered);
});

t.test('a full queue stops messages that are still compressed, too', async (t) => {
  const pipe = path.join(makeTempDir(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  // Nobody reads from it, but it can be opened.
  const ours = openSync(pipe, 'r+');
  t.teardown(() => {
    closeSync(ours);
  });
  // A collector: it sends nothing, so nothing but the recorder can stop its clients.
  const twist = await startServing(t, {
    args: [
      ...['serve', '--record', pipe, '--record-queue', '256k'],
      ...['--listen', '127.0.0.1:0', '--log-format', 'json'],
    ],
  });
  const client = await connectRaw(t, twist.port);
  client.send(upgradeText({ 'Sec-WebSocket-Extensions': 'permessage-deflate' }));
  await client.waitUntil(() => client.received.includes('permessage-deflate'), 'compression');
  const before = twist.memory().rssBytes;
  // A megabyte each, of which a hundred come in two reads.
  const options = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
  const payload = zlib.deflateRawSync(Buffer.alloc(MIB, 'x'), options).subarray(0, -4);
  const frame = quickFrame(FIN | RSV1 | TEXT, payload);
  client.send(Buffer.concat(Array.from({ length: 100 }, () => frame)));
  await delay(1500);
  const growth = twist.memory().peakBytes - before;
  t.comment(`grew by ${(growth / MIB).toFixed(1)} MiB`);
  t.ok(growth < 24 * MIB, `grew by ${growth}`);
  client.socket.destroy();
  await twist.kill();
});

t.test('with always an answer waits for its record', async (t) => {
  const pipe = path.join(makeTempDir(t), 'pipe');
  execFileSync('mkfifo', [pipe]);
  // Both ends, so that neither open waits; it is read by hand.
  const ours = openSync(pipe, 'r+');
  t.teardown(() => {
    closeSync(ours);
  });
  const twist = await startTwist(t, ['--record', pipe, '--record-sync', 'always']);
  const [client] = await openClients(twist.port, ['a'], 500, 1000);
  const run = client!.run();
  await delay(500);
  const stuck = client!.answered;
  await delay(500);
  t.equal(client!.answered, stuck, 'nothing is answered while nothing is written');
  let text = '';
  const chunk = Buffer.alloc(64 * 1024);
  // What a batch holds depends on what one read has brought. All records are twenty times that much.
  for (let count = 0; count < 20 && client!.answered === stuck; count++) {
    text += chunk.toString('latin1', 0, readSync(ours, chunk));
    await delay(20);
  }
  t.ok(client!.answered > stuck, 'answers');
  const known = text.match(/"dir":"out"/g)!.length;
  t.ok(client!.answered <= known + 70, 'no further than what was written: the pipe holds 64 KiB');
  client!.destroy();
  await run;
  await twist.kill();
});
