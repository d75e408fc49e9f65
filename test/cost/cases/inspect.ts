/** The inspector: what it holds, what a page asks of it. */
import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ModeSession } from '../../../src/session/session.js';
import { PageSession } from '../../../src/inspect/page/page-session.js';
import { FileStore } from '../../../src/inspect/store/file-store.js';
import { LiveStore, MIN_MEMORY_BYTES } from '../../../src/inspect/store/live-store.js';
import { SessionTable } from '../../../src/inspect/store/session-table.js';
import type { OpenRecord } from '../../../src/recording/format/record.js';
import type { RecordStore } from '../../../src/inspect/store/record-store.js';
import { WorkQueue } from '../../../src/inspect/store/work-queue.js';
import { exportView } from '../../../src/inspect/views/export.js';
import { FindWork } from '../../../src/inspect/views/find.js';
import { RecordFilter, searchOf } from '../../../src/inspect/views/record-filter.js';
import { Rows } from '../../../src/inspect/views/rows.js';
import { StripWork } from '../../../src/inspect/views/strip.js';
import { View } from '../../../src/inspect/views/view.js';
import type { RowFilter } from '../../../src/inspect/page-protocol.js';
import type { CostTable } from '../case.js';
import { scratchDirectory } from '../material.js';

const MIB = 1024 ** 2;

const LIMITS = { maxEnded: 1, maxSessions: 1, areRecordsLeaving: false };

const MEMORY = { memoryBytes: 1024 * MIB };

const open = (s: string): string =>
  `{"ev":"open","s":"${s}","t":1,"id":1,"remote":"unix","local":"unix","tls":null,"url":"/","headers":{},"subprotocol":null,"extensions":null,"mode":"echo"}\n`;

const close = (s: string): string =>
  `{"ev":"close","s":"${s}","t":1,"by":"client","code":1000,"reason":"","in":{"msgs":0,"bytes":0},"out":{"msgs":0,"bytes":0},"dur":1}\n`;

const message = (s: string, dir: string, data: string): string =>
  `{"ev":"msg","s":"${s}","t":1790000000.000001,"dir":"${dir}","op":1,"len":${data.length},"wire":1,"data":"${data}"}\n`;

const never = (): boolean => false;

/** All at once, as a pipe brings it. */
function append(store: LiveStore, text: string): LiveStore {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 65_536) store.append(bytes.subarray(at, at + 65_536));
  return store;
}

const messages = (count: number): string =>
  message('A', 'in', 'hello').repeat(Math.ceil(count / 2)) +
  message('A', 'out', 'hello').repeat(Math.ceil(count / 2));

const filled = (count: number): LiveStore =>
  append(new LiveStore(MEMORY), open('A') + messages(count));

function viewOf(store: RecordStore, filter: RowFilter): View {
  const view = new View(store, RecordFilter.of(filter, store) as RecordFilter);
  while (!view.work(never));
  return view;
}

const FILTERS: readonly (readonly [what: string, filter: RowFilter])[] = [
  ['of a session', { session: 'A' }],
  ['with a text', { text: 'lo' }],
  ['with a pattern', { pattern: 'l+o$' }],
];

/** A page that reads everything. */
const PAGE = {
  send: () => 'sent',
  pause: () => undefined,
  resume: () => undefined,
} as unknown as ModeSession;

export const INSPECT: CostTable = {
  'inspect/store/live-store': [
    {
      name: 'live traffic, in memory that has room for all of it',
      count: 10_000,
      maxHeld: 300,
      prepare: (count) => {
        const text = open('A') + messages(count);
        return () => append(new LiveStore(MEMORY), text);
      },
    },
    {
      name: 'live traffic, in memory that has room for little of it',
      count: 100_000,
      maxHeld: 200,
      prepare: (count) => {
        const text = open('A') + messages(count);
        return () => append(new LiveStore({ memoryBytes: MIN_MEMORY_BYTES }), text);
      },
    },
    {
      name: 'sessions that come and go, more than there is room for',
      count: 5000,
      maxHeld: 8000,
      prepare: (count) => {
        const names = Array.from({ length: count }, (_, at) => `S${at}`);
        const text = names
          .map((name) => open(name) + message(name, 'in', 'a') + close(name))
          .join('');
        return () => append(new LiveStore({ memoryBytes: MIN_MEMORY_BYTES }), text);
      },
    },
    {
      name: 'one line in pieces',
      count: 200_000,
      maxCopied: 12,
      prepare: (count) => {
        const line = Buffer.from(message('A', 'in', 'x'.repeat(count)));
        return () => {
          const store = new LiveStore(MEMORY);
          for (let at = 0; at < line.length; at += 1000) store.append(line.subarray(at, at + 1000));
        };
      },
    },
    {
      name: 'lines of others, of escapes',
      count: 100_000,
      prepare: (count) => {
        const text = message('A', 'in', '\\u0061'.repeat(count));
        return () => append(new LiveStore({ ...MEMORY, isForeign: true }), text);
      },
    },
  ],
  'inspect/store/file-store': [
    {
      name: 'the index of a file',
      count: 20_000,
      maxHeld: 120,
      prepare: (count, cleanup) => {
        const file = path.join(scratchDirectory(), `inspected-${count}.ndjson`);
        writeFileSync(file, open('A') + messages(count));
        return () => {
          const store = new FileStore(file);
          cleanup(() => {
            store.close();
          });
          while (!store.work(never));
          return store;
        };
      },
    },
    {
      name: 'a file of one line',
      count: 500_000,
      prepare: (count, cleanup) => {
        const file = path.join(scratchDirectory(), `inspected-line-${count}.ndjson`);
        writeFileSync(file, message('A', 'in', 'x'.repeat(count)));
        return () => {
          const store = new FileStore(file);
          cleanup(() => {
            store.close();
          });
          while (!store.work(never));
          return store.line(0).length;
        };
      },
    },
  ],
  'inspect/views/view': FILTERS.map(([what, filter]) => ({
    name: `a view ${what}`,
    count: 20_000,
    maxHeld: 40,
    prepare: (count: number) => {
      const store = filled(count);
      return () => viewOf(store, filter);
    },
  })),
  'inspect/views/find': [
    {
      name: 'a search that finds nothing',
      count: 20_000,
      prepare: (count) => {
        const store = filled(count);
        const view = viewOf(store, {});
        const search = searchOf({ text: 'nothing' }) as Exclude<
          ReturnType<typeof searchOf>,
          string | null
        >;
        return () =>
          new FindWork(store, view, search, { from: -1, isBackwards: false }, never).work(never);
      },
    },
  ],
  'inspect/views/strip': [
    {
      name: 'a strip of all traffic',
      count: 200_000,
      prepare: (count) => {
        const store = filled(count);
        const range = { session: null, since: undefined, until: undefined, buckets: 1000 };
        return () => new StripWork(store, range, never).work(never);
      },
    },
  ],
  'inspect/own-beginning': [
    {
      name: 'beginnings of long texts',
      count: 1_000_000,
      prepare: (count) => () => {
        const table = new SessionTable(LIMITS);
        table.opened({
          ...(JSON.parse(open('A')) as OpenRecord),
          url: Buffer.alloc(count, 'x').toString(),
        });
        return table;
      },
    },
  ],
  'inspect/views/rows': [
    {
      name: 'rows of nested JSON in lines of others',
      count: 4_000_000,
      prepare: (count) => {
        const data = `${'['.repeat(count / 2)}${']'.repeat(count / 2)}`;
        const line = message('A', 'in', data).replace('{', '{ ');
        const store = append(new LiveStore(MEMORY), open('A') + line);
        const rows = new Rows(store);
        return () => rows.row(1);
      },
    },
    {
      name: 'rows of long messages',
      count: 100_000,
      prepare: (count) => {
        const store = append(new LiveStore(MEMORY), message('A', 'in', '\\"'.repeat(count)));
        const rows = new Rows(store);
        return () => {
          for (let one = 0; one < 100; one++) rows.row(0);
        };
      },
    },
  ],
  'inspect/views/export': [
    {
      name: 'an export of a view',
      count: 5000,
      prepare: (count) => {
        const store = filled(count);
        const view = viewOf(store, {});
        const options = { format: 'ndjson', records: null, tool: 'a/1', spoolDir: '' } as const;
        const target = { isGone: false, write: () => undefined };
        return () => exportView(store, view, { ...options, nowMs: () => 0 }, target);
      },
    },
  ],
  'inspect/page/page-session': [
    {
      name: 'a page that is told of many sessions',
      count: 2000,
      maxCount: 16_000,
      prepare: (count) => {
        const names = Array.from({ length: count }, (_, at) => `S${at}`);
        const store = append(new LiveStore(MEMORY), names.map(open).join(''));
        return () => {
          const page = new PageSession(PAGE, store, new WorkQueue(), {
            version: '1',
            spoolDir: '',
          });
          for (let told = 0; told < count; told += 4000) page.tell();
          page.close();
        };
      },
    },
    {
      name: 'a request that is long',
      count: 10_000,
      maxCount: 80_000,
      prepare: (count) => {
        const page = new PageSession(PAGE, filled(1), new WorkQueue(), {
          version: '1',
          spoolDir: '',
        });
        const request = Buffer.from(`{"id":1,"ask":"export","records":[${'1,'.repeat(count)}1]}`);
        return () => {
          page.receive(1, request, 0, request.length);
        };
      },
    },
  ],
};
