import { Buffer } from 'node:buffer';
import { readFileSync } from 'node:fs';
import t from 'tap';
import type { TapGate } from '../../../src/session/tap/tap.js';
import type { SessionSummary } from '../../../src/session/session.js';
import { Durations } from '../../../src/durations.js';
import { HandshakeError } from '../../../src/errors.js';
import type { KnownHarmless } from '../../../src/handshake/redaction/redaction.js';
import type { UpgradeRequest } from '../../../src/handshake/request.js';
import type { BatchSource } from '../../../src/recording/write/batch.js';
import type { AnyRecord, GapRecord } from '../../../src/recording/format/record.js';
import type { RecordedSession } from '../../../src/recording/write/recorded-session.js';
import { Recorder, type RecorderOptions } from '../../../src/recording/write/recorder.js';
import { RecordingWriter } from '../../../src/recording/file/recording-writer.js';
import type { SyncPolicy } from '../../../src/recording/file/writer-owner.js';
import { FaultyFileSystem } from '../../fixtures/faulty-file-system.js';
import { FakeSession } from '../../fixtures/fake-session.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { eventually } from '../../fixtures/within.js';

const REQUEST = {
  target: '/room?token=secret',
  host: 'localhost',
  scheme: 'ws',
  headers: [
    { name: 'host', value: 'localhost' },
    { name: 'cookie', value: 'secret' },
  ],
} as unknown as UpgradeRequest;

const A = Buffer.from('a');
const NAME = /^[0-9A-Z]{26}$/;

class FakeGate implements TapGate {
  hearsOut = false;
  readonly calls: string[] = [];
  pause = (): number => this.calls.push('pause');
  resume = (): number => this.calls.push('resume');
  hold = (): number => this.calls.push('hold');
  seal = (): number => this.calls.push('seal');
  letGo = (): number => this.calls.push('let go');
  stopHolding = (): number => this.calls.push('stop holding');
  end = (code: number, reason: string): number => this.calls.push(`end ${code} ${reason}`);
  close = (code: number, reason: string): number => this.calls.push(`close ${code} ${reason}`);

  take(): readonly string[] {
    return this.calls.splice(0);
  }
}

/** A recorder whose writer is in the test's hands. */
class Bench {
  readonly recorder: Recorder;
  source!: BatchSource;
  isDropping = false;
  isStopped = false;
  failure = '';
  readonly queue = {
    waitingBytes: 6,
    limitBytes: 1000,
    lagMs: 7,
    isFull: false,
    syncs: new Durations(),
  };
  lost = 0;
  appendedCount = 0;
  readonly calls: string[] = [];
  readonly stats = {
    records: 4,
    bytes: 5,
    files: 1,
    lost: 2,
    batches: 3,
    failures: 0,
    deletedFiles: 0,
    totalBytes: 5,
    maxTotalBytes: 0,
  };
  readonly log = new KeptLog();

  constructor(sync: SyncPolicy = 'interval', watchesFrames = false, shown: KnownHarmless = {}) {
    this.recorder = new Recorder(
      {
        path: 'unused',
        sync,
        onFull: 'stop',
        rotateBytes: 0,
        queueBytes: 1000,
        log: this.log,
        maxPayloadBytes: Infinity,
        watchesFrames,
        shown,
        tool: 'twist/test',
      },
      (_options, source) => {
        this.source = source;
        return this;
      },
    );
  }

  claim = (): Promise<void> => Promise.resolve(void this.calls.push('claim'));
  start = (): Promise<void> => Promise.resolve(void this.calls.push('start'));
  reopen = (): Promise<void> => Promise.resolve(void this.calls.push('reopen'));
  close = (): Promise<void> => Promise.resolve(void this.calls.push('close'));

  appended(): void {
    this.appendedCount++;
  }

  lose(records: number): void {
    this.lost += records;
  }

  /** A session begins. */
  begin(gate = new FakeGate()): { gate: FakeGate; session: RecordedSession } {
    const session = this.recorder.begin(new FakeSession(), REQUEST, 'echo', gate);
    return { gate, session };
  }

  /** What was recorded since the last call. */
  records(): AnyRecord[] {
    const batch = this.source.take();
    const lines = Buffer.concat(batch.chunks).toString().split('\n');
    t.equal(lines.pop(), '');
    t.equal(lines.length, batch.records);
    return lines.map((line) => JSON.parse(line) as AnyRecord);
  }
}

const receive = (session: RecordedSession): void => {
  session.message(true, 1, A, 0, 1, true, true, 7);
};

t.test('a session from its beginning to its end', async (t) => {
  const bench = new Bench();
  bench.recorder.admit();
  const { session, gate } = bench.begin();
  receive(session);
  session.message(false, 2, A, 0, 1, true, false, 3);
  session.control(true, 9, A, 0, 1);
  session.target({ state: 'connected', target: 'host:1' });
  session.target({ state: 'lost', target: 'host:1', error: 'ECONNRESET' });
  const summary = {
    closedBy: 'client',
    closeCode: 1000,
    closeReason: 'done',
    messagesIn: 1,
    bytesIn: 2,
    messagesOut: 3,
    bytesOut: 4,
    durationMs: 1500,
    rule: null,
  } as SessionSummary;
  session.closed(summary);
  const [open, ...others] = bench.records();
  t.match(open, {
    ev: 'open',
    s: NAME,
    id: 1,
    remote: '203.0.113.7:51234',
    local: '192.0.2.1:443',
    tls: null,
    url: '/room?token=[hidden:6]',
    headers: { host: 'localhost', cookie: '[hidden:6]' },
    subprotocol: null,
    extensions: null,
    mode: 'echo',
  });
  t.notMatch(JSON.stringify(open), /secret/);
  t.match(others, [
    { ev: 'msg', dir: 'in', op: 1, len: 1, wire: 7, data: 'a' },
    { ev: 'msg', dir: 'out', op: 2, part: 'first', wire: 3, b64: 'YQ==' },
    { ev: 'ctl', dir: 'in', op: 9, b64: 'YQ==' },
    { ev: 'target', state: 'connected', target: 'host:1' },
    { ev: 'target', state: 'lost', target: 'host:1', error: 'ECONNRESET' },
    {
      ev: 'close',
      by: 'client',
      code: 1000,
      reason: 'done',
      in: { msgs: 1, bytes: 2 },
      out: { msgs: 3, bytes: 4 },
      dur: 1.5,
    },
  ]);
  t.equal(others.length, 6);
  t.equal(bench.appendedCount, 7);
  for (const record of others) t.equal((record as { s: string }).s, (open as { s: string }).s);
  t.strictSame(gate.take(), []);
});

t.test(
  'what a session broke, where it was not on TCP, and a subprotocol that is a secret',
  async (t) => {
    const bench = new Bench();
    const session = Object.assign(new FakeSession(), {
      remoteAddress: 'unix',
      remotePort: 0,
      subprotocol: 'bearer.secret',
      extensions: 'x; secret',
    });
    const observer = bench.recorder.begin(session, REQUEST, 'echo', new FakeGate());
    observer.closed({ rule: 'rsv' } as unknown as SessionSummary);
    const [open, close] = bench.records();
    t.match(open, { remote: 'unix', subprotocol: '[hidden:13]', extensions: 'x; [hidden:6]' });
    t.match(close, { ev: 'close', rule: 'rsv' });
  },
);

t.test('the URL that a client has asked a trusted proxy for', async (t) => {
  const bench = new Bench();
  const proxied = { ...REQUEST, host: 'desk.example.com', scheme: 'wss' } as const;
  bench.recorder.begin(new FakeSession(), proxied, 'echo', new FakeGate());
  t.match(bench.records(), [{ url: 'wss://desk.example.com/room?token=[hidden:6]' }]);
});

t.test('what the operator has named is recorded as it is', async (t) => {
  const bench = new Bench('none', false, { headers: ['cookie'], query: ['token'] });
  bench.recorder.begin(new FakeSession(), REQUEST, 'echo', new FakeGate());
  t.match(bench.records(), [
    { url: '/room?token=secret', headers: { host: 'localhost', cookie: 'secret' } },
  ]);
});

t.test('frames, where they are recorded', async (t) => {
  const bench = new Bench('none', true);
  const { session } = bench.begin();
  t.ok(session.watchesFrames);
  session.frame(true, 0xc1, true, 5, 11);
  session.frame(false, 0x02, false, 5, 7);
  t.match(bench.records().slice(1), [
    { ev: 'frame', dir: 'in', fin: true, rsv: 4, op: 1, masked: true, len: 5, wire: 11 },
    { ev: 'frame', dir: 'out', fin: false, rsv: 0, op: 2, masked: false, len: 5, wire: 7 },
  ]);
});

t.test('a full queue stops every session, also those that begin meanwhile', async (t) => {
  const bench = new Bench();
  const first = bench.begin();
  bench.recorder.full();
  const second = bench.begin();
  t.strictSame([first.gate.take(), second.gate.take()], [['pause'], ['pause']]);
  bench.recorder.drained();
  t.strictSame([first.gate.take(), second.gate.take()], [['resume'], ['resume']]);
  second.session.closed({ rule: null } as SessionSummary);
  bench.recorder.full();
  t.strictSame([first.gate.take(), second.gate.take()], [['pause'], []], 'who is over is let be');
});

t.test('with always output waits for the records before it', async (t) => {
  const bench = new Bench('always');
  const { gate, session } = bench.begin();
  const other = bench.begin();
  bench.recorder.batchTaken();
  bench.recorder.batchDone();
  gate.take();
  other.gate.take();
  receive(session);
  receive(session);
  bench.recorder.batchTaken();
  t.strictSame(gate.take(), ['seal'], 'once for all of them');
  receive(session);
  bench.recorder.batchDone();
  t.strictSame(gate.take(), ['let go']);
  bench.recorder.batchTaken();
  session.closed({ rule: null } as SessionSummary);
  bench.recorder.batchDone();
  t.strictSame(gate.take(), ['seal'], 'a session that is over has nothing to let go');
  bench.recorder.batchTaken();
  t.strictSame(other.gate.take(), [], 'who has no records has no part in it');
});

t.test('a session that ends before its batch is taken', async (t) => {
  const bench = new Bench('always');
  const { gate, session } = bench.begin();
  session.closed({ rule: null } as SessionSummary);
  bench.recorder.batchTaken();
  bench.recorder.batchDone();
  t.strictSame(gate.take(), ['hold', 'seal', 'let go']);
});

t.test('a file that cannot be written stops sessions', async (t) => {
  const bench = new Bench('always');
  const { gate } = bench.begin();
  const deaf = new FakeGate();
  deaf.hearsOut = true;
  bench.begin(deaf);
  bench.recorder.full();
  gate.take();
  deaf.take();
  bench.isStopped = true;
  bench.recorder.failed();
  const close = 'close 1013 the recording cannot be written';
  t.strictSame(gate.take(), [close, 'resume'], 'the Close of the client must be heard');
  t.strictSame(deaf.take(), [close], 'but nothing more recorded than fits');
  t.throws(() => {
    bench.recorder.admit();
  }, new HandshakeError('recording-stopped'));
  bench.isStopped = false;
  bench.recorder.admit();
});

/** What a client does that goes on after our Close, and then ends. */
const goOn = (session: RecordedSession): void => {
  session.frame(true, 0x89, true, 0, 6);
  session.control(true, 9, A, 0, 0);
  session.frame(false, 0x8a, false, 0, 2);
  session.control(false, 10, A, 0, 0);
  session.frame(true, 0x82, true, 1, 7);
};

const END = { rule: null } as SessionSummary;

t.test(
  'who was stopped is heard while the queue is full, and not recorded without end',
  async (t) => {
    for (const isFullFirst of [true, false]) {
      const bench = new Bench('always', true);
      const { gate, session } = bench.begin();
      const deaf = bench.begin(Object.assign(new FakeGate(), { hearsOut: true }));
      if (isFullFirst) bench.recorder.full();
      bench.isStopped = true;
      bench.recorder.failed();
      if (!isFullFirst) {
        goOn(session);
        t.equal(bench.lost, 0, 'as long as there is room');
        bench.recorder.full();
      }
      const pauses = gate.take().filter((call) => call === 'pause' || call === 'resume');
      t.strictSame(pauses, isFullFirst ? ['pause', 'resume'] : []);
      t.strictSame(deaf.gate.take().at(isFullFirst ? -2 : -1), 'pause');
      bench.records();
      goOn(session);
      t.strictSame(bench.records(), []);
      t.equal(bench.lost, 5);
      goOn(deaf.session);
      t.equal(bench.records().length, 5, 'who is paused need not lose anything');
      session.frame(true, 0x88, true, 0, 6);
      session.control(true, 8, A, 0, 0);
      session.closed(END);
      t.match(bench.records(), [{ ev: 'frame', op: 8 }, { ev: 'ctl', op: 8 }, { ev: 'close' }]);
      t.equal(bench.lost, 5);
      const late = bench.begin();
      t.equal(late.gate.take().at(-1), 'resume');
      bench.records();
      goOn(late.session);
      t.equal(bench.lost, 10);
      bench.recorder.drained();
      goOn(late.session);
      t.equal(bench.records().length, 5, 'there is room again');
    }
  },
);

t.test('a stopped session is not held again: only its end is left', async (t) => {
  const bench = new Bench('always');
  const { gate, session } = bench.begin();
  bench.isStopped = true;
  bench.recorder.failed();
  gate.take();
  bench.isStopped = false;
  bench.recorder.recovered();
  session.control(true, 9, A, 0, 0);
  bench.recorder.batchTaken();
  bench.recorder.batchDone();
  t.strictSame(gate.take(), []);
  t.strictSame(bench.begin().gate.take(), ['hold', 'seal', 'let go'], 'a new one is');
});

t.test('or records are left out and counted, and nothing is held', async (t) => {
  const bench = new Bench('always');
  const { gate, session } = bench.begin();
  bench.records();
  gate.take();
  bench.isDropping = true;
  bench.recorder.failed();
  bench.recorder.failed();
  t.strictSame(gate.take(), ['stop holding']);
  receive(session);
  session.control(true, 9, A, 0, 0);
  session.frame(true, 0x81, true, 1, 7);
  session.target({ state: 'ended', target: 'host:1' });
  const late = bench.begin();
  t.strictSame(late.gate.take(), []);
  t.strictSame(bench.records(), []);
  t.equal(bench.lost, 5);
  bench.isDropping = false;
  bench.recorder.recovered();
  bench.recorder.recovered();
  const again = ['hold', 'seal', 'let go'];
  t.strictSame([gate.take(), late.gate.take()], [again, again]);
  bench.isDropping = true;
  session.closed({ rule: null } as SessionSummary);
  t.equal(bench.lost, 6);
});

t.test('sessions that begin while the recording comes back, and it does not', async (t) => {
  const bench = new Bench('always');
  const [held, letGo] = [['hold', 'seal', 'let go'], ['stop holding']];
  const early = bench.begin();
  bench.recorder.batchTaken();
  early.gate.take();
  bench.isDropping = true;
  bench.recorder.failed();
  t.strictSame(early.gate.take(), letGo);
  const dropped = bench.begin();
  bench.recorder.batchDone();
  t.strictSame([early.gate.take(), dropped.gate.take()], [[], []], 'nobody has to wait');
  bench.isDropping = false;
  bench.recorder.recovered();
  t.strictSame([early.gate.take(), dropped.gate.take()], [held, held]);
  const late = bench.begin();
  receive(early.session);
  t.strictSame(late.gate.take(), held);
  // The line about the gap could not be written.
  bench.isDropping = true;
  bench.recorder.failed();
  const all = [early, dropped, late];
  t.strictSame(
    all.map(({ gate }) => gate.take()),
    [letGo, letGo, letGo],
  );
  // Now it is written, and what was appended meanwhile.
  bench.recorder.batchTaken();
  bench.recorder.batchDone();
  t.strictSame(
    all.map(({ gate }) => gate.take()),
    [[], [], []],
  );
  bench.isDropping = false;
  bench.recorder.recovered();
  for (const { gate } of all) t.strictSame(gate.take(), held);
  for (const { session } of all) receive(session);
  bench.recorder.batchTaken();
  receive(late.session);
  bench.recorder.batchDone();
  for (const { gate } of all) t.strictSame(gate.take(), ['seal', 'let go'], 'each of them once');
  bench.recorder.batchTaken();
  bench.recorder.batchDone();
  t.strictSame(
    all.map(({ gate }) => gate.take()),
    [[], [], ['seal', 'let go']],
  );
});

t.test('all sessions are held before one of them goes on and sends to the others', async (t) => {
  const bench = new Bench('always');
  const [first, second] = [bench.begin(), bench.begin()];
  bench.isDropping = true;
  bench.recorder.failed();
  second.gate.take();
  let before: readonly string[] = [];
  first.gate.letGo = () => {
    before = second.gate.take();
    return 0;
  };
  bench.isDropping = false;
  bench.recorder.recovered();
  t.strictSame(before, ['hold', 'seal']);
  t.strictSame(second.gate.take(), ['let go']);
});

t.test('without always nothing was held, and nothing is', async (t) => {
  const bench = new Bench();
  const { gate } = bench.begin();
  bench.isDropping = true;
  bench.recorder.failed();
  bench.isDropping = false;
  bench.recorder.recovered();
  t.strictSame(gate.take(), []);
});

t.test('the lines that a file begins with, and that say what is missing', async (t) => {
  const { recorder } = new Bench();
  const parse = (line: Uint8Array): unknown => JSON.parse(Buffer.from(line).toString());
  t.match(parse(recorder.headerLine()), {
    ...{ v: 1, ev: 'file', tool: 'twist/test', t: Number, redacted: true },
  });
  const gap = parse(recorder.gapLine(1500, 3, 'ENOSPC')) as GapRecord;
  t.match(gap, { ev: 'gap', t: Number, records: 3, error: 'ENOSPC' });
  t.equal(Math.round((gap.t - gap.since) * 1e6), 1_500_000, 'whatever the wall clock was then');
});

t.test('what is known to be harmless from then on is shown', async (t) => {
  const bench = new Bench('none');
  bench.begin();
  t.match(bench.records(), [{ url: '/room?token=[hidden:6]' }]);
  bench.recorder.show({ query: ['token'] });
  bench.begin();
  t.match(bench.records(), [{ url: '/room?token=secret' }]);
});

t.test('the file is the business of the writer', async (t) => {
  const bench = new Bench();
  await bench.recorder.claim();
  await bench.recorder.start();
  await bench.recorder.reopen();
  await bench.recorder.close();
  t.strictSame(bench.calls, ['claim', 'start', 'reopen', 'close']);
  t.strictSame(
    bench.log.lines.map(({ message, fields }) => [message, fields]),
    [
      ['recording', { file: 'unused' }],
      ['recording ended', { file: 'unused', records: 4, bytes: 5, files: 1, lost: 2 }],
    ],
  );
});

t.test('what has not begun does not end', async (t) => {
  const bench = new Bench();
  await bench.recorder.claim();
  await bench.recorder.close();
  t.strictSame(bench.calls, ['claim', 'close']);
  t.strictSame(bench.log.lines, []);
});

const recorderOn = (path: string, options: Partial<RecorderOptions> = {}): Recorder =>
  new Recorder({
    path,
    sync: 'none',
    onFull: 'stop',
    rotateBytes: 0,
    queueBytes: 1_000_000,
    log: new KeptLog(),
    maxPayloadBytes: Infinity,
    watchesFrames: false,
    tool: 'twist/test',
    ...options,
  });

const recordsIn = (path: string): AnyRecord[] =>
  readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as AnyRecord);

t.test('a recording in a real file', async (t) => {
  const path = `${makeTempDir(t)}/traffic.ndjson`;
  const recorder = recorderOn(path);
  await recorder.start();
  receive(recorder.begin(new FakeSession(), REQUEST, 'echo', new FakeGate()));
  await recorder.close();
  const events = recordsIn(path).map(({ ev }) => ev);
  t.strictSame(events, ['file', 'open', 'msg']);
});

t.test('no reply leaves unheld while the line about a gap is on its way', async (t) => {
  const path = `${makeTempDir(t)}/traffic.ndjson`;
  const fileSystem = new FaultyFileSystem();
  const times = { retryMs: 1, closeTimeout: 10_000 };
  const recorder = recorderOn(path, { sync: 'always', onFull: 'drop', fileSystem, times });
  await recorder.start();
  const gates = [new FakeGate(), new FakeGate()] as const;
  const first = recorder.begin(new FakeSession(), REQUEST, 'echo', gates[0]);
  await eventually(() => gates[0].calls.length === 5, 'its beginning on disk');
  fileSystem.fail('write', 'ENOSPC');
  receive(first);
  await eventually(() => gates[0].calls.includes('stop holding'), 'the failure');
  receive(first);
  gates[0].take();
  // The first write is that of the batch, the second that of the gap: meanwhile a session begins.
  let writes = 0;
  fileSystem.fail('write', () => {
    if (++writes < 2) return null;
    fileSystem.fail('write', null);
    receive(first);
    recorder.begin(new FakeSession(), REQUEST, 'echo', gates[1]);
    return 'EDQUOT';
  });
  await eventually(() => gates[1].calls.includes('stop holding'), 'the second one');
  t.strictSame(gates[0].calls.slice(0, 4), ['hold', 'seal', 'let go', 'stop holding']);
  t.strictSame(gates[1].calls.slice(0, 4), ['hold', 'seal', 'let go', 'stop holding']);
  await eventually(() => gates[1].calls.at(-1) === 'let go', 'the recording to go on');
  receive(first);
  await recorder.close();
  t.strictSame(gates[0].calls.slice(4), ['hold', 'seal', 'let go', 'seal', 'let go']);
  t.match(recordsIn(path), [
    ...[{ ev: 'file' }, { ev: 'open' }, { ev: 'msg' }, { ev: 'gap', records: 1, error: 'ENOSPC' }],
    ...[{ ev: 'msg' }, { ev: 'open' }, { ev: 'msg' }],
  ]);
});

t.test('a client that floods us with Pings after our Close fills no memory', async (t) => {
  const path = `${makeTempDir(t)}/traffic.ndjson`;
  const fileSystem = new FaultyFileSystem();
  const queueBytes = 2000;
  let source!: BatchSource;
  const options = { onFull: 'stop', queueBytes, fileSystem, times: { retryMs: 1 } } as const;
  const settings = { ...options, path, sync: 'none', rotateBytes: 0, log: new KeptLog() } as const;
  const recorder = new Recorder(
    { ...settings, maxPayloadBytes: Infinity, watchesFrames: false, tool: 'twist/test' },
    (writerOptions, itsSource, owner) => {
      source = itsSource;
      return new RecordingWriter(writerOptions, itsSource, owner);
    },
  );
  await recorder.start();
  fileSystem.fail('write', 'ENOSPC');
  const gate = new FakeGate();
  const session = recorder.begin(new FakeSession(), REQUEST, 'echo', gate);
  await eventually(() => gate.calls.length > 0, 'the end of the session');
  // A frame is recorded more often than a Ping, before it is only counted.
  for (let count = 0; count < 900; count++) session.frame(true, 0x81, true, 1, 7);
  for (let count = 0; count < 1000; count++) session.control(true, 9, A, 0, 0);
  t.ok(source.bytes < queueBytes + 200, `${source.bytes} bytes wait`);
  t.notOk(gate.calls.includes('pause'), 'its Close is heard');
  session.control(true, 8, A, 0, 0);
  session.closed(END);
  fileSystem.fail('write', null);
  await recorder.close();
  const records = recordsIn(path);
  const written = records.filter(({ ev }) => ev === 'frame').length;
  const gap = records.find(({ ev }) => ev === 'gap');
  t.match(gap, { records: 900 - written + 100, error: 'ENOSPC' });
  t.match(records.at(-3), { ev: 'count', of: 'ping', n: 900 }, 'and the others counted');
  t.equal(records.at(-1), gap);
  t.equal(records.at(-2)?.ev, 'close');
});

t.test('a session that fills the queue again as it goes on leaves the others paused', async (t) => {
  const bench = new Bench();
  const first = bench.begin();
  const second = bench.begin();
  bench.recorder.full();
  first.gate.take();
  second.gate.take();
  first.gate.resume = (): number => {
    bench.recorder.full();
    return 0;
  };
  bench.recorder.drained();
  t.strictSame(second.gate.take(), ['pause'], 'and not resumed behind it');
});

t.test('a session that ends because another one goes on is not resumed', async (t) => {
  const bench = new Bench();
  const first = bench.begin();
  const second = bench.begin();
  bench.recorder.full();
  second.gate.take();
  first.gate.resume = (): number => {
    second.session.closed({ rule: null } as SessionSummary);
    return 0;
  };
  bench.recorder.drained();
  t.strictSame(second.gate.take(), []);
});

t.test('sessions that fill the queue take turns', async (t) => {
  const bench = new Bench();
  const order: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    const { gate } = bench.begin();
    gate.resume = (): number => {
      bench.recorder.full();
      return order.push(name);
    };
  }
  for (let count = 0; count < 7; count++) bench.recorder.drained();
  t.equal(order.join(''), 'abcabca');
});

t.test('a session that opens when the file has failed meanwhile is stopped too', async (t) => {
  const bench = new Bench();
  bench.isStopped = true;
  const { gate } = bench.begin();
  t.strictSame(gate.take(), ['close 1013 the recording cannot be written']);
});

t.test('with always the answer to the handshake waits for no record', async (t) => {
  const { gate } = new Bench('always').begin();
  t.strictSame(gate.take(), ['hold', 'seal', 'let go']);
});

t.test('it is well while records are taken', async (t) => {
  const bench = new Bench();
  const { recorder } = bench;
  t.strictSame(recorder.findProblems(), []);
  t.match(recorder.counters, { records: 4, bytes: 5, waitingBytes: 6, lagMs: 7 });
  recorder.full();
  t.strictSame(recorder.findProblems(), ['recording is behind: its queue is full (recordQueue)']);
  recorder.drained();
  bench.failure = 'ENOSPC';
  t.strictSame(recorder.findProblems(), [], 'records are dropped, as the operator wants it');
  bench.isStopped = true;
  t.strictSame(recorder.findProblems(), ['recording failed: ENOSPC']);
  bench.failure = '';
  t.strictSame(recorder.findProblems(), ['recording failed']);
});

t.test('a session that came by TLS', async (t) => {
  const bench = new Bench();
  const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', serverName: 'a' };
  const certificate = { issuer: 'CN=ca', serialNumber: '01', altNames: null };
  const alice = { ...certificate, subject: 'CN=alice', fingerprint: 'AB:CD' };
  for (const one of [null, alice]) {
    const request = { ...REQUEST, tls: { ...tls, certificate: one } };
    bench.recorder.begin(new FakeSession(), request, 'echo', new FakeGate());
  }
  const [without, with_] = bench.records();
  t.match(without, { tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384' });
  t.notOk('clientCertificate' in without!);
  t.match(with_, { clientCertificate: { subject: 'CN=alice', fingerprint: 'AB:CD' } });
});

t.test('a session is ended by its name', async (t) => {
  const bench = new Bench();
  const { gate } = bench.begin();
  const other = bench.begin();
  const [, open] = bench.records();
  const { s } = open as { s: string };
  t.equal(bench.recorder.end(s, 1000, 'enough'), true);
  t.strictSame(gate.take(), []);
  t.strictSame(other.gate.take(), ['end 1000 enough']);
  t.equal(bench.recorder.end('another one', 1000, ''), false);
});

t.test('whoever watches gets all lines, those about gaps in the file too', async (t) => {
  const seen: string[] = [];
  const options: RecorderOptions = {
    ...{ path: 'unused', sync: 'none', onFull: 'drop', rotateBytes: 0, queueBytes: 1000 },
    ...{ log: new KeptLog(), maxPayloadBytes: Infinity, watchesFrames: false, tool: 'twist/test' },
    worker: 3,
    feed: { take: ({ chunks }) => seen.push(Buffer.concat(chunks).toString()) },
  };
  const bench = new Bench();
  let source!: BatchSource;
  const recorder = new Recorder(options, (_options, given) => {
    source = given;
    return bench;
  });
  recorder.begin(new FakeSession(), REQUEST, 'echo', new FakeGate());
  source.recycle(source.take());
  t.match(JSON.parse(seen[0]!), { ev: 'open', mode: 'echo', worker: 3 });
  const line = recorder.gapLine(0, 2, 'ENOSPC');
  t.equal(seen[1], Buffer.from(line).toString());
});
