/** Somebody sets the clock of the machine while a session is open: nothing that is measured moves with it. */
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { readSegments } from '../fixtures/pcapng.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { type Line, linesOf } from '../fixtures/read-recording.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, runTwist, startTwist } from '../fixtures/twist-process.js';

const HOUR_MS = 3_600_000;

/** What a session lasts at least; a recording looks at the clock of the machine every second. */
const SESSION_MS = 1500;

/** Timers and formats round. */
const ROUNDING_MS = 2;

const MESSAGE = Buffer.from('818000000000', 'hex');
const CLOSE = Buffer.from('888000000000', 'hex');

/** A server whose `Date.now` is an hour off as soon as the test says so. */
class SteppedServer {
  readonly twist: TwistProcess;
  readonly recording: string;
  readonly #marker: string;

  private constructor(twist: TwistProcess, recording: string, marker: string) {
    this.twist = twist;
    this.recording = recording;
    this.#marker = marker;
  }

  static async start(t: Test, stepMs: number): Promise<SteppedServer> {
    const directory = makeTempDir(t);
    const marker = path.join(directory, 'stepped');
    const recording = path.join(directory, 'traffic.ndjson');
    const preload = path.join(directory, 'preload.cjs');
    writeFileSync(
      preload,
      `const { existsSync } = require('node:fs');
       const now = Date.now;
       Date.now = () => now() + (existsSync(${JSON.stringify(marker)}) ? ${stepMs} : 0);`,
    );
    const twist = await startTwist(t, ['--record', recording], {
      nodeArgs: ['--require', preload],
    });
    return new SteppedServer(twist, recording, marker);
  }

  step(): void {
    writeFileSync(this.#marker, '');
  }
}

/** Sends a message and waits for its echo. */
async function say(client: RawClient): Promise<void> {
  client.forget();
  client.send(MESSAGE);
  await client.waitForBytes(2);
}

async function closeSession(client: RawClient): Promise<void> {
  client.send(CLOSE);
  await client.finish();
}

/** The output of `twist convert`. */
async function converted(
  t: Test,
  file: string,
  format: string,
  flags: string[] = [],
): Promise<Buffer> {
  const out = path.join(makeTempDir(t), format);
  const args = ['convert', file, '--to', format, '--out', out, ...flags];
  const { ending, stderr } = await runTwist(t, { args });
  t.equal(ending, 0, stderr);
  return readFileSync(out);
}

for (const stepMs of [-HOUR_MS, HOUR_MS]) {
  t.test(`the clock is set ${stepMs < 0 ? 'back' : 'forward'} an hour`, async (t) => {
    const server = await SteppedServer.start(t, stepMs);
    const { twist, recording } = server;
    const client = await connectRaw(t, twist.port);
    const startMs = performance.now();
    await client.open();
    await say(client);
    server.step();
    await sleep(SESSION_MS);
    await say(client);
    await closeSession(client);
    const late = await connectRaw(t, twist.port);
    await late.open();
    await closeSession(late);
    const ended = await twist.waitForLogs(({ msg }) => msg === 'session ended', 2);
    const mostMs = performance.now() - startMs;
    await twist.stop();

    const isTrue = (ms: number): boolean =>
      ms >= SESSION_MS - ROUNDING_MS && ms <= mostMs + ROUNDING_MS;
    t.ok(isTrue(Number(ended[0]!['durationMs'])), `durationMs ${String(ended[0]!['durationMs'])}`);

    const lines = linesOf(recording);
    const names = lines.filter(({ ev }) => ev === 'open').map(({ s }) => s);
    const own = (name = ''): Line[] => lines.filter(({ s }) => s === name);
    const times = own(names[0]).map(({ t }) => t);
    t.strictSame(
      times,
      [...times].sort((a, b) => a - b),
      'times of a session never go back',
    );
    const close = own(names[0]).at(-1) as unknown as { readonly t: number; readonly dur: number };
    t.ok(isTrue(close.dur * 1000), `dur ${close.dur}`);
    t.ok(Math.abs(close.t - times[0]! - close.dur) < 0.1, 'the times say the same');
    const stepped = own(names[1])[0]!.t - close.t;
    t.ok(
      Math.abs(stepped * 1000 - stepMs) < 60_000,
      `the next session has the new time: ${stepped}`,
    );

    const har = JSON.parse((await converted(t, recording, 'har')).toString()) as {
      log: { entries: { time: number; _webSocketMessages: { time: number }[] }[] };
    };
    const [entry] = har.log.entries;
    t.ok(isTrue(entry!.time), `HAR: ${entry!.time}`);
    const messages = entry!._webSocketMessages.map(({ time }) => time);
    t.ok(isTrue((messages.at(-1)! - messages[0]!) * 1000), 'HAR: messages');

    const script = (await converted(t, recording, 'novnc', ['--session', names[0]!])).toString();
    const delays = [...script.matchAll(/^'[{}](-?\d+)[{}]/gm)].map(([, ms]) => Number(ms));
    t.equal(delays.length, 4, script);
    t.ok(
      delays.every((ms, index) => ms >= (delays[index - 1] ?? 0)) && isTrue(delays.at(-1)!),
      delays.join(),
    );

    const segments = readSegments(
      await converted(t, recording, 'pcapng', ['--session', names[0]!]),
    );
    const micros = segments.map((segment) => segment.micros);
    t.ok(
      micros.every((each, index) => each >= (micros[index - 1] ?? 0)),
      'pcapng',
    );
    t.ok(isTrue((micros.at(-1)! - micros[0]!) / 1000), 'pcapng');
  });
}

t.test('short sessions are not 0 ms long, nor 100', async (t) => {
  const twist = await startTwist(t);
  for (let count = 0; count < 20; count++) {
    const client = await connectRaw(t, twist.port);
    await client.open();
    await closeSession(client);
  }
  const ended = await twist.waitForLogs(({ msg }) => msg === 'session ended', 20);
  await twist.stop();
  const durations = ended.map(({ durationMs }) => Number(durationMs));
  t.ok(
    durations.every((ms) => ms > 0),
    durations.join(),
  );
  t.equal(new Set(durations).size > 10, true, durations.join());
  t.notOk(
    durations.every((ms) => Number.isInteger(ms)),
    durations.join(),
  );
});
