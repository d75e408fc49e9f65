/** RFC 6455: frames, text, messages, and the codec of the package. */
import { Buffer } from 'node:buffer';
import { Codec } from '../../../src/protocol/codec.js';
import { Assembler } from '../../../src/protocol/assembler.js';
import { Endpoint } from '../../../src/protocol/endpoint.js';
import type { EndpointEvents, EndpointOptions } from '../../../src/protocol/endpoint-events.js';
import { Fifo } from '../../../src/protocol/fifo.js';
import { unmask } from '../../../src/protocol/masking.js';
import { OutputQueue } from '../../../src/protocol/output-queue.js';
import { SlabPool } from '../../../src/protocol/slabs/slab-pool.js';
import { findImpossibleByte, UTF8_ACCEPT, validateUtf8 } from '../../../src/protocol/utf8.js';
import { DEFAULT_OPTIONS } from '../../fixtures/endpoint-pair.js';
import {
  BINARY,
  CONTINUATION,
  FIN,
  PING,
  RSV1,
  TEXT,
  quickFrame,
} from '../../fixtures/quick-frames.js';
import type { CostCase, CostTable } from '../case.js';

const KIB = 1024;
const PONG = FIN | 0xa;

const nothing = (): void => undefined;

const SILENT: EndpointEvents = {
  message: nothing,
  chunk: nothing,
  pingReceived: nothing,
  pongReceived: nothing,
  peerClose: nothing,
  failed: nothing,
};

interface Reading extends Partial<EndpointOptions> {
  readonly readBytes?: number;
  /** Why the endpoint must close in the end; without it, it may not. */
  readonly closesWith?: number;
  readonly isBlocked?: boolean;
}

/** An endpoint, and what takes bytes to it in reads. */
function receiver(frames: readonly Buffer[], reading: Reading = {}): () => Endpoint {
  const { readBytes = 64 * KIB, closesWith, isBlocked = false, ...options } = reading;
  const { pool = new SlabPool() } = options;
  const endpoint = new Endpoint(
    { ...DEFAULT_OPTIONS, maxFragments: 2 ** 40, pool, ...options },
    SILENT,
    new OutputQueue(pool),
  );
  endpoint.allowedRsv = 4;
  endpoint.isOutputBlocked = isBlocked;
  const wire = Buffer.concat(frames);
  return () => {
    for (let at = 0; at < wire.length; at += readBytes)
      endpoint.receive(wire, at, Math.min(wire.length, at + readBytes));
    if (endpoint.sentClose?.code !== closesWith)
      throw new Error(`it ends with ${endpoint.sentClose?.code ?? 'nothing'}`);
    return endpoint;
  };
}

/** The header of a large frame whose payload stands as it is, and the bytes before it. */
const HEADER_BYTES = 14;

/** A frame of which each read after the first brings so many bytes, into its place where there is one. */
function placer(payloadBytes: number, readBytes: number, firstBytes: number): () => Endpoint {
  const pool = new SlabPool();
  const options = { ...DEFAULT_OPTIONS, pool, maxMessage: payloadBytes };
  const endpoint = new Endpoint(options, SILENT, new OutputQueue(pool));
  const shared = Buffer.alloc(256 * KIB);
  const frame = quickFrame(FIN | BINARY, Buffer.alloc(payloadBytes));
  return () => {
    let at = HEADER_BYTES + firstBytes;
    endpoint.receive(frame, 0, at);
    while (at < frame.length) {
      const target = endpoint.placeForRead(256 * KIB) ?? shared;
      const count = Math.min(readBytes, target.length, frame.length - at);
      endpoint.receive(target, 0, count);
      at += count;
    }
    if (endpoint.heldBytes > 0) throw new Error('it is not complete');
    return endpoint;
  };
}

/** An endpoint that sends messages back by itself, as long as there is room before all is taken, and so one by one. */
function echoing(frames: readonly Buffer[], room = Infinity): () => Endpoint {
  const output = new OutputQueue(new SlabPool());
  const endpoint: Endpoint = new Endpoint(
    { ...DEFAULT_OPTIONS, maxFragments: 2 ** 40 },
    {
      ...SILENT,
      message: (opcode, bytes, start, end) => {
        endpoint.sendMessage(opcode, bytes, start, end);
      },
    },
    output,
  );
  endpoint.echoes = {
    get echoRoom() {
      return room - output.waitingBytes;
    },
    echoed: nothing,
  };
  const wire = Buffer.concat(frames);
  return () => {
    for (let at = 0; at < wire.length; at += 64 * KIB) {
      output.expectedBytes = 64 * KIB;
      endpoint.receive(wire, at, Math.min(wire.length, at + 64 * KIB));
      output.take();
      output.release();
    }
    if (!endpoint.canSend) throw new Error('it has closed');
    return endpoint;
  };
}

const times = (count: number, frame: Buffer): Buffer[] =>
  Array.from({ length: count }, () => frame);

const fragments = (first: number, count: number, bytes: number): Buffer[] => {
  const payload = Buffer.alloc(bytes, 0x61);
  return [
    quickFrame(first, payload),
    ...times(count - 2, quickFrame(CONTINUATION, payload)),
    quickFrame(FIN | CONTINUATION, payload),
  ];
};

/** A message whose fragments are of one size. */
const fragmented = (first: number, count: number, bytes: number): (() => Endpoint) =>
  receiver(fragments(first, count, bytes), { maxMessage: count * bytes });

/** A frame with a key that changes every byte. */
function maskedFrame(first: number, payload: Buffer): Buffer {
  const frame = quickFrame(first, payload);
  const start = frame.length - payload.length;
  const key = 0x5ac3_3c96;
  frame.writeUInt32LE(key, start - 4);
  unmask(frame, start, frame.length, key);
  return frame;
}

const SMALL_ECHO = quickFrame(FIN | BINARY, Buffer.from('a'));

/** How far from a limit: at it, one below, one beyond. */
const NEAR = [0, -1, 1] as const;

const LIMITS: readonly CostCase[] = NEAR.flatMap((by) => [
  {
    name: `one-byte fragments, of which there are ${by} more than allowed`,
    count: 20_000,
    maxCopied: 8,
    prepare: (count: number) =>
      receiver(fragments(BINARY, count + by, 1), {
        maxFragments: count,
        ...(by > 0 ? { closesWith: 1008 } : {}),
      }),
  },
  {
    name: `one-byte fragments, with ${by} more bytes than a message may have`,
    count: 20_000,
    maxCopied: 8,
    prepare: (count: number) =>
      receiver(fragments(BINARY, count + by, 1), {
        maxMessage: count,
        ...(by > 0 ? { closesWith: 1009 } : {}),
      }),
  },
]);

const FRAMES: readonly CostCase[] = [
  ...(
    [
      ['empty text messages', FIN | TEXT, 0],
      ['empty binary messages', FIN | BINARY, 0],
      ['one-byte messages', FIN | TEXT, 1],
      ['messages of 20 bytes', FIN | BINARY, 20],
      ['unasked Pongs', PONG, 0],
      ['unasked Pongs of 125 bytes', PONG, 125],
    ] as const
  ).map(([name, first, bytes]) => ({
    name: `${name} in one read`,
    count: 30_000,
    maxHeld: 0.1,
    maxCopied: 8,
    prepare: (count: number) =>
      receiver(times(count, quickFrame(first, Buffer.alloc(bytes, 0x61))), { readBytes: Infinity }),
  })),
  ...[0, 125].flatMap((bytes) =>
    [false, true].map((isBlocked) => ({
      name: `Pings of ${bytes} bytes${isBlocked ? ', and the client reads no Pong' : ''}`,
      count: 4000,
      // Whoever reads no Pong gets the newest one only.
      maxHeld: isBlocked ? 0.1 : bytes + 20,
      prepare: (count: number) =>
        receiver(times(count, quickFrame(PING, Buffer.alloc(bytes))), { isBlocked }),
    })),
  ),
  {
    name: 'Pings between one-byte fragments',
    count: 10_000,
    prepare: (count) => {
      const pair = Buffer.concat([
        quickFrame(CONTINUATION, Buffer.alloc(1)),
        quickFrame(PING, Buffer.alloc(0)),
      ]);
      return receiver([quickFrame(BINARY, Buffer.alloc(1)), ...times(count, pair)]);
    },
  },
  {
    name: 'a message in one-byte fragments that never ends',
    count: 50_000,
    maxCopied: 8,
    maxHeld: 4,
    prepare: (count) =>
      receiver([
        quickFrame(BINARY, Buffer.alloc(1)),
        ...times(count, quickFrame(CONTINUATION, Buffer.alloc(1))),
      ]),
  },
  {
    name: 'one-byte fragments that are delivered as they come',
    count: 30_000,
    maxHeld: 0.1,
    prepare: (count) => receiver(fragments(BINARY, count, 1), { delivery: 'chunks' }),
  },
  ...[1, 2, 3, 5].map((readBytes) => ({
    name: `masked text beyond ASCII, in reads of ${readBytes} bytes`,
    count: 60_000,
    maxCopied: 8,
    prepare: (count: number) =>
      receiver([maskedFrame(FIN | TEXT, Buffer.alloc(count, 'aé€\u{10348}'))], { readBytes }),
  })),
  ...[0, 1, 2, 3].map((offset) => ({
    name: `masked messages that begin ${offset} bytes after a word`,
    count: 2000,
    prepare: (count: number) => {
      // The header has eight bytes.
      const frame = maskedFrame(FIN | BINARY, Buffer.alloc(1000 + offset));
      return receiver(times(count, frame));
    },
  })),
  {
    name: 'the header of a frame of 2^62 bytes, over and over',
    count: 3000,
    maxPeak: 100,
    prepare: (count) => {
      const header = Buffer.from('82ff400000000000000000000000', 'hex');
      const pool = new SlabPool();
      return () => {
        for (let number = 0; number < count; number++) {
          const { output } = receiver([header], { closesWith: 1009, pool })();
          output.take();
          output.release();
        }
      };
    },
  },
  {
    name: 'frames that came before the connection is closed, and what comes after',
    count: 30_000,
    prepare: (count) =>
      receiver(
        [
          quickFrame(FIN | 0x3, Buffer.alloc(0)),
          ...times(count, quickFrame(FIN | TEXT, Buffer.alloc(10))),
        ],
        {
          closesWith: 1002,
        },
      ),
  },
];

/** A codec, what takes bytes to it in reads, and a look at its end. */
function codecReceiver(frames: readonly Buffer[], readBytes: number): () => void {
  const codec = new Codec({ role: 'server', maxFragments: frames.length });
  const wire = Buffer.concat(frames);
  return () => {
    for (let at = 0; at < wire.length; at += readBytes)
      codec.receive(wire.subarray(at, at + readBytes));
    codec.takeOutput();
    if (codec.isClosed) throw new Error('it failed');
  };
}

export const PROTOCOL: CostTable = {
  'protocol/endpoint': [
    ...[0, RSV1].map((rsv) => ({
      name: `one-byte fragments behind a first one that is as large as a message may be, RSV ${rsv}`,
      count: 2000,
      maxCopied: 200,
      prepare: (count: number) => {
        const maxMessage = 32 * count;
        const firstBytes = rsv === 0 ? maxMessage - count : maxMessage;
        const first = quickFrame(rsv | BINARY, Buffer.alloc(firstBytes));
        const one = quickFrame(CONTINUATION, Buffer.alloc(1));
        return receiver([first, ...Array.from({ length: count }, () => one)], { maxMessage });
      },
    })),
    {
      name: 'fragments of 80 bytes that are 12 more on the wire, up to the limit and beyond it',
      count: 5000,
      maxCopied: 600,
      prepare: (count) => receiver(fragments(RSV1 | BINARY, count, 92), { maxMessage: 80 * count }),
    },
    ...[1, 80, 5000].map((bytes) => ({
      name: `a message in fragments of ${bytes} bytes`,
      count: bytes === 1 ? 20_000 : bytes === 80 ? 2000 : 200,
      maxCopied: 8 * bytes,
      prepare: (count: number) => fragmented(BINARY, count, bytes),
    })),
    {
      name: 'empty fragments',
      count: 20_000,
      maxCopied: 8,
      prepare: (count) => fragmented(BINARY, count, 0),
    },
    ...(
      [
        // Sizes that the message grows to, and just beyond them, and a limit between two of them.
        [1, 1, 2],
        [7, 1, 2],
        [1400, 60_000, 2],
        [16_384, 16_384, 1.5],
        [256 * KIB, 65_522, 1.5],
      ] as const
    ).flatMap(([readBytes, firstBytes, maxCopied]) =>
      [100_000, 64 * KIB + 1, 87_000].map((count) => ({
        name: `one frame of ${count} bytes and more, read into its place by ${readBytes} bytes`,
        count,
        maxCopied,
        prepare: (count: number) => placer(count, readBytes, firstBytes),
      })),
    ),
    ...[1, 7, 1400].map((readBytes) => ({
      name: `one frame in reads of ${readBytes} bytes`,
      count: 100_000,
      maxCopied: 8,
      prepare: (count: number) =>
        receiver([quickFrame(FIN | TEXT, Buffer.alloc(count, 'é'))], {
          readBytes,
          maxMessage: count,
        }),
    })),
    {
      name: 'frames byte by byte: headers, text and control frames',
      count: 10_000,
      maxCopied: 400,
      prepare: (count) => {
        const frame = Buffer.concat([
          quickFrame(FIN | 0x9, Buffer.alloc(100)),
          quickFrame(FIN | TEXT, Buffer.from('é')),
        ]);
        return receiver(
          Array.from({ length: count / 100 }, () => frame),
          { readBytes: 1 },
        );
      },
    },
    ...LIMITS,
    ...FRAMES,
  ],
  'protocol/masking': [
    ...[0, 1, 2, 3].map((offset) => ({
      name: `unmasking from ${offset} bytes after a word`,
      count: 256 * KIB,
      prepare: (count: number) => {
        const bytes = Buffer.alloc(count + offset);
        return () => unmask(bytes, offset, bytes.length, 0x1234_5678);
      },
    })),
  ],
  'protocol/utf8': [
    {
      name: 'text byte by byte, and the search for its first impossible byte',
      count: 100_000,
      prepare: (count) => {
        const text = Buffer.alloc(count, '€');
        return () => {
          let state = UTF8_ACCEPT;
          for (let at = 0; at < count; at++) state = validateUtf8(state, text, at, at + 1);
          findImpossibleByte(UTF8_ACCEPT, text, 0, count);
        };
      },
    },
  ],
  'protocol/assembler': [
    {
      name: 'an assembler whose pieces are over its limit',
      count: 20_000,
      maxCopied: 8,
      prepare: (count) => () => {
        const assembler = new Assembler(1000);
        for (let at = 0; at < count; at++) assembler.append(Uint8Array.of(1), 0, 1, 0);
      },
    },
  ],
  'protocol/fifo': [
    {
      name: 'Fifo: all in, then all out',
      count: 50_000,
      prepare: (count) => () => {
        const fifo = new Fifo<number>();
        for (let number = 0; number < count; number++) fifo.push(number);
        for (let number = 0; number < count; number++) fifo.shift();
      },
    },
    {
      name: 'Fifo: never empty',
      count: 50_000,
      prepare: (count) => () => {
        const fifo = new Fifo<number>();
        for (let number = 0; number < count; number++) {
          fifo.push(number);
          fifo.push(number);
          fifo.shift();
        }
      },
    },
  ],
  'protocol/codec': [
    ...Object.entries({
      'messages that are sent back in runs': (count: number) =>
        echoing(times(count, quickFrame(FIN | TEXT, Buffer.from('é')))),
      'runs of one message, between Pings': (count: number) =>
        echoing(times(count, Buffer.concat([SMALL_ECHO, quickFrame(PING, Buffer.alloc(0))]))),
      'runs of one message, between fragments': (count: number) =>
        echoing(times(count, Buffer.concat([SMALL_ECHO, ...fragments(TEXT, 3, 1)]))),
      'runs that have room for one message, and all others by themselves': (count: number) =>
        echoing(times(count, SMALL_ECHO), SMALL_ECHO.length),
      'messages of which the last in each read is cut': (count: number) =>
        echoing(times(count, quickFrame(FIN | BINARY, Buffer.alloc(40)))),
    }).map(([name, prepare]) => ({
      name: `echo: ${name}`,
      count: 20_000,
      maxCopied: 100,
      prepare,
    })),
    {
      name: 'a codec: a message in fragments of 80 bytes, in one read',
      count: 5000,
      maxCopied: 1000,
      prepare: (count) => codecReceiver(fragments(BINARY, count, 80), Infinity),
    },
    {
      name: 'a codec: one message in reads of 7 bytes',
      count: 100_000,
      maxCopied: 10,
      prepare: (count) => codecReceiver([quickFrame(FIN | BINARY, Buffer.alloc(count))], 7),
    },
    {
      name: 'a codec: small messages, and the Pongs of Pings',
      count: 20_000,
      maxCopied: 100,
      prepare: (count) => {
        const frame = Buffer.concat([
          quickFrame(FIN | TEXT, Buffer.from('text')),
          quickFrame(FIN | 0x9, Buffer.from('ping')),
        ]);
        return codecReceiver(
          Array.from({ length: count }, () => frame),
          64 * KIB,
        );
      },
    },
    {
      name: 'a codec: messages that are sent before any is taken',
      count: 20_000,
      maxCopied: 200,
      prepare: (count) => {
        const codec = new Codec({ role: 'client' });
        return () => {
          for (let sent = 0; sent < count; sent++) codec.send('a message of some bytes');
          if (codec.takeOutput()!.length < 23 * count) throw new Error('more is needed');
        };
      },
    },
  ],
};
