/** Who may connect: addresses, passwords, tokens; and the lines of the log that clients cause. */
import { Buffer } from 'node:buffer';
import { TextCutter } from '../../../src/modes/tcp/text-cutter.js';
import { ClientLines } from '../../../src/server/log/client-lines.js';
import { Remembered } from '../../../src/server/auth/remembered.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import type { CostCase, CostTable } from '../case.js';

export const SERVER: CostTable = {
  'modes/tcp/text-cutter': [
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
  ],
  'server/auth/remembered': [
    {
      name: 'users who were right lately',
      count: 20_000,
      prepare: (count) => () => {
        const remembered = new Remembered(60_000, 1000);
        for (let number = 0; number < count; number++) remembered.add(String(number));
      },
    },
  ],
  'server/log/client-lines': [
    leftOut('one address', () => '192.0.2.1'),
    leftOut(
      'an address each',
      (number) => `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`,
    ),
  ],
};

function leftOut(from: string, addressOf: (number: number) => string): CostCase {
  return {
    name: `lines that are left out of the log, from ${from}`,
    count: 50_000,
    prepare: (count) => () => {
      const lines = new ClientLines(new KeptLog(), 1);
      for (let number = 0; number < count; number++)
        lines.write('info', addressOf(number), 'session ended', () => ({}));
      lines.tell();
    },
  };
}
