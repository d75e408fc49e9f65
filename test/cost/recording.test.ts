/** Every buffer and queue of the recording, its readers, and the command: what comes costs as it comes. */
import { Buffer } from 'node:buffer';
import t from 'tap';
import { OutputBuffer } from '../../src/cli/convert/output-buffer.js';
import { readTokenLines } from '../../src/modes/tcp/tokens/token-lines.js';
import { MessageMatch } from '../../src/modes/replay/message-match.js';
import { PieceQueue } from '../../src/modes/replay/piece-queue.js';
import { harConverter } from '../../src/recording/convert/har/har.js';
import { pcapngConverter } from '../../src/recording/convert/pcapng/pcapng.js';
import type { Converter, ConvertOutput } from '../../src/recording/convert/converter.js';
import { Spool, SpoolStream } from '../../src/recording/convert/spool.js';
import { OutgoingLines } from '../../src/recording/file/outgoing-lines.js';
import { RecordBuffer } from '../../src/recording/write/record-buffer.js';
import { RecordReader } from '../../src/recording/format/record-reader.js';
import { Remembered } from '../../src/server/auth/remembered.js';
import { testCosts, type CostCase } from '../fixtures/cost.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

t.setTimeout(300_000);

const KIB = 1024;

const nothing = (): void => undefined;

const NOWHERE: ConvertOutput = { write: () => undefined };

const message = (data: string, part?: string): string =>
  `${JSON.stringify({ ev: 'msg', s: 'A', t: 1, dir: 'in', op: 1, len: data.length, wire: 1, part, data })}\n`;

const OPEN = `${JSON.stringify({
  ev: 'open',
  s: 'A',
  t: 1,
  id: 1,
  remote: '127.0.0.1:50000',
  local: '127.0.0.1:9001',
  tls: null,
  url: '/',
  headers: {},
  subprotocol: null,
  extensions: null,
  mode: 'echo',
})}\n`;

/** Reads a recording and converts it. */
const converting = (lines: Buffer, makeConverter: () => Converter) => async (): Promise<void> => {
  const reader = new RecordReader((line, reason) => {
    throw new Error(`line ${line}: ${reason}`);
  });
  const converter = makeConverter();
  for (const { record, bytes } of reader.read(lines)) await converter.convert(record, bytes);
  await converter.finish();
};

const directory = makeTempDir(t);

const CASES: readonly CostCase[] = [
  ...[1, 100, 4096].map((chunkBytes) => ({
    name: `one line of a recording in chunks of ${chunkBytes} bytes`,
    count: chunkBytes * 2000,
    maxCopied: 8,
    prepare: (count: number) => {
      const line = Buffer.from(message('a'.repeat(count)));
      return () => {
        const reader = new RecordReader(nothing);
        for (let at = 0; at < line.length; at += chunkBytes)
          reader.read(line.subarray(at, at + chunkBytes));
      };
    },
  })),
  {
    name: 'a line of a recording that is too long',
    count: 100_000,
    maxCopied: 8,
    prepare: (count) => {
      const chunk = Buffer.alloc(100, 0x61);
      return () => {
        const reader = new RecordReader(nothing, undefined, 64 * KIB);
        for (let at = 0; at < count; at += 10) reader.read(chunk);
      };
    },
  },
  {
    name: 'short lines of a recording in one chunk',
    count: 5000,
    prepare: (count) => {
      const lines = Buffer.from(message('a').repeat(count));
      return () => {
        if (new RecordReader(nothing).read(lines).length !== count)
          throw new Error('some are missing');
      };
    },
  },
  {
    name: 'records that wait for a slow disk',
    count: 20_000,
    prepare: (count) => {
      const line = Buffer.from(message('a'.repeat(100)));
      return () => {
        const buffer = new RecordBuffer();
        for (let number = 0; number < count; number++) buffer.appendLine(line);
        buffer.recycle(buffer.take());
      };
    },
  },
  {
    name: 'text whose every byte is escaped, on its way into a record',
    count: 200_000,
    prepare: (count) => {
      const text = Buffer.alloc(count, 1);
      return () => {
        new RecordBuffer().appendJsonText(text, 0, count);
      };
    },
  },
  ...[1, 4096].map((chunkBytes) => ({
    name: `a batch in chunks of ${chunkBytes} bytes that is written a little at a time`,
    count: 2000,
    prepare: (count: number) => {
      const chunks = Array.from({ length: count }, () => Buffer.alloc(chunkBytes, '\n'));
      return () => {
        const lines = new OutgoingLines(chunks);
        while (!lines.isDone) {
          if (lines.tornBytes() > 0) throw new Error('a line is torn');
          const bytes = lines.wholeLinesWithin(chunkBytes * 7);
          const parts = lines.next(bytes);
          lines.advance(parts.reduce((sum, { length }) => sum + length, 0));
        }
      };
    },
  })),
  {
    name: 'streams beside each other in memory and in a file',
    count: 20_000,
    prepare: (count) => () => {
      const spool = new Spool(directory, 64 * KIB);
      const streams = [new SpoolStream(spool), new SpoolStream(spool)];
      for (let number = 0; number < count; number++) streams[number % 2]!.appendText('some text ');
      for (const stream of streams)
        for (const block of stream.drain()) if (block.length < 0) return;
      spool.file.close();
    },
  },
  ...(
    [
      ['HAR', () => harConverter(NOWHERE, { tool: 'twist', spoolDir: directory })],
      ['pcapng', () => pcapngConverter(NOWHERE)],
    ] as const
  ).flatMap(([format, make]): CostCase[] => [
    {
      name: `to ${format}: messages of one session`,
      count: 2000,
      prepare: (count) => converting(Buffer.from(OPEN + message('a').repeat(count)), make),
    },
    {
      name: `to ${format}: pieces of one message`,
      count: 2000,
      prepare: (count) =>
        converting(
          Buffer.from(
            OPEN +
              message('a', 'first') +
              message('a', 'middle').repeat(count) +
              message('a', 'last'),
          ),
          make,
        ),
    },
  ]),
  {
    name: 'what a converter writes, to an output that takes its time',
    count: 200_000,
    maxCopied: 64,
    prepare: (count) => async () => {
      const output = new OutputBuffer(async () => {
        await new Promise(setImmediate);
      });
      for (let number = 0; number < count; number++) await output.write('some text ');
      await output.flush();
    },
  },
  {
    name: 'pieces of a client that is not looked at, and then is',
    count: 50_000,
    prepare: (count) => () => {
      const queue = new PieceQueue();
      const bytes = new Uint8Array(1);
      for (let number = 0; number < count; number++)
        queue.push({ opcode: 2, isFirst: true, isLast: true, bytes });
      while (queue.head !== null) queue.shift();
    },
  },
  {
    name: 'a message that is compared in pieces',
    count: 50_000,
    prepare: (count) => () => {
      const match = new MessageMatch();
      const byte = Uint8Array.of(1);
      for (let number = 0; number < count; number++) match.compare(byte, byte);
    },
  },
  {
    name: 'lines of a token file',
    count: 2000,
    prepare: (count) => {
      const text = Array.from({ length: count }, (_, number) => `token${number}: host:1`).join(
        '\n',
      );
      return () => readTokenLines(text, () => null, new Map());
    },
  },
  {
    name: 'users who were right lately',
    count: 20_000,
    prepare: (count) => () => {
      const remembered = new Remembered(60_000, 1000);
      for (let number = 0; number < count; number++) remembered.add(String(number));
    },
  },
];

testCosts(t, CASES);
