/** Metrics of what is held for clients. Whoever was closed or refused for it is counted by the rule `memory`. */
import type { MemoryAccount } from '../../budget/memory-account.js';
import { type Metric, type MetricSource, gauge } from './metric.js';

/** Memory that large messages have left, for those that come next. */
export interface MeasuredSpare {
  readonly freeMessageBytes: number;
}

export function memoryMetrics(
  account: Pick<MemoryAccount, 'bytes' | 'maxBytes' | 'isNear'>,
  spare: MeasuredSpare,
): MetricSource {
  return {
    collect(): Metric[] {
      const { bytes, maxBytes, isNear } = account;
      return [
        gauge('twist_memory_held_bytes', 'Memory that is held for clients, in bytes', bytes),
        gauge('twist_memory_limit_bytes', 'The limit of that (maxMemory)', maxBytes),
        gauge(
          'twist_message_memory_free_bytes',
          'What of the memory held is free for the next large messages, in bytes',
          spare.freeMessageBytes,
        ),
        gauge(
          'twist_memory_scarce',
          'Whether newcomers are refused for it: 1 or 0',
          isNear ? 1 : 0,
          'max',
        ),
      ];
    },
  };
}
