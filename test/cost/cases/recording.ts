/** Recordings: written, read, converted, played. */
import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { OutputBuffer } from '../../../src/cli/convert/output-buffer.js';
import { MessageMatch } from '../../../src/modes/replay/message-match.js';
import { PieceQueue } from '../../../src/modes/replay/piece-queue.js';
import type { Converter, ConvertOutput } from '../../../src/recording/convert/converter.js';
import { ndjsonConverter } from '../../../src/recording/convert/ndjson.js';
import { novncConverter } from '../../../src/recording/convert/novnc.js';
import { textConverter } from '../../../src/recording/convert/text/text.js';
import { readReplaySessions } from '../../../src/recording/replay/replay-index.js';
import { harConverter } from '../../../src/recording/convert/har/har.js';
import { pcapngConverter } from '../../../src/recording/convert/pcapng/pcapng.js';
import { Spool, SpoolStream } from '../../../src/recording/convert/spool.js';
import { OutgoingLines } from '../../../src/recording/file/outgoing-lines.js';
import { RecordReader } from '../../../src/recording/format/record-reader.js';
import { BatchFeed } from '../../../src/recording/write/batch-feed.js';
import { FilelessWriter } from '../../../src/recording/write/fileless-writer.js';
import { RecordBuffer } from '../../../src/recording/write/record-buffer.js';
import { WatchedSource } from '../../../src/recording/write/watched-source.js';
import type { CostCase, CostTable } from '../case.js';
import { scratchDirectory } from '../material.js';

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

/** Lines that a recording never has, from whoever made the file. */
const HOSTILE: readonly (readonly [what: string, before: string, text: string, after: string])[] = [
  ['brackets', '', '[', '\n'],
  ['objects in objects', '', '{"a":', '\n'],
  ['empty arrays', '[', '[],', '[]]\n'],
  ['members', '{"ev":"msg"', ',"a":1', '}\n'],
  ['members that are one', '{"ev":"msg"', ',"ev":"msg"', '}\n'],
  ['a long text', '{"ev":"', 'a', '"}\n'],
  ['escapes', '{"ev":"', '\\u0061', '"}\n'],
  ['a text that does not end', '{"ev":"', 'a', '\n'],
  ['headers', '{"ev":"open","headers":{"a":[""', ',"a"', ']}}\n'],
  ['a long URL', '{"ev":"open","url":"', '/%2525', '"}\n'],
  ['damaged lines', '', '{\n', ''],
  ['empty lines', '', '\n', ''],
  ['bytes that are not UTF-8', '', '\u00ff', '\n'],
];

/** Sessions that begin and never end. */
const unended = (count: number): string =>
  Array.from({ length: count }, (_, one) => OPEN.replace('"A"', `"S${one}"`)).join('');

const TEXT = { hasColor: true, maxCharacters: 100, maxBytes: 100, times: 'clock' } as const;

const CONVERTERS: readonly (readonly [format: string, file: string, make: () => Converter])[] = [
  ['text', 'recording/convert/text/text', () => textConverter(NOWHERE, TEXT)],
  ['NDJSON', 'recording/convert/ndjson', () => ndjsonConverter(NOWHERE)],
  ['noVNC', 'recording/convert/novnc', () => novncConverter(NOWHERE)],
];

export const RECORDING: CostTable = {
  'recording/format/parse-record': HOSTILE.map(([what, before, text, after]) => ({
    name: `a recording of ${what}`,
    also: ['recording/format/line-shape', 'recording/format/record-reader'],
    count: 20_000,
    prepare: (count) => {
      const bytes = Buffer.from(before + text.repeat(count) + after, 'latin1');
      return () => new RecordReader(nothing).read(bytes).length;
    },
  })),
  ...Object.fromEntries(
    CONVERTERS.map(([format, file, make]) => [
      file,
      [
        {
          name: `to ${format}: messages`,
          count: 2000,
          prepare: (count: number) =>
            converting(Buffer.from(OPEN + message('a\u0001€').repeat(count)), make),
        },
        {
          name: `to ${format}: one long message`,
          count: 100_000,
          prepare: (count: number) =>
            converting(Buffer.from(OPEN + message('a'.repeat(count))), make),
        },
      ],
    ]),
  ),
  'recording/replay/replay-index': [
    {
      name: 'sessions of a recording that is to be played, none of which ends',
      count: 1000,
      maxCount: 16_000,
      prepare: (count) => {
        const file = path.join(scratchDirectory(), `unended-${count}.ndjson`);
        writeFileSync(file, unended(count));
        return () => readReplaySessions(file, nothing);
      },
    },
  ],
  'recording/format/record-reader': [
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
  ],
  'recording/write/record-buffer': [
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
  ],
  'recording/write/batch-feed': [
    {
      name: 'records for an inspector that reads nothing',
      count: 20_000,
      prepare: (count) => {
        const source = new RecordBuffer();
        const line = Buffer.from(message('a'.repeat(100)));
        return () => {
          const feed = new BatchFeed({ tool: null, maxBytes: 64 * KIB });
          const watched = new WatchedSource(source, feed);
          const writer = new FilelessWriter(watched, { batchTaken: nothing, batchDone: nothing });
          feed.connect({ write: nothing });
          for (let number = 0; number < count; number++) {
            source.appendLine(line);
            writer.appended();
          }
          void writer.close();
          return feed;
        };
      },
    },
  ],
  'recording/file/outgoing-lines': [
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
  ],
  'recording/convert/spool': [
    {
      name: 'streams beside each other in memory and in a file',
      count: 20_000,
      prepare: (count) => () => {
        const spool = new Spool(scratchDirectory(), 64 * KIB);
        const streams = [new SpoolStream(spool), new SpoolStream(spool)];
        for (let number = 0; number < count; number++)
          streams[number % 2]!.appendText('some text ');
        for (const stream of streams)
          for (const block of stream.drain()) if (block.length < 0) return;
        spool.file.close();
      },
    },
  ],
  'recording/convert/har/har': [
    ...(
      [
        ['HAR', () => harConverter(NOWHERE, { tool: 'twist', spoolDir: scratchDirectory() })],
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
  ],
  'cli/convert/output-buffer': [
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
  ],
  'modes/replay/piece-queue': [
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
  ],
  'modes/replay/message-match': [
    {
      name: 'a message that is compared in pieces',
      count: 50_000,
      prepare: (count) => () => {
        const match = new MessageMatch();
        const byte = Uint8Array.of(1);
        for (let number = 0; number < count; number++) match.compare(byte, byte);
      },
    },
  ],
};
