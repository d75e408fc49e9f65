/** Metrics of the event loop, of which each process has its own. */
import { Durations } from '../../durations.js';
import { histogram } from './histogram.js';
import { type Metric, type MetricSource, counter } from './metric.js';

/**
 * How often the loop is checked for delay, in milliseconds. Anything that blocks it for longer shows.
 *
 * Not by Node's own `monitorEventLoopDelay`: its figures contain this time, and begin anew with each scrape, so
 * that two scrapers would take them from each other.
 */
const LOOK_MS = 50;

export class LoopMetrics implements MetricSource {
  readonly #delays = new Durations();
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;

  start(): void {
    this.#dueMs = performance.now() + LOOK_MS;
    this.#timer ??= setInterval(this.#look, LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  collect(): Metric[] {
    const { active, idle } = performance.eventLoopUtilization();
    return [
      histogram(
        'twist_event_loop_delay_seconds',
        'How late the event loop comes to what is due, looked at every 50 ms',
        this.#delays,
        'each',
      ),
      counter(
        'twist_event_loop_seconds_total',
        'Time of the event loop: active is spent working, idle is spent waiting for work',
        [
          { labels: { state: 'active' }, value: active / 1000 },
          { labels: { state: 'idle' }, value: idle / 1000 },
        ],
        'each',
      ),
    ];
  }

  readonly #look = (): void => {
    const nowMs = performance.now();
    this.#delays.add(Math.max(0, nowMs - this.#dueMs));
    this.#dueMs = nowMs + LOOK_MS;
  };
}
