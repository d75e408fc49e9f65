import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { deflateMetrics } from '../../../src/admin/metrics/deflate-metrics.js';
import { LoopMetrics } from '../../../src/admin/metrics/loop-metrics.js';
import type { Metric } from '../../../src/admin/metrics/metric.js';
import { memoryMetrics } from '../../../src/admin/metrics/memory-metrics.js';
import { MemoryAccount } from '../../../src/budget/memory-account.js';
import { recordingMetrics } from '../../../src/admin/metrics/recording-metrics.js';
import { ServerMetrics } from '../../../src/admin/metrics/server-metrics.js';
import { reloadMetrics } from '../../../src/admin/metrics/reload-metrics.js';
import { logMetrics } from '../../../src/admin/metrics/log-metrics.js';
import { targetMetrics } from '../../../src/admin/metrics/target-metrics.js';
import { tlsMetrics } from '../../../src/admin/metrics/tls-metrics.js';
import { Durations } from '../../../src/durations.js';
import { HandshakeError } from '../../../src/errors.js';
import { DeflateCounters } from '../../../src/extensions/permessage-deflate/deflate-counters.js';
import { TargetCounters } from '../../../src/modes/tcp/target-counters.js';
import { ServerCounters } from '../../../src/server/server-counters.js';
import { Traffic } from '../../../src/session/counters.js';
import { eventually } from '../../fixtures/within.js';

/** Each sample that is not zero, as Prometheus writes it. */
function linesOf(metrics: readonly Metric[]): string[] {
  return metrics.flatMap(({ name, samples }) =>
    samples
      .filter(({ value }) => value !== 0)
      .map(({ metricName = name, labels, value }) => {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}=${text}`);
        return `${metricName}{${pairs.join(',')}} ${value}`;
      }),
  );
}

t.test('a server', async (t) => {
  const counters = new ServerCounters();
  const traffic = new Traffic();
  const server = {
    counters,
    traffic,
    connectionCount: 3,
    maxConnections: 10,
    nowMs: 5000,
    clientLog: { leftOut: { debug: 0, info: 0, warn: 0, error: 0 } },
  };
  const metrics = new ServerMetrics(server);
  traffic.blocked.add({ bufferedAmount: 7 });
  traffic.blocked.add({ bufferedAmount: 8 });
  t.strictSame(linesOf(metrics.collect()), [
    'twist_connections{} 3',
    'twist_connections_limit{} 10',
    'twist_queued_bytes{} 15',
  ]);
  counters.connections = 4;
  counters.http.answered('page', 200);
  counters.http.answered('page', null);
  counters.dropped = 5;
  counters.defects = 6;
  counters.sessionsOf('echo', null).started = 5;
  Object.assign(counters.sessionsOf('tcp:a:1', '/vnc'), { started: 4, ended: 1 });
  counters.closes.set('x', { code: '1000', side: 'client', count: 2 });
  counters.rules.set('reserved-bit', 3);
  counters.rules.set('shutdown', 4);
  counters.countRefusal(new HandshakeError('origin'));
  Object.assign(traffic, { textMessagesIn: 1, binaryMessagesIn: 2, textMessagesOut: 3 });
  Object.assign(traffic, { binaryMessagesOut: 4, textBytesIn: 5, binaryBytesIn: 6 });
  Object.assign(traffic, { textBytesOut: 7, binaryBytesOut: 8, wireBytesIn: 9, wireBytesOut: 10 });
  Object.assign(traffic.controlIn, { pings: 11, pongs: 12, closes: 13 });
  Object.assign(traffic.controlOut, { pings: 14, pongs: 15, closes: 16 });
  traffic.inputPauses.begin(4000);
  traffic.outputPauses.begin(4000);
  traffic.outputPauses.end(4500);
  traffic.blocked.clear();
  server.clientLog.leftOut.info = 17;
  Object.assign(traffic.ratePauses, { messages: 18, bytes: 19 });
  t.strictSame(linesOf(metrics.collect()), [
    'twist_connections_accepted_total{} 4',
    'twist_connections_dropped_total{} 5',
    'twist_connections{} 3',
    'twist_connections_limit{} 10',
    'twist_sessions{mode=echo} 5',
    'twist_sessions{mode=tcp:a:1,path=/vnc} 3',
    'twist_sessions_started_total{mode=echo} 5',
    'twist_sessions_started_total{mode=tcp:a:1,path=/vnc} 4',
    'twist_sessions_ended_total{mode=tcp:a:1,path=/vnc} 1',
    'twist_session_closes_total{code=1000,side=client} 2',
    'twist_broken_rules_total{rule=reserved-bit} 3',
    'twist_broken_rules_total{rule=shutdown} 4',
    'twist_session_errors_total{} 6',
    'twist_handshakes_total{status=101} 9',
    'twist_handshakes_total{status=403,rule=origin} 1',
    'twist_http_requests_total{by=page,status=200} 1',
    'twist_http_requests_total{by=page,status=cut} 1',
    'twist_messages_total{direction=in,type=text} 1',
    'twist_messages_total{direction=in,type=binary} 2',
    'twist_messages_total{direction=out,type=text} 3',
    'twist_messages_total{direction=out,type=binary} 4',
    'twist_message_bytes_total{direction=in,type=text} 5',
    'twist_message_bytes_total{direction=in,type=binary} 6',
    'twist_message_bytes_total{direction=out,type=text} 7',
    'twist_message_bytes_total{direction=out,type=binary} 8',
    'twist_control_frames_total{direction=in,type=ping} 11',
    'twist_control_frames_total{direction=in,type=pong} 12',
    'twist_control_frames_total{direction=in,type=close} 13',
    'twist_control_frames_total{direction=out,type=ping} 14',
    'twist_control_frames_total{direction=out,type=pong} 15',
    'twist_control_frames_total{direction=out,type=close} 16',
    'twist_wire_bytes_total{direction=in} 9',
    'twist_wire_bytes_total{direction=out} 10',
    'twist_backpressure_sessions{direction=in} 1',
    'twist_backpressure_pauses_total{direction=in} 1',
    'twist_backpressure_pauses_total{direction=out} 1',
    'twist_rate_pauses_total{limit=messages} 18',
    'twist_rate_pauses_total{limit=bytes} 19',
    'twist_backpressure_seconds_total{direction=in} 1',
    'twist_backpressure_seconds_total{direction=out} 0.5',
    'twist_log_lines_left_out_total{level=info} 17',
  ]);
});

t.test('the log', async (t) => {
  t.strictSame(linesOf(logMetrics({ lostLines: 3 }).collect()), ['twist_log_lines_lost_total{} 3']);
});

t.test('memory', async (t) => {
  const account = new MemoryAccount(10);
  account.charge(8);
  t.strictSame(linesOf(memoryMetrics(account, { freeMessageBytes: 3 }).collect()), [
    'twist_memory_held_bytes{} 8',
    'twist_memory_limit_bytes{} 10',
    'twist_message_memory_free_bytes{} 3',
    'twist_memory_scarce{} 1',
  ]);
  account.release(8);
  const nothing = memoryMetrics(account, { freeMessageBytes: 0 });
  t.strictSame(linesOf(nothing.collect()), ['twist_memory_limit_bytes{} 10']);
});

t.test('compression', async (t) => {
  const counters = new DeflateCounters();
  const source = deflateMetrics(counters, 99);
  t.strictSame(linesOf(source.collect()), ['twist_deflate_memory_limit_bytes{} 99']);
  Object.assign(counters, { wireBytesIn: 1, plainBytesIn: 2, wireBytesOut: 3, plainBytesOut: 4 });
  counters.inflaters = 5;
  counters.budget = { liveCount: 6, liveBytes: 7, evictedForMemory: 8, evictedIdle: 9 };
  t.strictSame(linesOf(source.collect()), [
    'twist_deflate_bytes_total{direction=in,form=compressed} 1',
    'twist_deflate_bytes_total{direction=in,form=plain} 2',
    'twist_deflate_bytes_total{direction=out,form=compressed} 3',
    'twist_deflate_bytes_total{direction=out,form=plain} 4',
    'twist_deflate_contexts{kind=compressor} 6',
    'twist_deflate_contexts{kind=decompressor} 5',
    'twist_deflate_memory_bytes{} 7',
    'twist_deflate_memory_limit_bytes{} 99',
    'twist_deflate_evictions_total{reason=memory} 8',
    'twist_deflate_evictions_total{reason=idle} 9',
  ]);
});

t.test('targets', async (t) => {
  const counters = new TargetCounters();
  const source = targetMetrics(counters);
  t.strictSame(linesOf(source.collect()), []);
  counters.connects.add(20_000);
  counters.countFailure('target-refused');
  t.strictSame(linesOf(source.collect()), [
    'twist_target_connect_seconds_bucket{le=+Inf} 1',
    'twist_target_connect_seconds_sum{} 20',
    'twist_target_connect_seconds_count{} 1',
    'twist_target_failures_total{rule=target-refused} 1',
  ]);
});

t.test('a recording', async (t) => {
  const syncs = new Durations();
  const written = { records: 1, bytes: 2, batches: 3, lost: 4, failures: 5, files: 6 };
  const files = { deletedFiles: 10, totalBytes: 11, maxTotalBytes: 12 };
  const waiting = { waitingBytes: 7, limitBytes: 8, lagMs: 9, isFull: false, syncs };
  const source = recordingMetrics({ counters: { ...written, ...files, ...waiting } });
  t.strictSame(linesOf(source.collect()), [
    'twist_recording_records_total{} 1',
    'twist_recording_bytes_total{} 2',
    'twist_recording_lost_records_total{} 4',
    'twist_recording_failures_total{} 5',
    'twist_recording_files_total{} 6',
    'twist_recording_deleted_files_total{} 10',
    'twist_recording_files_bytes{} 11',
    'twist_recording_files_limit_bytes{} 12',
    'twist_recording_queue_bytes{} 7',
    'twist_recording_queue_limit_bytes{} 8',
    'twist_recording_lag_seconds{} 0.009',
  ]);
});

t.test('TLS and reloads', async (t) => {
  const tls = {
    context: {
      counters: { handshakes: 5, resumed: 2, failed: 1 },
      set: { certificates: [{ title: 'a.example', validToMs: 7000 }] },
    },
    watch: { counters: { reloads: 3, failedReloads: 4 } },
  };
  t.strictSame(linesOf(tlsMetrics(tls).collect()), [
    'twist_tls_handshakes_total{result=full} 3',
    'twist_tls_handshakes_total{result=resumed} 2',
    'twist_tls_handshakes_total{result=failed} 1',
    'twist_tls_reloads_total{result=succeeded} 3',
    'twist_tls_reloads_total{result=failed} 4',
    'twist_tls_certificate_expiry_timestamp_seconds{certificate=a.example} 7',
  ]);
  t.strictSame(linesOf(reloadMetrics({ succeeded: 1, failed: 2 }).collect()), [
    'twist_reloads_total{result=succeeded} 1',
    'twist_reloads_total{result=failed} 2',
  ]);
});

t.test('an event loop that is blocked', async (t) => {
  const metrics = new LoopMetrics();
  const countOf = (): number =>
    metrics.collect()[0]!.samples.find(({ metricName }) => metricName?.endsWith('_count'))!.value;
  t.equal(countOf(), 0);
  metrics.start();
  metrics.start();
  await eventually(() => countOf() > 2, 'some looks');
  const blockedUntilMs = performance.now() + 300;
  while (performance.now() < blockedUntilMs) Math.sqrt(2);
  await sleep(50);
  metrics.stop();
  const [delay, time] = metrics.collect();
  const within = (le: string): number =>
    delay!.samples.find(({ labels }) => labels['le'] === le)!.value;
  t.ok(within('+Inf') > within('0.1'), 'it is seen');
  t.equal(delay!.merge, 'each');
  const before = countOf();
  await sleep(50);
  t.equal(countOf(), before, 'nobody looks any more');
  t.strictSame(
    time!.samples.map(({ labels, value }) => [labels['state'], value > 0]),
    [
      ['active', true],
      ['idle', true],
    ],
  );
});
