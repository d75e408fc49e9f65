/**
 * The same bytes into an endpoint and into the receiver of npm `ws`. Both must tell the same, apart
 * from the differences that have a name here, each of them on purpose.
 */
import t from 'tap';
import { makeEchoSide, takeOutput } from '../fixtures/endpoint-pair.js';
import { MASKING_KEY, readFrames } from '../fixtures/frames.js';
import { bytesOfHex, hexOf } from '../fixtures/hex.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import { piecesOf } from '../fixtures/splits.js';
import type { RecordedEvent } from '../fixtures/event-recorder.js';
import { mutate, randomCuts, randomStream } from './frame-streams.js';
import { SEED, fuzzRuns, setFuzzTimeout } from './fuzz-runs.js';
import { hearWithWs, type Heard } from './ws-receiver.js';

const LIMITS = { maxMessage: 400, maxFragments: 4 };
const WS_LIMITS = { maxPayload: LIMITS.maxMessage, maxFragments: LIMITS.maxFragments };

type Role = 'server' | 'client';

/** Gives the pieces to a new endpoint; an error is named by its rule. */
const hearWithTwist = (pieces: readonly Uint8Array[], role: Role): Heard => {
  const side = makeEchoSide({ role, ...LIMITS });
  for (const piece of pieces) {
    const read = new Uint8Array(piece);
    side.endpoint.receive(read, 0, read.length);
  }
  const { events } = side.recorder;
  const last = events.at(-1);
  if (last?.type !== 'failed') return { events, error: null };
  const closeCode = side.endpoint.sentClose!.code;
  return { events: events.slice(0, -1), error: { closeCode, name: last.rule } };
};

/** What both did after the last event that they agree on. */
interface Parting {
  readonly twist: Heard;
  readonly ws: Heard;
  /** What the endpoint does when so many zeros follow. */
  readonly twistAfter: (zeros: number) => Heard;
}

interface Difference {
  readonly isThis: (parting: Parting) => boolean;
  /** Bytes to a server that show it. */
  readonly example: string;
}

/**
 * Each difference that is allowed, by name. Everything else that is not equal is a defect of one of
 * the two. ws waits for a whole frame before it looks at its payload, and for a whole message before
 * it looks at its text.
 */
const ALLOWED: Readonly<Record<string, Difference>> = {
  'RFC 6455 §5.2 asks for the shortest length; ws takes any': {
    isThis: ({ twist }) => twist.error?.name === 'length-not-minimal',
    example: '82fe0001 00000000 01',
  },
  'RFC 6455 §5.2 forbids the top bit: 1002; ws says 1009, as for all lengths over 2^53': {
    isThis: ({ twist, ws }) =>
      twist.error?.name === 'length-top-bit' && ws.error?.closeCode === 1009,
    example: '82ff8000000000000000 00000000',
  },
  'text fails at the byte that makes it impossible; with ws at the end of the message': {
    isThis: ({ twist, ws }) => twist.error?.name === 'text-not-utf8' && !hasMessageNext(ws.events),
    example: '018100000000ff 898000000000',
  },
  'too many fragments are noticed at a header; with ws behind its payload': {
    isThis: ({ twist, ws }) =>
      twist.error?.name === 'too-many-fragments' && ws.events.length === 0 && ws.error === null,
    example: '028000000000 008000000000 008000000000 008000000000 008100000000',
  },
  'a message is too big behind a whole header; with ws before the masking key': {
    isThis: ({ twist, ws, twistAfter }) =>
      isLater(twist, ws, 1009) && twistAfter(4).error?.name === 'message-too-big',
    example: '82fe0191',
  },
  'a Close of one byte is wrong when the byte is there; with ws at the header': {
    isThis: ({ twist, ws, twistAfter }) =>
      isLater(twist, ws, 1002) && twistAfter(5).error?.name === 'close-payload-length',
    example: '8881',
  },
};

/** True when the endpoint still waits while ws has failed. */
const isLater = (twist: Heard, ws: Heard, closeCode: number): boolean =>
  twist.error === null &&
  twist.events.length === 0 &&
  ws.events.length === 0 &&
  ws.error?.closeCode === closeCode;

const hasMessageNext = (events: readonly RecordedEvent[]): boolean =>
  events.find(({ type }) => type !== 'ping' && type !== 'pong')?.type === 'message';

/** 'equal', the name of an allowed difference, or null. */
const compare = (pieces: readonly Uint8Array[], role: Role): string | null => {
  const twist = hearWithTwist(pieces, role);
  const ws = hearWithWs(pieces, { isServer: role === 'server', ...WS_LIMITS });
  let agreed = 0;
  while (
    agreed < Math.min(twist.events.length, ws.events.length) &&
    JSON.stringify(twist.events[agreed]) === JSON.stringify(ws.events[agreed])
  ) {
    agreed++;
  }
  const rest = ({ events, error }: Heard): Heard => ({ events: events.slice(agreed), error });
  const parting: Parting = {
    twist: rest(twist),
    ws: rest(ws),
    twistAfter: (zeros) => rest(hearWithTwist([...pieces, new Uint8Array(zeros)], role)),
  };
  const isAtEnd = parting.twist.events.length + parting.ws.events.length === 0;
  if (isAtEnd && twist.error?.closeCode === ws.error?.closeCode) return 'equal';
  // An endpoint never tells more than ws.
  if (parting.twist.events.length > 0) return null;
  return Object.keys(ALLOWED).find((name) => ALLOWED[name]!.isThis(parting)) ?? null;
};

setFuzzTimeout(t);

t.test('every allowed difference exists', (t) => {
  for (const [name, { example }] of Object.entries(ALLOWED)) {
    t.equal(compare([bytesOfHex(example)], 'server'), name);
  }
  t.end();
});

t.test('random streams and changed ones mean the same to both', (t) => {
  const random = new SeededRandom(SEED);
  const runs = fuzzRuns(5000);
  const counts = new Map<string, number>();
  let unexplained: string | null = null;
  for (let run = 0; run < runs && unexplained === null; run++) {
    const role = random.pick(['server', 'client'] as const);
    const stream = randomStream(random, role === 'server');
    const bytes = random.below(3) === 0 ? mutate(random, stream) : stream;
    const cuts = randomCuts(random, bytes.length);
    const outcome = compare(piecesOf(bytes, cuts), role);
    if (outcome === null) unexplained = `seed ${SEED}, run ${run}, ${role}, ${hexOf(bytes)}`;
    else counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  t.equal(unexplained, null, 'every difference is one of those that have a name');
  t.ok((counts.get('equal') ?? 0) > runs / 2, 'most streams mean the same');
  t.comment(Object.fromEntries(counts));
  t.end();
});

t.test('what an endpoint answers is correct to ws', (t) => {
  const random = new SeededRandom(SEED);
  let wrong: string | null = null;
  let heardEvents = 0;
  for (let run = 0; run < fuzzRuns(2000) && wrong === null; run++) {
    const role = random.pick(['server', 'client'] as const);
    // Keys that are all different, unlike those of other tests.
    const side = makeEchoSide({ role, makeMaskingKey: () => random.int32() ^ MASKING_KEY });
    const stream = mutate(random, randomStream(random, role === 'server'));
    const bytes = new Uint8Array(stream);
    side.endpoint.receive(bytes, 0, bytes.length);
    const output = takeOutput(side);
    const heard = hearWithWs([output], {
      isServer: role === 'client',
      maxPayload: 0,
      maxFragments: 0,
    });
    heardEvents += heard.events.length;
    if (heard.error !== null || heard.events.length !== readFrames(output).length) {
      wrong = `seed ${SEED}, run ${run}, ${role}, ${hexOf(stream)}: ${heard.error?.name ?? 'missed'}`;
    }
  }
  t.equal(wrong, null);
  t.ok(heardEvents > fuzzRuns(2000), 'there were answers');
  t.end();
});
