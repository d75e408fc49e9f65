/** Every buffer and queue of the protocol, the extensions and the connection: what comes costs as it comes. */
import { Buffer } from 'node:buffer';
import { constants, deflateRawSync } from 'node:zlib';
import t from 'tap';
import { EarlyBytes } from '../../src/connection/early-bytes.js';
import { FlushQueue } from '../../src/connection/flush-queue.js';
import { HttpTunnel } from '../../src/http/tunnel.js';
import { HeldOutput } from '../../src/session/held-output.js';
import { TapFeed } from '../../src/session/tap.js';
import { parseExtensionHeader } from '../../src/extensions/header.js';
import type { Message } from '../../src/extensions/extension.js';
import { MessagePipeline } from '../../src/extensions/pipeline.js';
import {
  CompressorBudget,
  type CompressorHolder,
} from '../../src/extensions/permessage-deflate/compressor-budget.js';
import { MessageDeflater } from '../../src/extensions/permessage-deflate/message-deflater.js';
import { MessageInflater } from '../../src/extensions/permessage-deflate/message-inflater.js';
import { SlicedWork } from '../../src/extensions/permessage-deflate/sliced-work.js';
import { findForwardedClient } from '../../src/handshake/forwarded.js';
import { RequestHeadParser } from '../../src/handshake/request-head.js';
import { Codec } from '../../src/protocol/codec.js';
import { Assembler } from '../../src/protocol/assembler.js';
import { Endpoint } from '../../src/protocol/endpoint.js';
import type { EndpointEvents } from '../../src/protocol/endpoint-events.js';
import { Fifo } from '../../src/protocol/fifo.js';
import { OutputQueue, HAND_OVER_BYTES } from '../../src/protocol/output-queue.js';
import { SlabPool } from '../../src/protocol/slab-pool.js';
import { findImpossibleByte, UTF8_ACCEPT, validateUtf8 } from '../../src/protocol/utf8.js';
import { TextCutter } from '../../src/modes/tcp/text-cutter.js';
import { testCosts, type CostCase } from '../fixtures/cost.js';
import { makeShared, repeated } from '../fixtures/deflate.js';
import { DEFAULT_OPTIONS } from '../fixtures/endpoint-pair.js';
import { Bench, Witness, extensionOf } from '../fixtures/session-bench.js';
import { NO_KEEPALIVE } from '../fixtures/test-host.js';
import { BINARY, CONTINUATION, FIN, RSV1, TEXT, quickFrame } from '../fixtures/quick-frames.js';

t.setTimeout(300_000);

const KIB = 1024;
const MIB = 1024 * KIB;

const nothing = (): void => undefined;

const SILENT: EndpointEvents = {
  message: nothing,
  chunk: nothing,
  pingReceived: nothing,
  pongReceived: nothing,
  peerClose: nothing,
  failed: nothing,
};

/** An endpoint, and what takes bytes to it in reads. */
function receiver(
  frames: readonly Buffer[],
  { maxMessage = 16 * MIB, readBytes = 64 * KIB, events = SILENT } = {},
): () => void {
  const options = { ...DEFAULT_OPTIONS, maxMessage };
  const endpoint = new Endpoint(options, events, new OutputQueue(new SlabPool()));
  endpoint.allowedRsv = 4;
  const wire = Buffer.concat(frames);
  return () => {
    for (let at = 0; at < wire.length; at += readBytes)
      endpoint.receive(wire, at, Math.min(wire.length, at + readBytes));
    if (endpoint.sentClose !== null) throw new Error(endpoint.sentClose.reason);
  };
}

const fragments = (first: number, count: number, bytes: number): Buffer[] => {
  const middle = quickFrame(CONTINUATION, Buffer.alloc(bytes, 0x61));
  return [
    quickFrame(first, Buffer.alloc(bytes, 0x61)),
    ...Array.from({ length: count - 2 }, () => middle),
    quickFrame(FIN | CONTINUATION, Buffer.alloc(bytes, 0x61)),
  ];
};

/** A message whose fragments are of one size. */
const fragmented = (first: number, count: number, bytes: number): (() => void) =>
  receiver(fragments(first, count, bytes), { maxMessage: count * bytes });

const PROTOCOL: readonly CostCase[] = [
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
    count: bytes === 1 ? 20_000 : 2000,
    maxCopied: 8 * bytes,
    prepare: (count: number) => fragmented(BINARY, count, bytes),
  })),
  {
    name: 'empty fragments',
    count: 20_000,
    maxCopied: 8,
    prepare: (count) => fragmented(BINARY, count, 0),
  },
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
  {
    name: 'text of a target in reads that cut every character',
    count: 100_000,
    maxCopied: 8,
    prepare: (count) => {
      const text = Buffer.alloc(count, '€');
      return () => {
        const cutter = new TextCutter();
        for (let at = 0; at < count; at += 2) cutter.cut(text.subarray(at, at + 2));
      };
    },
  },
  {
    name: 'an assembler whose pieces are over its limit',
    count: 20_000,
    maxCopied: 8,
    prepare: (count) => () => {
      const assembler = new Assembler(1000);
      for (let at = 0; at < count; at++) assembler.append(Uint8Array.of(1), 0, 1, 0);
    },
  },
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
];

/** Appends many times without a write in between, as to a client that does not read. */
const appending =
  (count: number, bytes: number): (() => void) =>
  () => {
    const queue = new OutputQueue(new SlabPool());
    const payload = Buffer.alloc(bytes);
    for (let number = 0; number < count; number++)
      queue.appendFrame(0x82, null, payload, 0, bytes, bytes >= HAND_OVER_BYTES);
    takeAll(queue, count * bytes);
  };

/** The same while the output is held. @param after done with each message */
const holding =
  (count: number, bytes: number, after: (held: HeldOutput) => void): (() => void) =>
  () => {
    const pool = new SlabPool();
    const endpoint = new Endpoint(
      { role: 'server', delivery: 'messages', maxMessage: bytes, maxFragments: 1 },
      SILENT,
      new OutputQueue(pool),
    );
    const held = new HeldOutput(endpoint, pool);
    const payload = Buffer.alloc(bytes);
    for (let number = 0; number < count; number++) {
      endpoint.sendMessage(2, payload, 0, bytes);
      after(held);
    }
    held.stop();
    takeAll(endpoint.output, count * bytes);
  };

function takeAll(queue: OutputQueue, leastBytes: number): void {
  const taken = queue.take().reduce((sum, { length }) => sum + length, 0);
  if (taken < leastBytes) throw new Error('something is missing');
  queue.release();
}

const OUTPUT: readonly CostCase[] = [
  {
    name: 'output: small frames that wait',
    count: 100_000,
    maxCopied: 40,
    prepare: (count) => appending(count, 20),
  },
  {
    name: 'output: payloads that are handed over, more than a slab holds headers of',
    count: 10_000,
    maxCopied: 8,
    prepare: (count) => appending(count, HAND_OVER_BYTES),
  },
  {
    name: 'output: one slab after the other',
    count: 200,
    maxCopied: 300 * KIB,
    prepare: (count) => appending(count, HAND_OVER_BYTES - 1),
  },
  {
    name: 'output that is held, small messages',
    count: 10_000,
    maxCopied: 100,
    prepare: (count) => holding(count, 20, nothing),
  },
  {
    name: 'output that is held, each message sealed, none of them let go',
    count: 10_000,
    maxCopied: 100,
    prepare: (count) =>
      holding(count, 20, (held) => {
        held.seal();
      }),
  },
  {
    name: 'output that is held, each message sealed and let go, none of them taken',
    count: 10_000,
    maxCopied: 100,
    prepare: (count) =>
      holding(count, 20, (held) => {
        held.seal();
        held.letGo();
      }),
  },
];

const EXTENSIONS: readonly CostCase[] = [
  {
    name: 'messages that wait for one that is in an extension',
    count: 20_000,
    maxCopied: 8,
    prepare: (count) => async () => {
      let go: (message: Message) => void = nothing;
      let isFirst = true;
      await new Promise<void>((resolve) => {
        const pipeline = new MessagePipeline({
          transform: (message) => {
            if (!isFirst) return message;
            isFirst = false;
            return new Promise((done) => {
              go = done;
            });
          },
          deliver: nothing,
          fail: nothing,
          onIdle: resolve,
          keepsPayload: false,
          turnBytes: 256 * KIB,
        });
        const message: Message = { opcode: 2, rsv: 0, payload: Uint8Array.of(1) };
        for (let number = 0; number < count; number++) pipeline.push(message);
        go(message);
      });
    },
  },
  ...[0, 1].map((bytes) => ({
    name: `pieces of ${bytes} bytes that a mode sends where extensions take whole messages`,
    count: 50_000,
    maxCopied: 8,
    prepare: (count: number) => () => {
      const limits = { ...NO_KEEPALIVE, maxMessage: count, outputPause: MIB, outputLimit: MIB };
      const { session } = new Bench(new Witness(), {
        limits,
        extensions: [extensionOf('x')],
      }).open();
      const piece = Buffer.alloc(bytes);
      for (let number = 0; number < count; number++)
        session.sendChunkRange(2, piece, 0, bytes, number === 0, number === count - 1);
    },
  })),
  {
    name: 'large messages in line',
    count: 20_000,
    prepare: (count) => async () => {
      await new Promise<void>((resolve) => {
        const work = new SlicedWork(resolve);
        for (let number = 0; number < count; number++) {
          void work.run(
            (function* () {
              yield;
            })(),
          );
        }
      });
    },
  },
  {
    name: 'small messages beside compressors at work, with no room for more',
    count: 2000,
    prepare: (count) => () => {
      const holder = (isWorking: boolean): CompressorHolder => ({
        compressorBytes: 100,
        dropCompressor: () => !isWorking,
      });
      const budget = new CompressorBudget(0);
      for (let number = 0; number < count; number++) budget.use(holder(true));
      const small = holder(false);
      for (let number = 0; number < count; number++) {
        budget.use(small);
        budget.rest(small);
      }
    },
  },
  ...[true, false].map((isSync) => ({
    name: `noise that is compressed${isSync ? '' : ', without the synchronous stream'}`,
    count: 512 * KIB,
    maxCopied: 10,
    prepare: (count: number) => {
      const noise = Buffer.alloc(count);
      for (let at = 0, seed = 1; at < count; at++) {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
        noise[at] = seed >> 16;
      }
      const options = { windowBits: 15, level: 1, hasTakeover: false };
      const deflater = new MessageDeflater(options, makeShared(isSync));
      return async () => {
        await deflater.deflate(noise);
        deflater.close();
      };
    },
  })),
  ...[true, false].flatMap((isSync) =>
    [
      { what: 'empty blocks', block: Buffer.from('000000ffff', 'hex'), count: 100_000 },
      { what: 'blocks of one byte', block: Buffer.from('000100feff61', 'hex'), count: 50_000 },
      { what: 'streams that end', block: Buffer.from('010100feff61', 'hex'), count: 200 },
    ].map(({ what, block, count: first }) => ({
      name: `${what} that are inflated${isSync ? '' : ', without the synchronous stream'}`,
      count: first,
      maxCopied: 64,
      prepare: (count: number) => {
        const wire = repeated(block, count);
        const options = { windowBits: 15, hasTakeover: false, maxRatio: 0 };
        const inflater = new MessageInflater(options, makeShared(isSync));
        return async () => {
          await inflater.inflate(wire, 16 * MIB);
          inflater.close();
        };
      },
    })),
  ),
  {
    name: 'a message of many slices',
    count: MIB,
    maxCopied: 6,
    prepare: (count) => {
      const wire = deflateRawSync(Buffer.alloc(count), { finishFlush: constants.Z_SYNC_FLUSH });
      const options = { windowBits: 15, hasTakeover: false, maxRatio: 0 };
      const inflater = new MessageInflater(options, makeShared());
      return async () => {
        await inflater.inflate(wire, 16 * MIB);
        inflater.close();
      };
    },
  },
  ...[
    ['offers', 'a, '],
    ['empty elements', ', '],
    ['white space', ' '],
    ['parameters', 'a; b=c; '],
    ['quoted pairs', 'a; b="\\c\\c\\c", '],
    ['one long token', 'a'],
  ].map(([what, text]) => ({
    name: `the extension header: ${what!}`,
    count: 20_000,
    prepare: (count: number) => {
      const value = `x, ${text!.repeat(count)}x`;
      return () => parseExtensionHeader([value]);
    },
  })),
];

const observer = {
  watchesFrames: false,
  message: nothing,
  control: nothing,
  frame: nothing,
  target: nothing,
  closed: nothing,
};

const CONNECTION: readonly CostCase[] = [
  {
    name: 'observed messages that wait for extensions, on their way in',
    count: 50_000,
    prepare: (count) => () => {
      const observation = new TapFeed(observer);
      const message: Message = { opcode: 2, rsv: 0, payload: Uint8Array.of(1) };
      for (let number = 0; number < count; number++) observation.decoding(1);
      for (let number = 0; number < count; number++) observation.decoded(message);
    },
  },
  {
    name: 'observed messages that wait for extensions, on their way out',
    count: 50_000,
    maxCopied: 8,
    prepare: (count) => () => {
      const observation = new TapFeed(observer);
      const message: Message = { opcode: 2, rsv: 0, payload: Uint8Array.of(1) };
      for (let number = 0; number < count; number++) {
        observation.encoding(message);
        observation.keepUnencoded();
      }
      for (let number = 0; number < count; number++) observation.encoded();
    },
  },
  {
    name: 'requests that came early, one by one',
    count: 20_000,
    maxCopied: 200,
    prepare: (count) => {
      const request = Buffer.alloc(26);
      return () => {
        const early = new EarlyBytes();
        for (let number = 0; number < count; number++) early.keep(request, 0, 26);
        for (let number = 0; number < count; number++) {
          const { bytes, start, end } = early;
          early.forget();
          early.keep(bytes, start + 26, end);
        }
      };
    },
  },
  {
    name: 'connections with something to write, each of which wakes another one',
    count: 50_000,
    prepare: (count) => () => {
      const queue = new FlushQueue();
      let left = count;
      const flushable = {
        flush: () => {
          if (left-- > 0) queue.add(flushable);
        },
      };
      queue.hold();
      for (let number = 0; number < count; number++) queue.add(flushable);
      queue.release();
    },
  },
  {
    name: 'a response in small writes, to a client that takes one at a time',
    count: 5000,
    prepare: (count) => async () => {
      const peer = { remoteAddress: '127.0.0.1', remotePort: 1 };
      const transport = {
        sendPieces: () => {
          setImmediate(() => {
            tunnel.drained();
          });
          return false;
        },
        responded: nothing,
        responseBroken: nothing,
      };
      const tunnel = new HttpTunnel(transport, peer, 'GET / HTTP/1.1\r\n\r\n');
      await new Promise<void>((resolve) => {
        for (let number = 1; number < count; number++) tunnel.write(Buffer.alloc(10));
        tunnel.write(Buffer.alloc(10), () => {
          resolve();
        });
      });
      tunnel.finish();
    },
  },
  {
    name: 'a request head byte by byte',
    count: 50_000,
    maxCopied: 8,
    prepare: (count) => {
      const head = Buffer.from(`GET / HTTP/1.1\r\nX: ${'a'.repeat(count)}`);
      return () => {
        const parser = new RequestHeadParser({
          maxRequestLine: 100,
          maxHeaderLine: 2 * count,
          maxHead: 2 * count,
          maxHeaders: 100,
        });
        for (let at = 0; at < head.length; at++) parser.receive(head, at, at + 1);
      };
    },
  },
  {
    name: 'a request head of many lines',
    count: 10_000,
    prepare: (count) => {
      const head = Buffer.from(`GET / HTTP/1.1\r\n${'X: a\r\n'.repeat(count)}\r\n`);
      return () => {
        const parser = new RequestHeadParser({
          maxRequestLine: 100,
          maxHeaderLine: 100,
          maxHead: head.length,
          maxHeaders: count,
        });
        if (parser.receive(head, 0, head.length) !== head.length) throw new Error('more is needed');
      };
    },
  },
  {
    name: 'addresses in X-Forwarded-For',
    count: 5000,
    prepare: (count) => {
      const values = [Array.from({ length: count }, () => '10.0.0.1').join(', ')];
      return () => findForwardedClient(values, () => true);
    },
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

const CODEC: readonly CostCase[] = [
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
];

testCosts(t, [...PROTOCOL, ...OUTPUT, ...EXTENSIONS, ...CONNECTION, ...CODEC]);
