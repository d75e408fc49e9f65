/** Metrics of connections, handshakes, sessions and their traffic. */
import { HANDSHAKE_RULES, type HandshakeRule, PEER_RULES } from '../../errors.js';
import type { Traffic } from '../../session/counters.js';
import type { LeftOut } from '../../server/log/client-lines.js';
import type { CloseCount, ServerCounters } from '../../server/server-counters.js';
import {
  type Labels,
  type Metric,
  type MetricSource,
  type Sample,
  counter,
  gauge,
} from './metric.js';

/** What is read of a server. */
export interface MeasuredServer {
  readonly counters: ServerCounters;
  readonly traffic: Traffic;
  readonly connectionCount: number;
  readonly maxConnections: number;
  readonly clientLog: { readonly leftOut: LeftOut };
  /** The time of the sessions' clock, in milliseconds. */
  readonly nowMs: number;
}

export class ServerMetrics implements MetricSource {
  readonly #server: MeasuredServer;

  constructor(server: MeasuredServer) {
    this.#server = server;
  }

  collect(): Metric[] {
    return [
      ...this.#connections(),
      ...this.#sessions(),
      ...this.#handshakes(),
      this.#requests(),
      ...this.#traffic(),
      ...this.#waiting(),
      this.#leftOut(),
    ];
  }

  #connections(): Metric[] {
    const { counters, connectionCount, maxConnections } = this.#server;
    return [
      counter('twist_connections_accepted_total', 'Connections accepted', counters.connections),
      counter(
        'twist_connections_dropped_total',
        'Connections without a complete request that were dropped because too many were open',
        counters.dropped,
      ),
      gauge(
        'twist_connections',
        'Open connections, those in their opening handshake and those being refused included',
        connectionCount,
      ),
      gauge(
        'twist_connections_limit',
        'The limit of connections (maxConnections)',
        maxConnections,
        'max',
      ),
    ];
  }

  #sessions(): Metric[] {
    const { routes, closes, rules, defects } = this.#server.counters;
    const each = (valueOf: (started: number, ended: number) => number): Sample[] =>
      routes.map(({ mode, path, sessions: { started, ended } }) => ({
        // A label without a value is none: only routes that the operator wrote have one.
        labels: path === null ? { mode } : { mode, path },
        value: valueOf(started, ended),
      }));
    return [
      gauge(
        'twist_sessions',
        'Open sessions, by mode and route',
        each((begun, over) => begun - over),
      ),
      counter(
        'twist_sessions_started_total',
        'Sessions that have begun',
        each((begun) => begun),
      ),
      counter(
        'twist_sessions_ended_total',
        'Sessions that have ended',
        each((_begun, over) => over),
      ),
      counter(
        'twist_session_closes_total',
        'Ended sessions by close code and by who closed first; lost when nobody did',
        closeSamples(closes.values()),
      ),
      counter(
        'twist_broken_rules_total',
        'Sessions that ended because a rule or a limit was broken, by its name',
        [...new Set([...PEER_RULES, ...rules.keys()])].map((rule) => ({
          labels: { rule },
          value: rules.get(rule) ?? 0,
        })),
      ),
      counter(
        'twist_session_errors_total',
        'Sessions that ended by an internal error, of a mode, an extension or twist',
        defects,
      ),
    ];
  }

  /** A series that begins with its first refusal would hide that one from rates. */
  #handshakes(): Metric[] {
    const { routes, refused } = this.#server.counters;
    const accepted = routes.reduce((sum, { sessions }) => sum + sessions.started, 0);
    const rules = Object.entries(HANDSHAKE_RULES) as [HandshakeRule, readonly [number, string]][];
    const samples = rules.map(([rule, [status]]) => ({
      labels: { status: String(status), rule },
      value: refused.get(rule) ?? 0,
    }));
    return [
      counter('twist_handshakes_total', 'Answered opening handshakes, by status and broken rule', [
        { labels: { status: '101' }, value: accepted },
        ...samples,
      ]),
    ];
  }

  #requests(): Metric {
    const { http } = this.#server.counters;
    return counter(
      'twist_http_requests_total',
      'Answered requests that asked for no WebSocket connection, by what answered (file or page) and status; cut where the client did not get all of it',
      Array.from(http.counts, ({ by, status, count }) => ({
        labels: { by, status },
        value: count,
      })),
    );
  }

  #traffic(): Metric[] {
    const { traffic } = this.#server;
    const { controlIn, controlOut } = traffic;
    return [
      counter('twist_messages_total', 'Whole messages by direction, as their modes see them', [
        byType('in', 'text', traffic.textMessagesIn),
        byType('in', 'binary', traffic.binaryMessagesIn),
        byType('out', 'text', traffic.textMessagesOut),
        byType('out', 'binary', traffic.binaryMessagesOut),
      ]),
      counter('twist_message_bytes_total', 'Payload of messages in bytes, uncompressed', [
        byType('in', 'text', traffic.textBytesIn),
        byType('in', 'binary', traffic.binaryBytesIn),
        byType('out', 'text', traffic.textBytesOut),
        byType('out', 'binary', traffic.binaryBytesOut),
      ]),
      counter('twist_control_frames_total', 'Control frames by direction', [
        byType('in', 'ping', controlIn.pings),
        byType('in', 'pong', controlIn.pongs),
        byType('in', 'close', controlIn.closes),
        byType('out', 'ping', controlOut.pings),
        byType('out', 'pong', controlOut.pongs),
        byType('out', 'close', controlOut.closes),
      ]),
      counter(
        'twist_wire_bytes_total',
        'Bytes of sessions on the wire; those out begin with the 101',
        [
          { labels: direction('in'), value: traffic.wireBytesIn },
          { labels: direction('out'), value: traffic.wireBytesOut },
        ],
      ),
    ];
  }

  #leftOut(): Metric {
    const { leftOut } = this.#server.clientLog;
    return counter(
      'twist_log_lines_left_out_total',
      'Lines of the log that clients caused beyond maxLogRate, by level; other lines count them',
      Object.entries(leftOut).map(([level, value]) => ({ labels: { level }, value })),
    );
  }

  #waiting(): Metric[] {
    const { traffic, nowMs } = this.#server;
    const { inputPauses, outputPauses, ratePauses } = traffic;
    let queuedBytes = 0;
    for (const { bufferedAmount } of traffic.blocked) queuedBytes += bufferedAmount;
    return [
      gauge('twist_queued_bytes', 'Output that waits for slow clients, in bytes', queuedBytes),
      gauge(
        'twist_backpressure_sessions',
        'Sessions that are paused now: in is not read, out is told to wait',
        [
          { labels: direction('in'), value: inputPauses.under },
          { labels: direction('out'), value: outputPauses.under },
        ],
      ),
      counter('twist_backpressure_pauses_total', 'Pauses of sessions', [
        { labels: direction('in'), value: inputPauses.begun },
        { labels: direction('out'), value: outputPauses.begun },
      ]),
      counter(
        'twist_rate_pauses_total',
        'Pauses of reading because a client had sent more than maxMessageRate or maxByteRate',
        [
          { labels: { limit: 'messages' }, value: ratePauses.messages },
          { labels: { limit: 'bytes' }, value: ratePauses.bytes },
        ],
      ),
      counter('twist_backpressure_seconds_total', 'How long sessions were paused, all together', [
        { labels: direction('in'), value: inputPauses.totalMs(nowMs) / 1000 },
        { labels: direction('out'), value: outputPauses.totalMs(nowMs) / 1000 },
      ]),
    ];
  }
}

/** Close codes that occur, each from the beginning: rates do not see the first value of a series. */
const CODES = ['1000', '1001', '1002', '1003', '1005', '1007', '1008', '1009', '1011', '1013'];
const USUAL_CLOSES: readonly Pick<CloseCount, 'code' | 'side'>[] = [
  ...[...CODES, '3xxx', '4xxx'].map((code) => ({ code, side: 'client' }) as const),
  ...[...CODES, '3xxx', '4xxx'].map((code) => ({ code, side: 'server' }) as const),
  { code: '1006', side: 'lost' },
];

function closeSamples(closes: Iterable<CloseCount>): Sample[] {
  const samples = new Map<string, Sample>();
  for (const { code, side } of USUAL_CLOSES)
    samples.set(`${side} ${code}`, { labels: { code, side }, value: 0 });
  for (const { code, side, count } of closes)
    samples.set(`${side} ${code}`, { labels: { code, side }, value: count });
  return [...samples.values()];
}

type Direction = 'in' | 'out';

function direction(name: Direction): Labels {
  return { direction: name };
}

function byType(name: Direction, type: string, value: number): Sample {
  return { labels: { direction: name, type }, value };
}
