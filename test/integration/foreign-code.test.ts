/**
 * Every call of a mode and every member of an extension, and every way in which it can fail, in the built
 * command with real sockets: the session that it concerns ends, whoever else is there is served, and the process
 * stops when it is told to.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { ExtensionSession } from '../../src/extensions/extension.js';
import { SESSION_CALLS } from '../../src/app/user-extension.js';
import { MODE_CALLS } from '../../src/app/user-mode.js';
import { FAILURES, WAYS } from '../fixtures/failing-code.mjs';
import { closeFrame, encodeFrames, pingFrame, pongFrame, textFrame } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type LogLine, type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

t.setTimeout(300_000);

const CODE = fileURLToPath(new URL('../fixtures/failing-code.mjs', import.meta.url));

/** Short, so that who never settles is waited for no longer than that. */
const DEADLINES = ['--handshake-timeout', '400ms', '--close-timeout', '400ms'];
/** Each way to fail has its line: none may be left out. */
const SERVE = [
  ...['serve', '--listen', '127.0.0.1:0', '--log-format', 'json', '--log-level', 'debug'],
  ...['--max-log-rate', 'off'],
];

/** So many clients at a time. */
const CROWD = 8;

const WORDS = encodeFrames(
  [textFrame('hello'), pingFrame('are you there'), pongFrame('i am'), closeFrame(1000)],
  true,
);

const way = (name: string): string => name;
const ALL_WAYS = Object.keys(WAYS).map(way);

/**
 * The members of an extension that are no calls; the compiler misses one that is left out. `heldBytes` is asked only when
 * memory is scarce, and what is no number counts as nothing (chain.test.ts).
 */
const SESSION_VALUES: Readonly<
  Record<Exclude<keyof ExtensionSession, (typeof SESSION_CALLS)[number] | 'heldBytes'>, true>
> = { enabled: true, keepsPayload: true, stats: true };

/** Somebody who has nothing to do with it, and gets an answer to each word. */
class Bystander {
  readonly #client: RawClient;
  #count = 0;

  constructor(client: RawClient) {
    this.#client = client;
  }

  static async connect(t: Test, twist: TwistProcess): Promise<Bystander> {
    const client = await connectRaw(t, twist.port);
    client.send(upgradeText({}, 'GET / HTTP/1.1'));
    await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
    client.forget();
    return new Bystander(client);
  }

  async isServed(): Promise<void> {
    const text = `still there ${++this.#count}`;
    this.#client.send(encodeFrames([textFrame(text)], true));
    const answer = Buffer.from(encodeFrames([textFrame(text)], false));
    await this.#client.waitUntil(() => this.#client.received.includes(answer), 'its answer');
    this.#client.forget();
  }

  /** The server says goodbye. */
  async leaves(): Promise<void> {
    const { received } = this.#client;
    await this.#client.waitForBytes(received.length + 4);
    this.#client.send(encodeFrames([closeFrame(1001)], true));
    await this.#client.waitForEnd();
    await this.#client.finish();
  }
}

/** A client that does all that a session can have: it speaks, reads, says goodbye, and hangs up. */
async function visit(
  t: Test,
  twist: TwistProcess,
  target: string,
  extension: string | null,
): Promise<RawClient> {
  const client = await connectRaw(t, twist.port);
  const offer = extension === null ? {} : { 'Sec-WebSocket-Extensions': extension };
  client.send(upgradeText(offer, `GET ${target} HTTP/1.1`));
  await client.waitUntil(
    () => client.received.includes('\r\n\r\n') || client.hasEnded,
    'an answer',
  );
  if (target.startsWith('/drain/')) {
    // What is not drained when the client says goodbye is nobody's to go on with.
    client.send(encodeFrames([textFrame('hello')], true));
    const isAsked = (): boolean => twist.stdout.includes(`${target.slice(1).replace('/', ' ')}\n`);
    await eventually(isAsked, `${target} to be reached`);
    client.send(encodeFrames([closeFrame(1000)], true));
  } else if (!client.hasEnded) {
    client.send(WORDS);
  }
  await client.waitForEnd();
  await client.finish();
  return client;
}

/** Has so many work at a time, and the bystander served all the while. */
async function inCrowds<T>(
  all: readonly T[],
  bystander: Bystander,
  work: (one: T) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < all.length; at += CROWD) {
    await Promise.all(all.slice(at, at + CROWD).map(work));
    await bystander.isServed();
  }
}

const about =
  ({ port }: RawClient, level: string) =>
  (line: LogLine): boolean =>
    line.level === level && line['peer'] === `127.0.0.1:${port}`;

/** What becomes of the server: nothing, and it stops when it is told to. */
async function stops(
  t: Test,
  twist: TwistProcess,
  bystander: Bystander,
  end = 'stopped',
): Promise<void> {
  await bystander.isServed();
  t.strictSame(
    twist.log.filter(({ level }) => level === 'fatal'),
    [],
  );
  twist.signal('SIGTERM');
  await bystander.leaves();
  t.equal(await within(twist.ended, 'the end'), 0);
  t.equal(twist.log.at(-1)!.msg, end);
}

for (const delivery of ['messages', 'chunks'] as const) {
  t.test(`every call of a mode, every way to fail: ${delivery}`, async (t) => {
    const folder = makeTempDir(t);
    const file = path.join(folder, 'mode.mjs');
    const calls = JSON.stringify(MODE_CALLS);
    writeFileSync(
      file,
      `import { makeMode } from ${JSON.stringify(CODE)};\nexport default makeMode(${calls}, '${delivery}');\n`,
    );
    const twist = await startServing(t, { args: [...SERVE, ...DEADLINES, '--mode', file] });
    const bystander = await Bystander.connect(t, twist);
    const isCalled = (call: string): boolean =>
      call !== (delivery === 'messages' ? 'chunk' : 'message');
    const rows = MODE_CALLS.filter(isCalled).flatMap((call) =>
      ALL_WAYS.map((name) => ({ call, name })),
    );
    await inCrowds(rows, bystander, async ({ call, name }) => {
      const client = await visit(t, twist, `/${call}/${name}`, null);
      const isTold = (): boolean => twist.log.some(about(client, 'error'));
      if (name in FAILURES) await eventually(isTold, `a line about ${call} ${name}`);
      const wanted = new RegExp(`^${call} ${name}$`, 'm');
      await eventually(() => wanted.test(twist.stdout), `${call} to be called for ${name}`);
    });
    t.equal(rows.length, (MODE_CALLS.length - 1) * ALL_WAYS.length);
    // One of the ways to close a session is never to have done so.
    await stops(t, twist, bystander, 'stopped while a mode was still busy with ended sessions');
  });
}

t.test('a header of a response, whatever its value is', async (t) => {
  const file = path.join(makeTempDir(t), 'mode.mjs');
  writeFileSync(
    file,
    `import { makeMode } from ${JSON.stringify(CODE)};\nexport default makeMode(['upgrade', 'message'], 'messages');\n`,
  );
  const twist = await startServing(t, { args: [...SERVE, ...DEADLINES, '--mode', file] });
  const bystander = await Bystander.connect(t, twist);
  await inCrowds(ALL_WAYS, bystander, async (name) => {
    const client = await visit(t, twist, `/headers/${name}`, null);
    const head = client.received.toString('latin1');
    if (name === 'throwsText') {
      t.match(head, /^HTTP\/1\.1 101 [^]*\r\nX-Way: on purpose\r\n\r\n/, 'a text is one');
      return;
    }
    t.match(head, /^HTTP\/1\.1 500 /, name);
    t.notMatch(head, 'X-Way');
    await eventually(() => twist.log.some(about(client, 'error')), `a line about ${name}`);
  });
  await stops(t, twist, bystander);
});

t.test('every member of an extension, every way to fail', async (t) => {
  const folder = makeTempDir(t);
  const members = ['create', ...SESSION_CALLS, ...Object.keys(SESSION_VALUES)];
  const rows = members.flatMap((member) => ALL_WAYS.map((name) => ({ member, name })));
  const flags = rows.flatMap(({ member, name }) => {
    const file = path.join(folder, `${member}-${name}.mjs`);
    writeFileSync(
      file,
      `import { makeExtension } from ${JSON.stringify(CODE)};\nexport default makeExtension('${member}', '${name}');\n`,
    );
    return ['--extension', file];
  });
  const twist = await startServing(t, {
    args: [...SERVE, ...DEADLINES, '--echo', '--no-deflate', ...flags],
  });
  const bystander = await Bystander.connect(t, twist);
  await inCrowds(rows, bystander, async ({ member, name }) => {
    const extension = `x-${member}-${name}`;
    const client = await visit(t, twist, '/', extension);
    const isTold = (line: LogLine): boolean =>
      (line.level === 'warn' && line['extension'] === extension) ||
      about(client, 'error')(line) ||
      // An extension may say that it was the client's fault.
      (line['rule'] === 'message-too-big' && about(client, 'info')(line));
    // Statistics that cannot be had are left out of the line.
    const isFailure = name in FAILURES && member !== 'stats';
    const isAbout = isFailure
      ? isTold
      : ({ peer }: LogLine): boolean => peer === `127.0.0.1:${client.port}`;
    await eventually(() => twist.log.some(isAbout), `a line about ${member} ${name}`);
    const wanted = new RegExp(`^${member} ${name}$`, 'm');
    await eventually(() => wanted.test(twist.stdout), `${member} to be asked for ${name}`);
  });
  t.equal(rows.length, members.length * ALL_WAYS.length);
  await stops(t, twist, bystander);
});
