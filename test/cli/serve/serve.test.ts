import path from 'node:path';
import t, { type Test } from 'tap';
import * as recording from '../../../src/app/resources/recording.js';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { onePassword } from '../../fixtures/logins.js';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import type { Found } from '../../../src/app/resources/resources.js';
import { ExitCode } from '../../../src/cli/exit-code.js';
import type { Signal } from '../../../src/cli/io.js';
import { createLog } from '../../../src/cli/output/log.js';
import { type CommandResources, type Membership, serve } from '../../../src/cli/serve/serve.js';
import { type Loaded, load } from '../../../src/config/load.js';
import type { Flags } from '../../../src/config/text-sources.js';
import type { Extension } from '../../../src/extensions/extension.js';
import { prepareModes } from '../../../src/modes/registry.js';
import { TargetCounters } from '../../../src/modes/tcp/target-counters.js';
import type { Mode } from '../../../src/session/mode.js';
import { binaryFrame, closeFrame, encodeFrames, textFrame } from '../../fixtures/frames.js';
import { upgradeText } from '../../fixtures/handshake.js';
import { hexOf } from '../../fixtures/hex.js';
import { ClientLines } from '../../../src/server/log/client-lines.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { type RawClient, connectRaw } from '../../fixtures/raw-client.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually, within } from '../../fixtures/within.js';
import { type FakeIo, fakeIo } from '../fake-io.js';

const LIMITS_FILE = '/proc/self/limits';

const SHUTTING_DOWN = encodeFrames([closeFrame(1001, 'the server is shutting down')], false);

const NO_LOGS = { log: new KeptLog(), clientLog: new ClientLines(new KeptLog(), 0) };

async function resourcesOf(flags: Flags, given: Partial<Found> = {}): Promise<CommandResources> {
  const { settings, values } = load({ flags, environment: {}, readFile: () => '' });
  const context = { settings, values, files: fakeIo([]), ...NO_LOGS, reloadables: [] };
  return {
    settings,
    values,
    modules: { modes: new Map(), extensions: [] },
    makeMode: await prepareModes(context),
    authenticator: null,
    memory: new MemoryAccount(),
    targets: new TargetCounters(),
    tls: null,
    reloadables: [],
    modeReloadables: [],
    recording,
    clientLog: NO_LOGS.clientLog,
    ...given,
  };
}

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly address?: string;
}

interface Surroundings {
  readonly isTTY?: boolean;
  readonly openFiles?: number;
  readonly resources?: Partial<Found>;
  readonly membership?: Membership;
  readonly inspector?: Parameters<typeof serve>[5];
}

/** One run of `serve`, with its signals in the test's hands. */
class Run {
  readonly io: FakeIo;
  readonly exitCode: Promise<number>;
  /** Settles once signals are listened for. */
  readonly heard: Promise<void>;
  readonly #listeners = new Map<string, (error?: unknown) => void>();
  readonly #log = { text: '' };

  constructor(
    t: Test,
    flags: Flags = {},
    {
      isTTY = false,
      openFiles = 1_000_000,
      resources = {},
      membership,
      inspector,
    }: Surroundings = {},
  ) {
    let hear: () => void = () => undefined;
    this.heard = new Promise((resolve) => {
      hear = resolve;
    });
    const listenerOf = (name: string, listener: (error?: unknown) => void) => {
      this.#listeners.set(name, listener);
      if (name === 'SIGTERM') hear();
      return () => {
        this.#listeners.delete(name);
      };
    };
    this.io = {
      ...fakeIo([], {
        isTTY,
        files: { [LIMITS_FILE]: `Max open files            ${openFiles}    ${openFiles}    files` },
      }),
      onSignal: listenerOf,
      onCrash: (listener) => listenerOf('crash', listener),
    };
    const log = createLog('info', 'json', { write: (text) => (this.#log.text += text) });
    const given = { listen: ['127.0.0.1:0'], echo: true, ...flags };
    const again = (): Loaded => load({ flags: given, environment: {}, readFile: () => '' });
    this.exitCode = resourcesOf(given, resources).then((all) =>
      serve(all, this.io, log, again, membership, inspector),
    );
    t.teardown(async () => {
      // A run that a failed test left behind.
      while (this.listenerNames.length > 0) {
        this.signal('SIGTERM');
        await new Promise(setImmediate);
      }
    });
  }

  get log(): readonly LogLine[] {
    return this.#log.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as LogLine);
  }

  /** Messages of a level. */
  messages(level: string): readonly string[] {
    return this.log.filter((line) => line.level === level).map(({ msg }) => msg);
  }

  /** What is listened for now. */
  get listenerNames(): readonly string[] {
    return [...this.#listeners.keys()].sort();
  }

  signal(name: Signal): void {
    this.#listeners.get(name)!();
  }

  crash(error: unknown): void {
    this.#listeners.get('crash')!(error);
  }

  async port(): Promise<number> {
    const find = (): LogLine | undefined => this.log.find(({ msg }) => msg === 'listening');
    await eventually(() => find() !== undefined, 'the server to listen');
    await eventually(() => this.listenerNames.length > 0, 'signals to be listened for');
    return Number(new URL(find()!.address!).port);
  }

  /** A client whose handshake is through. */
  async connect(t: Test): Promise<RawClient> {
    const client = await connectRaw(t, await this.port());
    await client.open();
    return client;
  }

  async ended(): Promise<number> {
    return await within(this.exitCode, 'the end');
  }
}

/** Answers the server's Close, and goes. */
async function answerClose(client: RawClient): Promise<void> {
  await client.waitForBytes(SHUTTING_DOWN.length);
  client.send(encodeFrames([closeFrame(1001)], true));
  await client.waitForEnd();
  await client.finish();
}

t.test('it echoes until it is told to stop', async (t) => {
  const run = new Run(t);
  const client = await run.connect(t);
  client.send(encodeFrames([textFrame('hello'), closeFrame(1000)], true));
  await client.waitForEnd();
  const expected = encodeFrames([textFrame('hello'), closeFrame(1000)], false);
  t.equal(hexOf(client.received), hexOf(expected));
  await client.finish();
  run.signal('SIGTERM');
  t.equal(await run.ended(), ExitCode.Ok);
  t.strictSame(run.messages('warn'), []);
  t.equal(run.log.at(-1)!.msg, 'stopped');
  t.strictSame(run.io.written, { out: '', err: '' });
});

t.test('SIGTERM and SIGINT: sessions are closed, and the exit status is 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const run = new Run(t);
    const client = await run.connect(t);
    t.strictSame(run.listenerNames, ['SIGHUP', 'SIGINT', 'SIGTERM', 'crash']);
    run.signal(signal);
    await answerClose(client);
    t.equal(await run.ended(), ExitCode.Ok, signal);
    t.strictSame(run.listenerNames, [], 'nothing is listened for any more');
  }
});

t.test('a signal before the server listens is not lost', async (t) => {
  const run = new Run(t);
  await run.heard;
  run.signal('SIGTERM');
  t.equal(await run.ended(), ExitCode.Ok);
  t.strictSame(run.messages('info'), ['stopping', 'stopped']);
  t.strictSame(run.listenerNames, []);
});

t.test('a second signal, whichever, stops at once: 1', async (t) => {
  for (const second of ['SIGTERM', 'SIGINT'] as const) {
    const run = new Run(t);
    const client = await run.connect(t);
    run.signal('SIGTERM');
    await client.waitForBytes(SHUTTING_DOWN.length);
    run.signal(second);
    t.equal(await run.ended(), ExitCode.Failure);
    await client.waitForEnd();
  }
});

t.test('SIGHUP without a terminal is a reload, of nothing', async (t) => {
  const run = new Run(t);
  const client = await run.connect(t);
  run.signal('SIGHUP');
  await eventually(() => run.log.at(-1)!.msg === 'reloaded: nothing has changed', 'the line');
  client.send(encodeFrames([textFrame('a')], true));
  await client.waitForBytes(3);
  t.notOk(client.hasEnded);
  run.signal('SIGTERM');
  await answerClose(client);
  t.equal(await run.ended(), ExitCode.Ok);
});

t.test('SIGHUP of a terminal that is gone is a stop', async (t) => {
  const run = new Run(t, {}, { isTTY: true });
  const client = await run.connect(t);
  run.signal('SIGHUP');
  await answerClose(client);
  t.equal(await run.ended(), ExitCode.Ok);
  t.notMatch(run.messages('info').join(), 'reloaded');
});

t.test('an error that nothing caught: it is said, sessions are closed, and 1', async (t) => {
  const run = new Run(t);
  const client = await run.connect(t);
  run.crash(new TypeError('a defect'));
  t.strictSame(run.messages('fatal'), ['internal error']);
  await answerClose(client);
  t.equal(await run.ended(), ExitCode.Failure);
  t.match(
    run.log.find(({ level }) => level === 'fatal'),
    { err: { type: 'TypeError', message: 'a defect' } },
  );
});

t.test('a second such error does not wait for anybody', async (t) => {
  const run = new Run(t);
  const client = await run.connect(t);
  run.crash(new Error('first'));
  run.crash(new Error('second'));
  t.equal(await run.ended(), ExitCode.Failure);
  t.equal(run.messages('fatal').length, 2);
  await client.waitForEnd();
});

t.test('a port that is taken: one sentence and 1', async (t) => {
  const first = new Run(t);
  const port = await first.port();
  const second = new Run(t, { listen: [`127.0.0.1:${port}`] });
  t.equal(await second.ended(), ExitCode.Failure);
  t.equal(
    second.io.written.err,
    `twist: cannot listen on 127.0.0.1:${port}: the address is in use already\n`,
  );
  t.strictSame(second.listenerNames, []);
  t.strictSame(second.log, []);
  first.signal('SIGTERM');
  t.equal(await first.ended(), ExitCode.Ok);
});

t.test('it warns when the system allows fewer files than connections', async (t) => {
  const run = new Run(t, { maxConnections: '100' }, { openFiles: 100 });
  await run.port();
  t.match(run.messages('warn'), [/^fewer connections are taken: --max-connections is 100, but /]);
  run.signal('SIGTERM');
  t.equal(await run.ended(), ExitCode.Ok);
});

t.test('the mode and the extensions of a user are served', async (t) => {
  const loud: Mode = {
    name: 'loud',
    delivery: 'messages',
    message: (session, opcode) => {
      session.sendRange(opcode, new TextEncoder().encode('LOUD'));
    },
  };
  const names: string[] = [];
  const extension: Extension = {
    name: 'x-seen',
    create: () => {
      names.push('x-seen');
      throw new Error('declined');
    },
  };
  const modules = { modes: new Map([['loud.mjs', loud]]), extensions: [extension] };
  const run = new Run(t, { echo: false, mode: 'loud.mjs' }, { resources: { modules } });
  const client = await connectRaw(t, await run.port());
  await client.open({ 'Sec-WebSocket-Extensions': 'x-seen' });
  client.send(encodeFrames([textFrame('a'), closeFrame(1000)], true));
  await client.waitForEnd();
  const expected = encodeFrames([textFrame('LOUD'), closeFrame(1000)], false);
  t.equal(hexOf(client.received), hexOf(expected));
  t.strictSame(names, ['x-seen'], 'it was asked');
  await client.finish();
  t.match(run.log, [{ msg: 'listening', mode: 'loud' }]);
  run.signal('SIGTERM');
  t.equal(await run.ended(), ExitCode.Ok);
});

t.test('a proxy on one path, files beside it, and a user to be known', async (t) => {
  const target = createServer((socket) => socket.pipe(socket));
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  t.teardown(() => target.close());
  const { port } = target.address() as AddressInfo;
  const folder = makeTempDir(t);
  writeFileSync(path.join(folder, 'hello.txt'), 'hello file');
  const run = new Run(
    t,
    { echo: false, route: [`/vnc=tcp:127.0.0.1:${port}`], static: folder },
    { resources: { authenticator: onePassword('ann:secret') } },
  );
  const authorization = `Basic ${Buffer.from('ann:secret').toString('base64')}`;

  const stranger = await connectRaw(t, await run.port());
  stranger.send(upgradeText({}, 'GET /vnc HTTP/1.1'));
  await stranger.waitForEnd();
  t.match(stranger.received.toString(), /^HTTP\/1\.1 401 /);
  await stranger.finish();

  const nobody = await connectRaw(t, await run.port());
  nobody.send(upgradeText({ Authorization: authorization }, 'GET /nowhere HTTP/1.1'));
  await nobody.waitForEnd();
  t.match(nobody.received.toString(), /^HTTP\/1\.1 404 /);
  await nobody.finish();

  const browser = await connectRaw(t, await run.port());
  browser.send(
    `GET /hello.txt HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\nConnection: close\r\n\r\n`,
  );
  await browser.waitForEnd();
  t.match(browser.received.toString(), /^HTTP\/1\.1 200 [^]*hello file$/);
  await browser.finish();

  const client = await connectRaw(t, await run.port());
  client.send(upgradeText({ Authorization: authorization }, 'GET /vnc HTTP/1.1'));
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
  t.match(client.received.toString(), /^HTTP\/1\.1 101 /);
  client.forget();
  client.send(encodeFrames([textFrame('hello')], true));
  const echo = encodeFrames([binaryFrame('hello')], false);
  await client.waitForBytes(echo.length);
  t.equal(hexOf(client.received), hexOf(echo), 'text goes out, and comes back as binary');
  t.match(run.log[0], { msg: 'listening', mode: `/vnc=tcp:127.0.0.1:${port}` });
  run.signal('SIGTERM');
  await client.waitForBytes(echo.length + SHUTTING_DOWN.length);
  client.send(encodeFrames([closeFrame(1001)], true));
  t.equal(await run.ended(), ExitCode.Ok);
});

t.test(
  'what is recorded is in the file when the server has stopped; SIGHUP opens it anew',
  async (t) => {
    const record = path.join(makeTempDir(t), 'traffic.ndjson');
    const run = new Run(t, { record, recordSync: 'none' });
    const client = await run.connect(t);
    renameSync(record, `${record}.1`);
    run.signal('SIGHUP');
    await eventually(() => existsSync(record), 'a new file');
    client.send(encodeFrames([textFrame('hello'), closeFrame(1000)], true));
    await client.waitForEnd();
    await client.finish();
    run.signal('SIGTERM');
    t.equal(await run.ended(), ExitCode.Ok);
    const events = readFileSync(record, 'utf8').match(/"ev":"[a-z]+"/g)!;
    t.match(events.join(' '), '"ev":"msg" "ev":"msg"');
    t.equal(events.at(-1), '"ev":"close"');
  },
);

t.test('a file that cannot be opened is a wrong configuration', async (t) => {
  const record = path.join(makeTempDir(t), 'missing', 'traffic.ndjson');
  const run = new Run(t, { record });
  await t.rejects(run.exitCode, {
    name: 'ConfigError',
    message: `--record cannot be "${record}": its directory does not exist`,
  });
  t.strictSame(run.listenerNames, []);
});

t.test('a server that cannot listen has not touched the file', async (t) => {
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  const torn = '{"v":1,"ev":"file","tool":"twist/1.0.0","t":1}\n{"ev":"ms';
  const unix = 'unix:/missing/twist.sock';
  for (const content of [null, torn]) {
    if (content !== null) writeFileSync(record, content);
    const run = new Run(t, { record, listen: unix });
    t.equal(await run.ended(), ExitCode.Failure);
    if (content === null) t.notOk(existsSync(record));
    else t.equal(readFileSync(record, 'utf8'), content);
    t.strictSame(readdirSync(path.dirname(record)), content === null ? [] : ['traffic.ndjson']);
    t.notOk(run.messages('info').includes('recording ended'), 'it has not begun');
  }
});

t.test('a file that another server records to is not touched', async (t) => {
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  const first = new Run(t, { record, recordSync: 'none' });
  await first.connect(t);
  // What it writes of the session would come after the half line.
  await eventually(() => readFileSync(record, 'utf8').includes('"ev":"open"'), 'the record');
  appendFileSync(record, '{"ev":"ms');
  const content = readFileSync(record, 'utf8');
  const second = new Run(t, { record });
  t.equal(await second.ended(), ExitCode.Failure);
  t.equal(
    second.io.written.err,
    `twist: --record cannot be "${record}": another process records to it; give each server a file of its own\n`,
  );
  t.equal(readFileSync(record, 'utf8'), content);
  first.signal('SIGTERM');
  await first.ended();
});

t.test('a file that cannot be opened any more when the server listens', async (t) => {
  const directory = makeTempDir(t);
  const record = path.join(directory, '%Y', 'traffic.ndjson');
  writeFileSync(path.join(directory, String(new Date().getUTCFullYear())), '');
  const run = new Run(t, { record });
  await t.rejects(run.exitCode, {
    name: 'ConfigError',
    message: /"[^"]+": its directory is none$/,
  });
  t.strictSame(run.listenerNames, []);
});

t.test('one of several processes: others say what concerns all of them', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.teardown(() => taken.close());
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const failures: string[] = [];
  const membership: Membership = {
    group: {
      worker: 2,
      reloadLog: new KeptLog(),
      listening: () => undefined,
      reserve: () => Promise.resolve(null),
      release: () => undefined,
    },
    watch: (source) => {
      t.ok(source);
    },
    failed: (sentence) => failures.push(sentence),
  };
  const flags = { listen: [`127.0.0.1:${port}`], maxConnections: '100' };
  for (const [openFiles, sentence] of [
    [1000, `cannot listen on 127.0.0.1:${port}: the address is in use already`],
    [
      100,
      'with several workers --max-connections is 100, but this process may open only 100 files: raise the limit (ulimit -n, LimitNOFILE=) or lower the option to 1',
    ],
  ] as const) {
    const run = new Run(t, flags, { openFiles, membership });
    t.equal(await run.ended(), ExitCode.Failure);
    t.strictSame(failures.splice(0), [sentence]);
    t.strictSame([run.io.written.err, run.messages('warn')], ['', []]);
  }
});

t.test('an inspector gets all records, ends sessions, and ends after the last one', async (t) => {
  const texts: string[] = [];
  const calls: string[] = [];
  const inspector = {
    feed: {
      lost: 0,
      take: ({ chunks }: { readonly chunks: readonly Uint8Array[] }) => {
        texts.push(Buffer.concat(chunks).toString());
      },
    },
    isUp: true,
    counters: { restarts: 0 },
    onEnd: (): string | null | Promise<string | null> => 'nobody is there',
    start: () => Promise.resolve(void calls.push('start')),
    reload: () => calls.push('reload'),
    close: () => Promise.resolve(void calls.push('close')),
  };
  const run = new Run(t, { inspect: '0', admin: '127.0.0.1:0' }, { inspector });
  const client = await run.connect(t);
  client.send(encodeFrames([textFrame('hello')], true));
  await eventually(() => texts.join('').includes('"dir":"out"'), 'the records');
  const records = texts.join('').trimEnd().split('\n');
  const { s } = JSON.parse(records[0]!) as { s: string };
  t.match(
    records.map((line) => (JSON.parse(line) as { ev: string }).ev),
    ['open', 'msg', 'msg'],
  );
  run.signal('SIGHUP');
  await eventually(() => calls.includes('reload'), 'the reload');
  const end = inspector.onEnd as (...given: unknown[]) => unknown;
  t.equal(end(s, 3000, 'enough'), null);
  await eventually(() => run.messages('info').includes('session ended by the inspector'), 'a line');
  const { address } = run.log.find(({ msg }) => msg === 'admin endpoint')!;
  const metrics = await (await fetch(`${address}/metrics`)).text();
  t.match(metrics, /^twist_inspect_up 1$/m);
  t.notMatch(metrics, /twist_recording_/, 'no file is written');
  run.signal('SIGTERM');
  run.signal('SIGTERM');
  await run.exitCode;
  t.strictSame(calls, ['start', 'reload', 'close']);
  t.match(texts.join(''), /"ev":"close".*"code":3000,"reason":"enough"/);
  t.notOk(run.messages('info').includes('recording'));
});

t.test('a stop does not wait for an inspector that does not come up', async (t) => {
  const calls: string[] = [];
  let settle = (): void => undefined;
  const inspector = {
    feed: { lost: 0, take: () => undefined },
    isUp: false,
    counters: { restarts: 0 },
    onEnd: (): null => null,
    start: () =>
      calls.length > 0 ? Promise.resolve() : new Promise<void>((resolve) => (settle = resolve)),
    reload: () => undefined,
    close: () => {
      calls.push('close');
      settle();
      return Promise.resolve();
    },
  };
  const run = new Run(t, { inspect: '0' }, { inspector });
  await run.heard;
  run.signal('SIGTERM');
  t.equal(await run.ended(), ExitCode.Ok);
  t.strictSame(calls, ['close', 'close']);
  t.strictSame(run.messages('info'), ['stopping', 'stopped']);
});

t.test('a worker tells only what its inspector has lost', async (t) => {
  const inspector = {
    feed: { lost: 3, take: () => undefined },
    onEnd: () => null,
    start: () => Promise.resolve(),
    reload: () => undefined,
    close: () => Promise.resolve(),
  };
  const run = new Run(t, { admin: '127.0.0.1:0' }, { inspector });
  await run.port();
  const { address } = run.log.find(({ msg }) => msg === 'admin endpoint')!;
  const metrics = await (await fetch(`${address}/metrics`)).text();
  t.match(metrics, /^twist_inspect_lost_records_total 3$/m);
  t.notMatch(metrics, /twist_inspect_up/);
  run.signal('SIGTERM');
  t.equal(await run.exitCode, 0);
});
