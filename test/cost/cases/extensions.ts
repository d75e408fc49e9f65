/** Extensions: their header, messages on their way through them, and permessage-deflate. */
import { Buffer } from 'node:buffer';
import { constants, deflateRawSync } from 'node:zlib';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { Turns } from '../../../src/budget/turns.js';
import type { Message } from '../../../src/extensions/extension.js';
import { parseExtensionHeader } from '../../../src/extensions/header.js';
import { MessagePipeline } from '../../../src/extensions/pipeline.js';
import {
  CompressorBudget,
  type CompressorHolder,
} from '../../../src/extensions/permessage-deflate/compressor-budget.js';
import { MessageDeflater } from '../../../src/extensions/permessage-deflate/message-deflater.js';
import { MessageInflater } from '../../../src/extensions/permessage-deflate/message-inflater.js';
import { LargeRoom } from '../../../src/extensions/permessage-deflate/large-room.js';
import {
  type SharedWork,
  shareWork,
} from '../../../src/extensions/permessage-deflate/shared-work.js';
import {
  type Share,
  type Slices,
  SlicedWork,
} from '../../../src/extensions/permessage-deflate/sliced-work.js';
import { repeated } from '../../fixtures/deflate.js';
import { Bench, Witness, extensionOf } from '../../fixtures/session-bench.js';
import { NO_KEEPALIVE } from '../../fixtures/test-host.js';
import type { CostTable } from '../case.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Two blocks without a byte in them, and 11.5 bytes of tables each (RFC 1951 §3.2.7). */
const EMPTY_DYNAMIC = '04c0810800000000207feb47001c880000000000f2b77e';

const nothing = (): void => undefined;

/** What a compressor or a decompressor shares with others, with the clock that decides in use. */
function sharedWork(isSync = true): [shared: SharedWork, share: Share] {
  const memory = new MemoryAccount();
  const shared = shareWork(isSync, new CompressorBudget(2 ** 30, memory), memory, new Turns());
  return [shared, shared.slicedWork.makeShare()];
}

export const EXTENSIONS: CostTable = {
  'extensions/pipeline': [
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
            memory: new MemoryAccount(),
            turns: new Turns(),
            endsTurns: true,
          });
          const message: Message = { opcode: 2, rsv: 0, payload: Uint8Array.of(1) };
          for (let number = 0; number < count; number++) pipeline.push(message);
          go(message);
        });
      },
    },
  ],
  'session/output': [
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
  ],
  'extensions/permessage-deflate/sliced-work': [
    {
      name: 'large messages in line',
      count: 4000,
      prepare: (count) => async () => {
        await new Promise<void>((resolve) => {
          const work = new SlicedWork(new Turns(), new LargeRoom(new MemoryAccount()));
          let left = count;
          for (let number = 0; number < count; number++) {
            const slices = (function* (): Slices<undefined> {
              yield 'time';
              if (--left === 0) resolve();
              return undefined;
            })();
            void work.run(slices, work.makeShare(), slices);
          }
        });
      },
    },
  ],
  'extensions/permessage-deflate/compressor-budget': [
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
  ],
  'extensions/permessage-deflate/message-deflater': [
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
        const deflater = new MessageDeflater(options, ...sharedWork(isSync));
        return async () => {
          await deflater.deflate(noise);
          deflater.close();
        };
      },
    })),
  ],
  'extensions/permessage-deflate/message-inflater': [
    ...[true, false].flatMap((isSync) =>
      (
        [
          ['empty stored blocks', '000000ffff', 0, 100_000],
          ['empty dynamic blocks', EMPTY_DYNAMIC, 0, 5000],
          ['blocks of one byte', '000100feff61', 1, 50_000],
          ['streams that end', '010100feff61', 1, 200],
        ] as const
      ).map(([what, block, bytes, count]) => ({
        name: `${what} that are inflated${isSync ? '' : ', without the synchronous stream'}`,
        count,
        ...(what === 'streams that end' && !isSync ? { maxCount: 800 } : {}),
        maxCopied: 80,
        also: ['extensions/permessage-deflate/zlib-context'],
        prepare: (count: number) => {
          const wire = repeated(Buffer.from(block, 'hex'), count);
          const options = { windowBits: 15, hasTakeover: false, maxRatio: 0 };
          const inflater = new MessageInflater(options, ...sharedWork(isSync));
          return async () => {
            const inflated = await inflater.inflate(wire, 16 * MIB);
            inflater.close();
            if (inflated.length !== bytes * count) throw new Error('something is missing');
          };
        },
      })),
    ),
    {
      name: 'a message of many slices',
      count: MIB,
      maxCount: 16 * MIB,
      maxCopied: 6,
      prepare: (count) => {
        const wire = deflateRawSync(Buffer.alloc(count), { finishFlush: constants.Z_SYNC_FLUSH });
        const options = { windowBits: 15, hasTakeover: false, maxRatio: 0 };
        const inflater = new MessageInflater(options, ...sharedWork());
        return async () => {
          await inflater.inflate(wire, 16 * MIB);
          inflater.close();
        };
      },
    },
  ],
  'extensions/header': [
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
  ],
};
