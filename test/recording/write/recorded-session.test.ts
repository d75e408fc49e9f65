import { Buffer } from 'node:buffer';
import t from 'tap';
import type { TapGate } from '../../../src/session/tap/tap.js';
import type { SessionSummary } from '../../../src/session/session.js';
import { RecordBuffer } from '../../../src/recording/write/record-buffer.js';
import { RecordEncoder } from '../../../src/recording/write/record-encoder.js';
import type { AnyRecord } from '../../../src/recording/format/record.js';
import {
  RecordedSession,
  type RecordedSessionHost,
  newSessionName,
} from '../../../src/recording/write/recorded-session.js';
import { RecordingClock } from '../../../src/recording/write/recording-clock.js';

const A = Buffer.from('a');
const SUMMARY = {
  closedBy: 'lost',
  closeCode: 1006,
  closeReason: '',
  messagesIn: 1,
  bytesIn: 2,
  messagesOut: 3,
  bytesOut: 4,
  durationMs: 1.5,
} as SessionSummary;

class Host implements RecordedSessionHost {
  readonly buffer = new RecordBuffer();
  nowMs = 0;
  wallMs = 1_790_000_000_000;
  readonly clock = new RecordingClock({
    monotonicMs: () => this.nowMs,
    wallMs: () => this.wallMs,
  });
  readonly encoder = new RecordEncoder(this.buffer, this.clock, Infinity);
  readonly watchesFrames = true;
  readonly calls: string[] = [];
  canTake = true;
  /** Records that a client can cause without end are left out. */
  canTakeEndless = true;
  readonly session = new RecordedSession('S1', this.clock.currentOffsetMs(), {} as TapGate, this);

  takes(): boolean {
    return this.canTake;
  }

  takesEndless(session: RecordedSession): boolean {
    t.equal(session, this.session);
    return this.canTakeEndless && this.canTake;
  }

  appended(): void {
    this.calls.push('appended');
  }

  ended(): void {
    this.calls.push('ended');
  }

  records(): AnyRecord[] {
    const lines = Buffer.concat(this.buffer.take().chunks).toString().split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as AnyRecord);
  }
}

function tellEverything(host: Host): void {
  const { session } = host;
  session.frame(true, 0x81, true, 1, 7);
  session.message(true, 1, A, 0, 1, true, true, 7);
  session.frame(false, 0x42, false, 1, 3);
  session.message(false, 2, A, 0, 1, false, true, 3);
  session.control(false, 8, A, 0, 0);
  session.target({ state: 'ended', target: 'host:1' });
  session.target({ state: 'lost', target: 'host:1', error: 'EPIPE' });
  host.nowMs += 1.5;
  session.closed({ ...SUMMARY, rule: null });
}

t.test('a record of everything, each of which is told of', async (t) => {
  const host = new Host();
  t.ok(host.session.watchesFrames);
  tellEverything(host);
  const s = 'S1';
  t.match(host.records(), [
    { ev: 'frame', s, dir: 'in', fin: true, rsv: 0, op: 1, masked: true, len: 1, wire: 7 },
    { ev: 'msg', s, dir: 'in', op: 1, data: 'a' },
    { ev: 'frame', s, dir: 'out', fin: false, rsv: 4, op: 2, masked: false, len: 1, wire: 3 },
    { ev: 'msg', s, dir: 'out', op: 2, part: 'last', b64: 'YQ==' },
    { ev: 'ctl', s, dir: 'out', op: 8, b64: '' },
    { ev: 'target', s, state: 'ended', target: 'host:1' },
    { ev: 'target', s, state: 'lost', target: 'host:1', error: 'EPIPE' },
    { ev: 'close', s, by: 'lost', code: 1006, reason: '', dur: 0.0015 },
  ]);
  t.strictSame(host.calls, [...Array<string>(7).fill('appended'), 'ended', 'appended']);
});

t.test('the rule that was broken', async (t) => {
  const host = new Host();
  host.session.closed({ ...SUMMARY, rule: 'rsv' });
  t.match(host.records(), [{ ev: 'close', rule: 'rsv' }]);
});

t.test(
  'records without end are those of Pings, Pongs and frames that bring no message',
  async (t) => {
    const host = new Host();
    host.canTakeEndless = false;
    const { session } = host;
    for (const isReceived of [true, false]) {
      for (const opcode of [0, 1, 2, 8, 9, 10])
        session.frame(isReceived, 0x80 | opcode, true, 0, 6);
      for (const opcode of [8, 9, 10]) session.control(isReceived, opcode, A, 0, 0);
    }
    session.message(true, 1, A, 0, 1, true, true, 7);
    session.message(false, 2, A, 0, 1, true, true, 7);
    session.target({ state: 'ended', target: 'host:1' });
    session.closed({ ...SUMMARY, rule: null });
    t.match(host.records(), [
      { ev: 'frame', dir: 'in', op: 8 },
      { ev: 'ctl', dir: 'in', op: 8 },
      { ev: 'frame', dir: 'out', op: 0 },
      { ev: 'frame', dir: 'out', op: 1 },
      { ev: 'frame', dir: 'out', op: 2 },
      { ev: 'frame', dir: 'out', op: 8 },
      { ev: 'ctl', dir: 'out', op: 8 },
      { ev: 'msg', dir: 'in' },
      { ev: 'msg', dir: 'out' },
      { ev: 'target' },
      { ev: 'close' },
    ]);
    t.equal(host.calls.length, 12);
  },
);

t.test('Pings, Pongs and frames are recorded so often in a second, and then counted', async (t) => {
  const host = new Host();
  const { session } = host;
  const tell = (times: number, isReceived: boolean, opcode: number): void => {
    for (let count = 0; count < times; count++) session.control(isReceived, opcode, A, 0, 1);
  };
  tell(100, true, 9);
  tell(100, false, 10);
  t.equal(host.records().length, 200, 'at the limit');
  host.nowMs += 500;
  tell(3, true, 9);
  tell(1, false, 10);
  for (let count = 0; count < 10_002; count++) session.frame(true, 0x81, true, 5, 11);
  session.control(true, 8, A, 0, 0);
  session.message(true, 1, A, 0, 1, true, true, 7);
  const s = 'S1';
  const ofAll = host.records();
  t.equal(ofAll.filter(({ ev }) => ev === 'frame').length, 10_000);
  t.match(ofAll.slice(10_000), [
    { ev: 'ctl', op: 8 },
    { ev: 'msg', data: 'a' },
  ]);
  host.nowMs += 499;
  tell(1, true, 9);
  t.strictSame(host.records(), [], 'the second is not over');
  host.nowMs += 1;
  tell(1, true, 9);
  const start = 1_790_000_000;
  t.match(host.records(), [
    { ev: 'count', s, t: start + 1, of: 'ping', dir: 'in', n: 4, len: 4, since: start + 0.5 },
    { ev: 'ctl', s, dir: 'in', op: 9 },
  ]);
  session.closed({ ...SUMMARY, rule: null });
  t.match(host.records(), [
    { ev: 'count', of: 'frame', dir: 'in', n: 2, len: 10 },
    { ev: 'count', of: 'pong', dir: 'out', n: 1, len: 1 },
    { ev: 'close' },
  ]);
});

t.test('a flood of Pings costs the records of a second, however long it is', async (t) => {
  const sizes = [1000, 2000, 4000].map((times) => {
    const host = new Host();
    for (let count = 0; count < times; count++) host.session.control(true, 9, A, 0, 1);
    return Buffer.concat(host.buffer.take().chunks).length;
  });
  t.strictSame(sizes, [sizes[0], sizes[0], sizes[0]]);
});

t.test('nothing is recorded while nothing is taken', async (t) => {
  const host = new Host();
  host.canTake = false;
  tellEverything(host);
  t.strictSame(host.records(), []);
  t.strictSame(host.calls, ['ended']);
});

t.test('a clock that is set moves no record of a session, nor how long it was', async (t) => {
  const host = new Host();
  const { session } = host;
  for (const stepMs of [-3_600_000, 7_200_000]) {
    host.nowMs += 2000;
    host.wallMs += stepMs;
    session.message(true, 1, A, 0, 1, true, true, 7);
    session.control(true, 9, A, 0, 1);
    session.frame(true, 0x81, true, 1, 7);
    session.target({ state: 'ended', target: 'host:1' });
  }
  session.closed({ ...SUMMARY, durationMs: 4000.125, rule: null });
  const start = 1_790_000_000;
  t.strictSame(
    host.records().map(({ t }) => t - start),
    [2, 2, 2, 2, 4, 4, 4, 4, 4],
  );
});

t.test('a ULID: 26 characters, by time, and no two are equal', async (t) => {
  const names = Array.from({ length: 1000 }, () => newSessionName(1_469_918_176_385));
  t.equal(new Set(names).size, 1000);
  // The time of the example in the specification of ULID.
  for (const name of names) t.match(name, /^01ARYZ6S41[0-9A-HJKMNP-TV-Z]{16}$/);
  t.ok(newSessionName(1_469_918_176_386.7) > names.sort().at(-1)!);
});
