/**
 * Compressed messages with bytes changed, put in and left out. Whatever comes, the connection ends in
 * one of the documented ways, the same for every split of the input, and what is answered before is
 * what npm `ws` makes of the same messages, apart from the differences that have a name here.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import t from 'tap';
import { PAYLOAD_RULES, POLICY_RULES, PROTOCOL_RULES, SIZE_RULES } from '../../src/errors.js';
import { permessageDeflate } from '../../src/extensions/permessage-deflate/permessage-deflate.js';
import { RFC_PAYLOADS, repeated, storedBlock } from '../fixtures/deflate.js';
import { clientDeflate } from '../fixtures/extension-client.js';
import type { TestFrame } from '../fixtures/frames.js';
import { bytesOfHex, hexOf } from '../fixtures/hex.js';
import { SeededRandom } from '../fixtures/seeded-random.js';
import {
  DEFAULT_DEFLATE,
  DeflatePath,
  MAX_MESSAGE_BYTES,
  type PathResult,
} from './deflate-path.js';
import {
  clientBytes,
  randomFragments,
  randomFuzzMessage,
  randomSplits,
  type FuzzMessage,
} from './deflate-streams.js';
import { mutate } from './frame-streams.js';
import { SEED, fuzzRuns, setFuzzTimeout } from './fuzz-runs.js';
import { WsDeflate } from './ws-deflate.js';

setFuzzTimeout(t);

/** Nothing is compressed on the way back: each message is by itself in stored blocks. */
const OPTIONS = { ...DEFAULT_DEFLATE, thresholdBytes: 2 ** 30 };

/** Offers that are answered as they are. */
const OFFERS = [
  'permessage-deflate',
  'permessage-deflate; client_no_context_takeover',
  'permessage-deflate; client_max_window_bits=9',
] as const;

async function runTwist(offer: string, pieces: readonly Uint8Array[]): Promise<PathResult> {
  const path = new DeflatePath(permessageDeflate(OPTIONS), offer);
  if (path.extensions !== offer) throw new Error(`answered with ${String(path.extensions)}`);
  return await path.run(pieces, null);
}

// ---- What holds in any case

/** The close code that is documented for each rule. */
const CODE_OF_RULE: ReadonlyMap<string, number> = new Map(
  (
    [
      [PROTOCOL_RULES, 1002],
      [PAYLOAD_RULES, 1007],
      [POLICY_RULES, 1008],
      [SIZE_RULES, 1009],
    ] as const
  ).flatMap(([rules, code]) => Object.keys(rules).map((rule) => [rule, code] as const)),
);

/** Names the invariant that does not hold for one reading, or returns null. */
function findBroken({ messages, close, rule, error }: PathResult): string | null {
  if (error !== null) return 'an error of ours';
  if (rule !== null && close?.code !== CODE_OF_RULE.get(rule))
    return `closed with ${String(close?.code)} for ${rule}`;
  if (messages.some(({ payload }) => payload.length > MAX_MESSAGE_BYTES)) return 'too much output';
  const isText = messages.every(({ opcode, payload }) => opcode !== 1 || isUtf8(payload));
  return isText ? null : 'a text that is not UTF-8';
}

/** How a connection ended, and what it answered before. */
interface Outcome {
  readonly echoes: readonly string[];
  /** Null when there was none. */
  readonly closeCode: number | null;
}

const describe = (opcode: number, payload: Uint8Array): string =>
  `${opcode} ${payload.length} ${hexOf(payload.subarray(0, 40))} ${sumOf(payload)}`;

/** Enough to tell payloads of one length apart. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return sum;
}

const outcomeOf = ({ messages, close }: PathResult): Outcome => ({
  echoes: messages.map(({ opcode, payload }) => describe(opcode, payload)),
  closeCode: close?.code ?? null,
});

/** Pongs wait for nobody, so a Ping behind what fails is answered if it comes soon enough. */
function isPongsStart(some: readonly string[], others: readonly string[]): boolean {
  const length = Math.min(some.length, others.length);
  return some.slice(0, length).join() === others.slice(0, length).join();
}

/** The answers as they were meant. */
const unpacked = (result: PathResult): PathResult => ({
  ...result,
  messages: result.messages.map(({ payload, ...message }) => ({
    ...message,
    payload: clientDeflate.decode(payload),
  })),
});

/**
 * What came of the same bytes in all readings.
 *
 * @throws Error that names the invariant that does not hold, or whatever was thrown
 */
async function outcomeOfSplits(
  random: SeededRandom,
  offer: string,
  bytes: Uint8Array,
  seen: Set<string>,
): Promise<Outcome> {
  let first: PathResult | null = null;
  for (const pieces of randomSplits(random, bytes)) {
    const result = unpacked(await runTwist(offer, pieces));
    first ??= result;
    const broken = findBroken(result);
    if (broken !== null) throw new Error(broken);
    if (!isSame(first, result)) throw new Error('where input is cut changes nothing');
  }
  seen.add(first!.rule ?? 'well');
  return outcomeOf(first!);
}

function isSame(one: PathResult, other: PathResult): boolean {
  const comparable = (result: PathResult): string =>
    JSON.stringify([outcomeOf(result), result.close, result.rule]);
  return comparable(one) === comparable(other) && isPongsStart(one.pongs, other.pongs);
}

// ---- What ws says

/** A message as it is on the wire. */
interface WireMessage {
  readonly opcode: 1 | 2;
  readonly rsv: 0 | 4;
  readonly payload: Uint8Array;
}

interface WsOutcome extends Outcome {
  /** The first message in which a deflate stream ended. */
  readonly endedAt: number;
}

async function outcomeOfWs(offer: string, messages: readonly WireMessage[]): Promise<WsOutcome> {
  const codec = new WsDeflate({ isServer: true, maxPayload: MAX_MESSAGE_BYTES });
  codec.accept(offer);
  const echoes: string[] = [];
  let closeCode = 1000;
  let endedAt = Infinity;
  for (const [index, { opcode, rsv, payload: wire }] of messages.entries()) {
    let payload: Uint8Array | null = wire;
    if (rsv !== 0) {
      const inflated = await codec.decompress(wire);
      payload = inflated.payload;
      if (inflated.hasEnded) endedAt = Math.min(endedAt, index);
      if (inflated.closeCode !== null) closeCode = inflated.closeCode;
    }
    if (payload !== null && opcode === 1 && !isUtf8(payload)) closeCode = 1007;
    if (payload === null || closeCode !== 1000) break;
    echoes.push(describe(opcode, payload));
  }
  codec.close();
  return { echoes, closeCode, endedAt };
}

/** What both made of the same messages, up to the first on which they do not agree. */
interface Parting {
  readonly twist: Outcome;
  readonly ws: WsOutcome;
  readonly messages: readonly WireMessage[];
  /** Number of that message. */
  readonly at: number;
}

interface Difference {
  readonly isThis: (parting: Parting) => boolean;
  /** Payloads of binary messages, all compressed, that show it. */
  readonly example: readonly Uint8Array[];
}

const isFailure = ({ echoes, closeCode }: Outcome, at: number, code: number): boolean =>
  echoes.length === at && closeCode === code;

/** Each difference that is allowed, by name. Everything else is a defect of one of the two. */
const ALLOWED: Readonly<Record<string, Difference>> = {
  'behind the end of a deflate stream a new one begins; ws leaves out what is there': {
    isThis: ({ ws, at }) => at >= ws.endedAt,
    example: [Buffer.concat([RFC_PAYLOADS.finalBlock.subarray(0, -1), RFC_PAYLOADS.oneBlock])],
  },
  'a message is too big and cannot be decompressed: either may be seen first': {
    isThis: ({ twist, ws, at }) =>
      (isFailure(twist, at, 1007) && isFailure(ws, at, 1009)) ||
      (isFailure(twist, at, 1009) && isFailure(ws, at, 1007)),
    // More than the limit, and a block of type 3 behind: ws looks at the size more often.
    example: [
      Buffer.concat([
        clientDeflate.encode(Buffer.alloc(MAX_MESSAGE_BYTES + 20_000)),
        bytesOfHex('0000ffff 06'),
      ]),
    ],
  },
  'nothing compressed is nothing; with ws the tail alone begins a block': {
    isThis: ({ messages, at }) =>
      messages.slice(0, at + 1).some(({ rsv, payload }) => rsv !== 0 && payload.length === 0),
    example: [new Uint8Array(0), RFC_PAYLOADS.oneBlock],
  },
};

/** 'equal', the name of an allowed difference, or null. */
function compare(twist: Outcome, ws: WsOutcome, messages: readonly WireMessage[]): string | null {
  let at = 0;
  while (at < twist.echoes.length && at < ws.echoes.length && twist.echoes[at] === ws.echoes[at])
    at++;
  const isAtEnd = at === twist.echoes.length && at === ws.echoes.length;
  if (isAtEnd && twist.closeCode === ws.closeCode) return 'equal';
  const parting = { twist, ws, messages, at };
  return Object.keys(ALLOWED).find((name) => ALLOWED[name]!.isThis(parting)) ?? null;
}

t.test('every allowed difference exists', async (t) => {
  for (const [name, { example }] of Object.entries(ALLOWED)) {
    const messages = example.map((payload): WireMessage => ({ opcode: 2, rsv: 4, payload }));
    const twist = unpacked(await runTwist(OFFERS[0], [clientBytes(messages)]));
    const ws = await outcomeOfWs(OFFERS[0], messages);
    t.equal(compare(outcomeOf(twist), ws, messages), name);
  }
});

// ---- Random messages

/** What is right, or nearly, and rare in what a compressor makes. */
const CORPUS: readonly Uint8Array[] = [
  ...Object.values(RFC_PAYLOADS),
  bytesOfHex(''),
  bytesOfHex('0300'),
  bytesOfHex('00 0000 ffff 00'),
  bytesOfHex('02 00'),
  storedBlock(Buffer.from('stored, and a multiple of it')),
  storedBlock(Buffer.from('stored'), true),
  repeated(RFC_PAYLOADS.finalBlock.subarray(0, -1), 50),
  repeated(bytesOfHex('0300'), 300),
  repeated(storedBlock(new Uint8Array(1000)), 150),
];

const LIMIT_SIZES = [150_000, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES + 1, 300_000];

async function randomWireMessage(
  random: SeededRandom,
  client: WsDeflate,
  past: FuzzMessage[],
): Promise<WireMessage> {
  const kind = random.below(10);
  if (kind === 0) {
    const { opcode, payload } = randomFuzzMessage(random, past);
    return { opcode, rsv: 0, payload: random.below(4) === 0 ? mutate(random, payload) : payload };
  }
  const message: FuzzMessage =
    kind === 1
      ? { opcode: 2, payload: Buffer.alloc(random.pick(LIMIT_SIZES)) }
      : randomFuzzMessage(random, past);
  past.push(message);
  const { opcode } = message;
  const wire =
    kind === 2 || kind === 3
      ? random.pick(CORPUS)
      : new Uint8Array(await client.compress(message.payload));
  return { opcode, rsv: 4, payload: random.below(3) === 0 ? mutate(random, wire) : wire };
}

async function randomWireMessages(
  random: SeededRandom,
  offer: string,
): Promise<readonly WireMessage[]> {
  const client = new WsDeflate({});
  client.accept(offer);
  const past: FuzzMessage[] = [];
  const messages: WireMessage[] = [];
  for (let count = 1 + random.below(6); count > 0; count--)
    messages.push(await randomWireMessage(random, client, past));
  client.close();
  return messages;
}

const framesOf = (random: SeededRandom, messages: readonly WireMessage[]): readonly TestFrame[] =>
  messages.flatMap(({ opcode, rsv, payload }) => randomFragments(random, opcode, rsv, payload));

t.test('changed messages mean the same to both', async (t) => {
  const random = new SeededRandom(SEED);
  const runs = fuzzRuns(500);
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  let unexplained: string | null = null;
  for (let run = 0; run < runs && unexplained === null; run++) {
    const offer = random.pick(OFFERS);
    const messages = await randomWireMessages(random, offer);
    try {
      const bytes = clientBytes(framesOf(random, messages));
      const outcome = await outcomeOfSplits(random, offer, bytes, seen);
      const name = compare(outcome, await outcomeOfWs(offer, messages), messages);
      if (name === null) throw new Error('a difference without a name');
      counts.set(name, (counts.get(name) ?? 0) + 1);
    } catch (error) {
      unexplained = `${String(error)}: seed ${SEED}, run ${run}, ${offer}`;
    }
  }
  t.equal(unexplained, null, 'every difference is one of those that have a name');
  t.ok((counts.get('equal') ?? 0) > runs / 2, 'most messages mean the same');
  for (const rule of ['well', 'deflate-data', 'text-not-utf8', 'message-too-big'])
    t.ok(seen.has(rule), `${rule} was among them`);
  t.comment(Object.fromEntries(counts));
});

t.test('changed streams of frames', async (t) => {
  const random = new SeededRandom(SEED);
  const seen = new Set<string>();
  let broken: string | null = null;
  for (let run = 0; run < fuzzRuns(500) && broken === null; run++) {
    const offer = random.pick(OFFERS);
    const messages = await randomWireMessages(random, offer);
    const bytes = mutate(random, clientBytes(framesOf(random, messages)));
    try {
      await outcomeOfSplits(random, offer, bytes, seen);
    } catch (error) {
      const hex = hexOf(bytes).slice(0, 2000);
      broken = `${String(error)}: seed ${SEED}, run ${run}, ${offer}, ${hex}`;
    }
  }
  t.equal(broken, null);
  t.ok(seen.size >= 5, [...seen].join(', '));
});
