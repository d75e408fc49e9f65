/** The running server: who is connected, what is logged and counted, how it stops, and what workers say. */
import { Admission } from '../../../src/server/admission/admission.js';
import { type Closable, Drain } from '../../../src/server/drain.js';
import { Expendables } from '../../../src/server/admission/expendables.js';
import { Router } from '../../../src/server/router.js';
import { recheck } from '../../../src/server/recheck.js';
import { ServerCounters } from '../../../src/server/server-counters.js';
import { ClientLines } from '../../../src/server/log/client-lines.js';
import { logRefusal, logSession } from '../../../src/server/log/session-log.js';
import { HandshakeError } from '../../../src/errors.js';
import { fieldsForLog } from '../../../src/foreign.js';
import { type Metric, counter, mergeSnapshots } from '../../../src/admin/metrics/metric.js';
import { render } from '../../../src/admin/metrics/prometheus.js';
import { createLog } from '../../../src/cli/output/log.js';
import { LineCutter } from '../../../src/workers/line-cutter.js';
import { PlaceCounter } from '../../../src/workers/place-counter.js';
import { connectToFirst } from '../../../src/modes/tcp/address-race.js';
import { askDns } from '../../../src/modes/tcp/names/dns-answers.js';
import { inOrder } from '../../../src/modes/tcp/names/address-order.js';
import { echoMode } from '../../../src/modes/echo.js';
import { printable, printableJson } from '../../../src/printable.js';
import type { ServedSession } from '../../../src/session/session-host.js';
import type { SessionSummary } from '../../../src/session/session.js';
import { FakeSocket } from '../../fixtures/fake-socket.js';
import type { CostTable } from '../case.js';
import { flat } from '../material.js';

const nothing = (): void => undefined;

const QUIET = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** An IPv4 address for each number. */
const address = (one: number): string => `10.${(one >> 16) & 255}.${(one >> 8) & 255}.${one & 255}`;

const peer = (one: number) => ({ remoteAddress: address(one), remotePort: 1 });

const SUMMARY: SessionSummary = {
  remoteAddress: '192.0.2.1',
  remotePort: 1,
  id: 1,
  path: '/',
  mode: 'echo',
  notes: {},
  subprotocol: null,
  extensions: null,
  extensionStats: {},
  messagesIn: 1,
  bytesIn: 1,
  messagesOut: 1,
  bytesOut: 1,
  durationMs: 1,
  closeCode: 1000,
  closeReason: '',
  closedBy: 'client',
  rule: null,
  error: null,
};

/** What a client may put where the log shows it. */
const HOSTILE = [
  ['letters', 'a'],
  ['control characters', '\u001b[31m'],
  ['quotes', '"\\'],
  ['marks of direction', '\u202e'],
  ['emoji that may be joined', '😀\u200d'],
  ['half a surrogate pair', '\ud800'],
  ['URLs', 'http://a:b@c/?d=e '],
  ['segments', '/a;b=c'],
] as const;

/** Metrics of many routes. */
const routeMetrics = (count: number): Metric[] => [
  counter(
    'twist_sessions_total',
    'Sessions',
    Array.from({ length: count }, (_, one) => ({
      labels: { route: `/${one}`, mode: 'echo' },
      value: one,
    })),
  ),
];

const logged = (format: 'json' | 'pretty') => {
  const output = { write: () => true, isTTY: false };
  return createLog('debug', format, output);
};

export const OPERATION: CostTable = {
  'server/admission/admission': [
    {
      name: 'connections from addresses that all differ, and their end',
      count: 5000,
      also: ['net/ip-address'],
      prepare: (count) => () => {
        const limits = { maxConnections: count, maxConnectionsPerAddress: 10 };
        const admission = new Admission(limits);
        for (let one = 0; one < count; one++) {
          admission.findRefusalAtAccept(peer(one), false);
          admission.add(peer(one));
        }
        for (let one = 0; one < count; one++) admission.remove(peer(one));
      },
    },
  ],
  'server/admission/expendables': [
    {
      name: 'newcomers of which each takes the place of the oldest one',
      count: 2000,
      prepare: (count) => {
        const expendables = new Expendables<object>({
          maxHandshakes: count,
          maxHandshakesPerAddress: 0,
        });
        for (let one = 0; one < count; one++) expendables.add({}, null, 0);
        return () => {
          for (let one = 0; one < count; one++) {
            expendables.delete(expendables.findVictim(null)!);
            expendables.add({}, null, 0);
          }
        };
      },
    },
    {
      name: 'connections that wait for too long, from many networks',
      count: 2000,
      prepare: (count) => {
        const expendables = new Expendables<object>({
          maxHandshakes: 10,
          maxHandshakesPerAddress: 1,
        });
        for (let one = 0; one < 2 * count; one++) expendables.add({}, address(one >> 1), 0);
        return () => expendables.overdue(10_000);
      },
    },
  ],
  'server/router': [
    {
      name: 'routes, and requests for them',
      count: 1000,
      also: ['server/server-counters', 'handshake/request-target'],
      prepare: (count) => () => {
        const served = Array.from({ length: count }, (_, one) => ({
          path: `/${one}`,
          mode: echoMode,
          origin: 'any' as const,
          extensions: [],
        }));
        const router = new Router(served);
        for (let one = 0; one < count; one++) router.lookUp(`/${one}//`);
      },
    },
  ],
  'server/server-counters': [
    {
      name: 'ends of sessions, by code and rule',
      count: 5000,
      maxHeld: 10,
      prepare: (count) => () => {
        const counters = new ServerCounters();
        for (let one = 0; one < count; one++)
          counters.countEnd({ ...SUMMARY, closeCode: 3000 + (one % 2000) });
        return counters;
      },
    },
  ],
  'server/recheck': [
    {
      name: 'sessions that are looked at again after a reload',
      count: 5000,
      prepare: (count) => {
        const session = { mode: echoMode, path: '/', remoteAddress: '10.0.0.1', close: nothing };
        const sessions = Array.from({ length: count }, () => session as unknown as ServedSession);
        return () => recheck(sessions, { isAllowed: () => false, findMode: () => echoMode });
      },
    },
  ],
  'server/drain': [
    {
      name: 'connections that a stop closes',
      count: 2000,
      prepare: (count) => {
        const connections = new Set<Closable>();
        const drain = new Drain(
          {
            connections,
            log: QUIET,
            stopAccepting: () => Promise.resolve(),
            stopNow: nothing,
            settled: () => Promise.resolve(),
          },
          { drainDelay: 0, drainTimeout: 20, closeTimeout: 10 },
        );
        for (let one = 0; one < count; one++) {
          const connection: Closable = {
            isOpen: one % 2 === 0,
            shutDown: () => {
              connections.delete(connection);
              if (connections.size === 0) drain.emptied();
            },
          };
          connections.add(connection);
        }
        return () => drain.run();
      },
    },
  ],
  'server/log/session-log': HOSTILE.map(([what, text]) => ({
    name: `lines of the log with fields of a client: ${what}`,
    also: [
      'cli/output/log',
      'server/log/cut-fields',
      'foreign',
      'printable',
      'handshake/redaction/secrets-in-text',
    ],
    count: 2000,
    prepare: (count) => {
      const long = flat(text.repeat(count));
      const logs = [logged('json'), logged('pretty')].map((log) => new ClientLines(log, 0));
      const refusal = new HandshakeError('origin', {}, { origin: long, host: long });
      return () => {
        for (const log of logs) {
          logSession(log, {
            ...SUMMARY,
            path: `/${long}`,
            subprotocol: long,
            extensions: long,
            closeReason: long,
            notes: { long },
          });
          logRefusal(log, SUMMARY, refusal, refusal);
        }
      };
    },
  })),
  printable: HOSTILE.map(([what, text]) => ({
    name: `control characters that are escaped: ${what}`,
    count: 50_000,
    prepare: (count) => {
      const long = flat(text.repeat(count));
      return () => [printable(long), printableJson(JSON.stringify(long))];
    },
  })),
  foreign: [
    {
      name: 'members of an object from elsewhere, for the log',
      count: 20_000,
      maxHeld: 20,
      prepare: (count) => {
        const value = Object.fromEntries(Array.from({ length: count }, (_, one) => [`k${one}`, 1]));
        return () => fieldsForLog(value);
      },
    },
    {
      name: 'an object from elsewhere that is nested deeply, for the log',
      count: 20_000,
      maxHeld: 1,
      prepare: (count) => {
        let value: object = {};
        for (let depth = 0; depth < count; depth++) value = { value };
        return () => fieldsForLog(value);
      },
    },
  ],
  'admin/metrics/prometheus': [
    {
      name: 'a scrape of many routes',
      also: ['admin/metrics/metric'],
      count: 500,
      prepare: (count) => {
        const snapshot = routeMetrics(count);
        return () => render([{ worker: null, snapshot }], 'openmetrics');
      },
    },
  ],
  'admin/metrics/metric': [
    {
      name: 'metrics of many workers that become one',
      count: 20,
      maxCount: 320,
      prepare: (count) => {
        const snapshot = routeMetrics(100);
        const parts = Array.from({ length: count }, (_, worker) => ({ worker, snapshot }));
        return () => mergeSnapshots(parts);
      },
    },
  ],
  'workers/line-cutter': [
    ...(
      [
        ['lines', 'a\n', 50_000],
        ['a line that does not end', 'a', 200_000],
        ['empty lines', '\n', 50_000],
      ] as const
    ).map(([what, text, count]) => ({
      name: `what a worker writes, piece by piece: ${what}`,
      count,
      prepare: (count: number) => () => {
        let length = 0;
        const cutter = new LineCutter((lines) => {
          length += lines.length;
        });
        for (let one = 0; one < count; one++) cutter.take(text);
        cutter.end();
        return length;
      },
    })),
  ],
  'workers/place-counter': [
    {
      name: 'places that workers ask for, and a worker that dies',
      count: 5000,
      prepare: (count) => () => {
        const counter = new PlaceCounter();
        const limits = { maxConnections: count, maxConnectionsPerAddress: 10 };
        for (let one = 0; one < count; one++) counter.reserve(one % 4, address(one), limits, false);
        counter.forget(0);
        for (let one = 0; one < count; one++) counter.release(one % 4, address(one));
      },
    },
  ],
  'modes/tcp/address-race': [
    {
      name: 'addresses of a name, of which each refuses',
      also: ['modes/tcp/names/dns-answers', 'modes/tcp/names/address-order'],
      count: 500,
      prepare: (count) => {
        const addresses = Array.from({ length: count }, (_, one) => address(one));
        const dns = {
          resolve4: (_: string, answer: (error: null, found: string[]) => void) => {
            answer(null, addresses);
          },
          resolve6: (_: string, answer: (error: null, found: string[]) => void) => {
            answer(null, []);
          },
        };
        return async () => {
          const found = inOrder(await askDns(dns, 'name'));
          const open = () => {
            const socket = new FakeSocket();
            setImmediate(() => {
              socket.emit('error', new Error('refused'));
            });
            return socket.asSocket;
          };
          await connectToFirst(found, open, new AbortController().signal).catch(nothing);
        };
      },
    },
  ],
};
