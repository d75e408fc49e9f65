/** Metrics of a recording, and of the inspector, who gets a copy. */
import type { RecordingCounters } from '../../recording/write/recorder.js';
import { histogram } from './histogram.js';
import { type Metric, type MetricSource, counter, gauge } from './metric.js';

/** What is read of a recorder. */
export interface MeasuredRecorder {
  readonly counters: RecordingCounters;
}

export function recordingMetrics(recorder: MeasuredRecorder): MetricSource {
  return {
    collect(): Metric[] {
      const { counters } = recorder;
      return [
        counter('twist_recording_records_total', 'Records written to files', counters.records),
        counter('twist_recording_bytes_total', 'Bytes written to files', counters.bytes),
        counter('twist_recording_lost_records_total', 'Records that were dropped', counters.lost),
        counter(
          'twist_recording_failures_total',
          'How many times the file could no longer be written',
          counters.failures,
        ),
        counter('twist_recording_files_total', 'Files opened', counters.files),
        counter(
          'twist_recording_deleted_files_total',
          'Old files that were deleted (recordKeep)',
          counters.deletedFiles,
        ),
        gauge(
          'twist_recording_files_bytes',
          'Bytes of all files of the recording; 0 for the old ones if neither recordMaxTotal nor recordKeep is set',
          counters.totalBytes,
        ),
        gauge(
          'twist_recording_files_limit_bytes',
          'How many bytes all files may have; 0 for any number (recordMaxTotal)',
          counters.maxTotalBytes,
        ),
        gauge(
          'twist_recording_queue_bytes',
          'Records that wait to be written, in bytes',
          counters.waitingBytes,
        ),
        gauge(
          'twist_recording_queue_limit_bytes',
          'From so many waiting bytes on sessions wait (recordQueue)',
          counters.limitBytes,
        ),
        gauge(
          'twist_recording_lag_seconds',
          'How old the oldest record is that is in no file yet',
          counters.lagMs / 1000,
          'max',
        ),
        histogram(
          'twist_recording_sync_seconds',
          'How long syncs to the disk took',
          counters.syncs,
        ),
      ];
    },
  };
}

// ---- The inspector

/** What is read of a server's part in it. */
export interface MeasuredFeed {
  readonly feed: { readonly lost: number };
}

/** What is read of the process that has the page. */
export interface MeasuredInspector extends MeasuredFeed {
  readonly isUp: boolean;
  readonly counters: { readonly restarts: number };
}

/** What a process that only sends records has to tell. */
export function feedMetrics({ feed }: MeasuredFeed): MetricSource {
  return { collect: () => [lostRecords(feed.lost)] };
}

export function inspectMetrics(inspector: MeasuredInspector): MetricSource {
  return {
    collect: () => [
      lostRecords(inspector.feed.lost),
      counter(
        'twist_inspect_restarts_total',
        'How many times the process of the inspector was started again because it had died or hung',
        inspector.counters.restarts,
      ),
      gauge(
        'twist_inspect_up',
        'Whether the page of the inspector can be opened: 1 or 0',
        inspector.isUp ? 1 : 0,
      ),
    ],
  };
}

function lostRecords(lost: number): Metric {
  return counter(
    'twist_inspect_lost_records_total',
    'Records that the inspector did not get, because it was behind or being started again',
    lost,
  );
}
