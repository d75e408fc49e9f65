/**
 * The primary: starts the workers, replaces those that die, and passes signals on to them. It serves no client.
 *
 *     starting ──▶ serving ──▶ gone ──▶ starting, after a while
 *
 * Laws:
 * 1. All workers listen, or twist does not start, and says why once.
 * 2. Of each number there is one process at most: the next one takes over its recording.
 * 3. A stop ends, whatever the workers do.
 */
import type { Log } from '../log.js';
import type { Batch } from '../recording/write/batch.js';
import { STEADY_MS, backOffMs } from './back-off.js';
import { GroupReload } from './group-reload.js';
import type { ListeningLine } from '../server/server-group.js';
import { type Reply, Questions } from './questions.js';
import { PlaceCounter } from './place-counter.js';
import type { ConfigFile, PlaceRequest, Question, ToPrimary, WorkerOrder } from './messages.js';
import type { StartWorker, WorkerProcess } from './worker-process.js';

/** How long workers may take to read everything again. */
const RELOAD_MS = 15_000;

/** After this many failed starts in a row, with no worker serving, twist gives up. */
const MAX_FAILED_STARTS = 5;

export interface PrimaryOptions {
  /** How many workers there are. */
  readonly workers: number;
  /** Whether they listen on what can be taken only once: when none of them is left, nobody can listen there again. */
  readonly hasPassedSockets: boolean;
  /** The part of the order that is the same for all. */
  readonly order: Omit<WorkerOrder, 'worker' | 'serial' | 'reloadedText'>;
  /** Reads the configuration file again. */
  readonly readConfig: () => ConfigFile;
  readonly startWorker: StartWorker;
  /** The most that a graceful stop takes, and the most after the second signal; then processes are killed. In milliseconds. */
  readonly stopMs: number;
  readonly stopNowMs: number;
  readonly log: Log;
  /** Writes lines of workers to where the log goes. */
  readonly write: (lines: string) => void;
}

/** Why twist did not start, or cannot go on. */
export interface Failure {
  readonly sentence: string;
  readonly exitCode: number;
}

/** A worker's number, and the process that has it now. */
interface Place {
  readonly worker: number;
  running: WorkerProcess | null;
  state: 'starting' | 'serving' | 'gone';
  hasOrder: boolean;
  /** Of its process; 0 while there is none. */
  serial: number;
  /** The last reload that it was told of. */
  reload: number;
  /** How often in a row its process has died. */
  deaths: number;
  servingSinceMs: number;
  /** Why it says that it cannot start. */
  failure: Failure | null;
  timer: NodeJS.Timeout | undefined;
}

export class Primary {
  /** How many workers have died, how many were started in their place, and the connections that went with them. */
  readonly counters = { deaths: 0, replaced: 0, lostConnections: 0 };

  /** Settles when all workers are gone for good: with null after a stop that went well. */
  readonly ended: Promise<Failure | null>;

  /** Called with records of workers for the inspector. */
  onRecords: (batch: Batch) => void = () => undefined;

  /** Called when the process of a worker is gone. */
  onDeath: (worker: number) => void = () => undefined;

  readonly #options: PrimaryOptions;
  readonly #places: readonly Place[];
  /** The connections of all workers. */
  readonly #taken = new PlaceCounter();
  #maxConnections = Infinity;
  readonly #announced = new Set<string>();
  readonly #questions = new Questions();
  #serial = 0;
  readonly #reload: GroupReload;
  #failedStarts = 0;
  /** Settles the start; null once it is settled. */
  #tellStarted: ((failure: Failure | null) => void) | null = null;
  /** Settles `ended`; given by that promise, at once. */
  #tellEnded!: (failure: Failure | null) => void;
  #isStopping = false;
  /** The start has failed, and the log says why: other ends are no news. */
  #isMuted = false;
  #stopped: Promise<void> | null = null;
  #failure: Failure | null = null;
  #deadline: NodeJS.Timeout | undefined;

  constructor(options: PrimaryOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.workers }, (_, index) => ({
      worker: index + 1,
      running: null,
      state: 'gone',
      hasOrder: false,
      serial: 0,
      reload: 0,
      deaths: 0,
      servingSinceMs: 0,
      failure: null,
      timer: undefined,
    }));
    this.#reload = new GroupReload(
      options.readConfig,
      (config) => this.#askToReload(config),
      options.log,
    );
    this.ended = new Promise((resolve) => {
      this.#tellEnded = resolve;
    });
  }

  /** Whether it was told to stop, or cannot go on. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Starts all workers. @returns null once all of them listen; else why they do not, when none is left */
  async start(): Promise<Failure | null> {
    // Told to stop before it had begun: what it would start now nobody would end.
    if (this.#isStopping) return await this.ended;
    const started = new Promise<Failure | null>((resolve) => {
      this.#tellStarted = resolve;
    });
    for (const place of this.#places) this.#begin(place);
    return (await started) === null ? null : await this.ended;
  }

  /** Has all workers stop gracefully, and kills those that do not. Settles when all are gone. */
  stop(): Promise<void> {
    return (this.#stopped ??= this.#stopAll());
  }

  async #stopAll(): Promise<void> {
    const { log } = this.#options;
    log.info({ workers: this.#living.length }, 'stopping');
    this.#stop();
    await this.ended;
    log.info({}, 'stopped');
  }

  #stop(): void {
    this.#isStopping = true;
    for (const { timer } of this.#places) clearTimeout(timer);
    this.#tellStarted?.(null);
    this.#tellStarted = null;
    this.#passStop();
    this.#killAfter(this.#options.stopMs);
    this.#endIfAlone();
  }

  /** What is told when the primary itself fails. Workers that serve on for a while are told to stop soon after. */
  endDelay(): void {
    // `stopNow` follows.
  }

  /** Has all workers drop what is left. */
  stopNow(): void {
    this.#failure ??= { sentence: '', exitCode: 1 };
    this.#passStop();
    this.#killAfter(this.#options.stopNowMs);
  }

  /** Kills all workers. */
  kill(): void {
    for (const { running } of this.#living) running?.kill('SIGKILL');
  }

  /** Has all workers read again what can be read again, and says in one line what came of it. */
  reload(): Promise<void> {
    return this.#reload.ask();
  }

  #askToReload(config: ConfigFile): Promise<readonly Reply[]> {
    const serving = this.#serving;
    for (const place of serving) place.reload = this.#reload.number;
    return this.#ask(serving, { what: 'reload', config }, RELOAD_MS);
  }

  /** Asks all workers that serve. @returns what they answer, or null for those that do not in time */
  ask(question: Question, limitMs: number): Promise<readonly Reply[]> {
    return this.#ask(this.#serving, question, limitMs);
  }

  #ask(places: readonly Place[], question: Question, limitMs: number): Promise<readonly Reply[]> {
    return this.#questions.ask(places, limitMs, ({ worker }, id) => {
      this.#places[worker - 1]!.running?.send({ kind: 'question', id, question });
    });
  }

  /** How many workers there should be. */
  get size(): number {
    return this.#places.length;
  }

  /** How many connections all workers have, those left out that have not sent their request yet. */
  get connections(): number {
    return this.#taken.total;
  }

  /** Whether no connection more is taken, as far as that is known here. */
  get isFull(): boolean {
    return this.#taken.total >= this.#maxConnections;
  }

  get #serving(): readonly Place[] {
    return this.#places.filter(({ state }) => state === 'serving');
  }

  get #living(): readonly Place[] {
    return this.#places.filter(({ running }) => running !== null);
  }

  // ---- The life of a worker

  #begin(place: Place): void {
    const serial = ++this.#serial;
    place.state = 'starting';
    place.serial = serial;
    place.hasOrder = false;
    place.failure = null;
    const { startWorker, write } = this.#options;
    try {
      place.running = startWorker({
        message: (message) => {
          this.#received(place, serial, message);
        },
        records: (batch) => {
          this.onRecords(batch);
        },
        output: (lines) => {
          if (!this.#isMuted) write(lines);
        },
        exited: (how) => {
          this.#exited(place, serial, how);
        },
      });
    } catch (error) {
      this.#exited(place, serial, (error as Error).message);
    }
  }

  #received(place: Place, serial: number, message: ToPrimary): void {
    // Ignore what arrives after its end.
    if (place.serial !== serial) return;
    // A user's module may send messages too.
    const { kind } = (message as Partial<ToPrimary> | null | undefined) ?? {};
    if (kind === 'places')
      this.#answer(place, serial, (message as { request: PlaceRequest }).request);
    else if (kind === 'answer') {
      const { id, value } = message as { id: number; value: unknown };
      this.#questions.answered(serial, id, value);
    } else if (kind === 'ready') this.#give(place, serial);
    else if (kind === 'listening')
      this.#serves(place, (message as { lines: readonly ListeningLine[] }).lines);
    else if (kind === 'failed') {
      const { sentence, exitCode } = message as Failure & ToPrimary;
      place.failure = { sentence, exitCode };
    }
  }

  /** Gives a new worker its order. */
  #give(place: Place, serial: number): void {
    const { worker } = place;
    place.hasOrder = true;
    const { settled, text: reloadedText } = this.#reload;
    place.reload = settled;
    const order = { ...this.#options.order, reloadedText, worker, serial };
    place.running?.send({ kind: 'order', order });
    // It was not up yet when the stop was sent.
    if (this.#isStopping) place.running?.send({ kind: 'stop' });
  }

  #answer(place: Place, serial: number, { asks, releases, limits }: PlaceRequest): void {
    this.#maxConnections = limits.maxConnections;
    for (const network of releases) this.#taken.release(serial, network);
    if (asks.length === 0) return;
    const answers = asks.map(
      ([id, network, isHandshake]) =>
        [id, this.#taken.reserve(serial, network, limits, isHandshake)] as const,
    );
    place.running?.send({ kind: 'places', answers });
  }

  #serves(place: Place, lines: readonly ListeningLine[]): void {
    const { log } = this.#options;
    place.state = 'serving';
    place.servingSinceMs = performance.now();
    this.#failedStarts = 0;
    if (this.#isStopping) return;
    // It started before the last reload, and may have read old files.
    if (place.reload < this.#reload.number) void this.reload();
    if (this.#tellStarted === null) log.info({ worker: place.worker }, 'worker replaced');
    else if (this.#places.some(({ state }) => state !== 'serving')) return;
    // Another port than before, where any was asked for and for a moment no worker was left to keep it.
    for (const { address, mode } of lines) {
      if (this.#announced.has(address)) continue;
      this.#announced.add(address);
      log.info({ address, mode, workers: this.#options.workers }, 'listening');
    }
    this.#tellStarted?.(null);
    this.#tellStarted = null;
  }

  #exited(place: Place, serial: number, how: number | string): void {
    const { running, state, failure } = place;
    const connections = this.#taken.forget(serial);
    this.onDeath(place.worker);
    place.running = null;
    place.state = 'gone';
    place.serial = 0;
    this.#questions.forget(serial);
    if (this.#isStopping) {
      if (how !== 0) this.#failure ??= { sentence: '', exitCode: 1 };
      this.#endIfAlone();
      return;
    }
    const isEarly = state === 'starting';
    if (this.#tellStarted !== null) {
      this.#failStart(place, how);
      return;
    }
    const { log } = this.#options;
    this.counters.deaths++;
    this.counters.lostConnections += connections;
    if (isEarly) this.#failedStarts++;
    else if (performance.now() - place.servingSinceMs >= STEADY_MS) place.deaths = 0;
    place.deaths++;
    const retryMs = backOffMs(place.deaths);
    const fields = { worker: place.worker, pid: running?.pid, ended: how, connections, retryMs };
    if (failure !== null) log.error({ ...fields, reason: failure.sentence }, 'worker cannot start');
    else log.error(fields, isEarly ? 'worker died while it started' : 'worker died');
    const hopeless = this.#living.every(isNotServing) ? this.#whyHopeless(failure) : null;
    if (hopeless !== null) {
      this.#failure = { sentence: hopeless, exitCode: 1 };
      this.#stop();
      return;
    }
    place.timer = setTimeout(() => {
      this.counters.replaced++;
      this.#begin(place);
    }, retryMs);
  }

  /** While no worker serves: @returns why there is nothing to wait for, or null */
  #whyHopeless(failure: Failure | null): string | null {
    // Node has closed the sockets with the last worker that listened.
    if (this.#options.hasPassedSockets)
      return 'no worker is left, and what systemd has passed is passed anew when twist starts anew';
    if (this.#failedStarts < MAX_FAILED_STARTS) return null;
    const reason = failure === null ? '' : `: ${failure.sentence}`;
    return `no worker serves, and ${this.#failedStarts} in a row could not start${reason}`;
  }

  /** The first failure is reported for all. */
  #failStart({ worker, failure }: Place, how: number | string): void {
    const sentence = `worker ${worker} ended while it started (${how})`;
    this.#failure = failure ?? { sentence, exitCode: 1 };
    this.#tellStarted?.(this.#failure);
    this.#isMuted = true;
    this.#stop();
  }

  // ---- The end

  #passStop(): void {
    for (const { running, hasOrder } of this.#living) if (hasOrder) running?.send({ kind: 'stop' });
  }

  #killAfter(ms: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      const workers = this.#living.map(({ worker }) => worker);
      this.#options.log.error({ workers }, 'workers did not end in time and are killed');
      this.kill();
    }, ms);
  }

  #endIfAlone(): void {
    if (this.#living.length > 0) return;
    clearTimeout(this.#deadline);
    this.#tellEnded(this.#failure);
  }
}

function isNotServing({ state }: Place): boolean {
  return state !== 'serving';
}
