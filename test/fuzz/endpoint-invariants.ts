/** What holds for an endpoint whatever arrives. */
import type { RecordedEvent } from '../fixtures/event-recorder.js';
import { readFrames } from '../fixtures/frames.js';
import { bytesOfHex } from '../fixtures/hex.js';
import { piecesOf } from '../fixtures/splits.js';
import { traceOf, type Trace, type WireCase } from '../fixtures/wire.js';

export type EndpointSetup = Pick<WireCase, 'role' | 'options' | 'prepare'>;

const isEnd = ({ type }: RecordedEvent): boolean => type === 'failed' || type === 'close';

/**
 * Names the invariant that does not hold, or returns null. Whatever an endpoint throws is thrown.
 *
 * @param cuts where the bytes are cut when they do not arrive in one piece
 * @param seen gets what happened: the kinds of events, and the rules that were broken
 */
export function findBrokenInvariant(
  bytes: Uint8Array,
  cuts: readonly number[],
  setup: EndpointSetup,
  seen: Set<string>,
): string | null {
  const whole = traceOf([bytes], setup);
  const cut = traceOf(piecesOf(bytes, cuts), setup);
  for (const event of whole.events) seen.add(event.type === 'failed' ? event.rule : event.type);
  if (comparable(whole) !== comparable(cut)) return 'where input is cut changes nothing';
  return findBrokenByTrace(whole, bytes, setup) ?? findBrokenByTrace(cut, bytes, setup);
}

const comparable = (trace: Trace): string => JSON.stringify(trace);

function findBrokenByTrace(trace: Trace, bytes: Uint8Array, setup: EndpointSetup): string | null {
  if (trace.payloadBytes > bytes.length) return 'no more payload than bytes that arrived';
  const end = trace.events.findIndex(isEnd);
  if (end !== -1 && end !== trace.events.length - 1) return 'nothing after a failure or a Close';
  if ((end !== -1) !== trace.isClosed) return 'closed by a failure or a Close, and only then';
  return findBrokenMarks(trace.events) ?? findBrokenOutput(trace, setup);
}

/** The marks of pieces: a message begins with its first and ends with its last. */
function findBrokenMarks(events: readonly RecordedEvent[]): string | null {
  let isOpen = false;
  for (const event of events) {
    if (event.type !== 'piece') continue;
    if (event.isFirst === isOpen) return 'a first piece begins a message, and only that';
    if (event.payload === '' && !event.isLast) return 'only a last piece is empty';
    isOpen = !event.isLast;
  }
  return null;
}

/** What is sent is correct, and a Close is the end of it. */
function findBrokenOutput(trace: Trace, setup: EndpointSetup): string | null {
  const frames = readFrames(bytesOfHex(trace.output));
  const isClient = setup.role === 'client';
  if (frames.some(({ isMasked }) => isMasked !== isClient)) return 'only a client masks';
  if (frames.some(({ isFinal }) => !isFinal)) return 'answers are not fragmented';
  const closeAt = frames.findIndex(({ opcode }) => opcode === 8);
  if (closeAt !== -1 && closeAt !== frames.length - 1) return 'nothing is sent after a Close';
  if ((closeAt !== -1) !== trace.isClosed) return 'a Close is sent at the end, and only then';
  const pings = trace.events.filter(({ type }) => type === 'ping').length;
  const pongs = frames.filter(({ opcode }) => opcode === 10).length;
  const messages = trace.events.filter(({ type }) => type === 'message').length;
  const echoes = frames.filter(({ opcode }) => opcode <= 2).length;
  return pings === pongs && messages === echoes ? null : 'an answer to each Ping and message';
}
