/** A worker's link to its primary: its order, the signals that are passed on, and whether the primary is alive. */
import type { LocalSource } from '../admin/local-source.js';
import type { EndSession } from '../app/inspect/inspector.js';
import { PlaceClient } from './place-client.js';
import {
  ENDED,
  type ConfigFile,
  type Question,
  type ReloadOutcome,
  type ToPrimary,
  type ToWorker,
  type WorkerOrder,
} from './messages.js';

/** Health and metrics of this process. */
type WatchedSource = Pick<LocalSource, 'problems' | 'counted' | 'snapshot'>;

/** The channel to the primary. */
export interface Channel {
  /** Node would end the process with the primary, clients and all, unless this is set. */
  exitedAfterDisconnect: boolean;
  /** Whether the channel keeps the process alive; at first it does. */
  ref(): void;
  unref(): void;
  send(message: ToPrimary, done: (error: Error | null) => void): unknown;
  on(event: 'message', listener: (message: ToWorker) => void): unknown;
  on(event: 'disconnect', listener: () => void): unknown;
}

/** There is none of that name. */
const NO_SESSION = 'this session is not open any more';

export class PrimaryLink {
  /** Settles with the order; the process ends before, if there is no primary any more. */
  readonly order: Promise<WorkerOrder>;

  readonly places: PlaceClient;

  /** Ends a session for the inspector. */
  onEnd: EndSession = () => NO_SESSION;

  readonly #channel: Channel;
  readonly #exit: () => void;
  #source: WatchedSource | null = null;
  #config: ConfigFile = { text: null, fault: null };
  /** Those that have no answer yet. */
  readonly #reloads: number[] = [];
  readonly #listeners = new Map<string, Set<() => void>>();
  #giveOrder!: (order: WorkerOrder) => void;

  /** @param exit ends the process: nothing is served yet that had to be stopped with care */
  constructor(channel: Channel, exit: () => void) {
    this.#channel = channel;
    this.#exit = exit;
    this.order = new Promise((resolve) => {
      this.#giveOrder = (order) => {
        this.#config = { text: order.configText, fault: null };
        resolve(order);
      };
    });
    this.places = new PlaceClient((request) => {
      void this.tell({ kind: 'places', request });
    });
    channel.on('message', (message) => {
      this.#received(message);
    });
    channel.on('disconnect', () => {
      channel.exitedAfterDisconnect = true;
      this.places.abandon();
      // It died, or is about to kill us: still close the sessions gracefully.
      this.#signal('SIGTERM');
    });
    void this.tell({ kind: 'ready' });
  }

  /** Settles when the message is on its way, or cannot be. */
  tell(message: ToPrimary): Promise<void> {
    return new Promise((resolve) => {
      this.#channel.send(message, () => {
        resolve();
      });
    });
  }

  /** Whether the channel keeps the process alive when nothing else does. */
  setNeeded(isNeeded: boolean): void {
    if (isNeeded) this.#channel.ref();
    else this.#channel.unref();
  }

  /** Listens for the signals that the primary passes on, as if they came from the system. @returns a function that removes the listener */
  onSignal(name: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return () => {
      listeners.delete(listener);
    };
  }

  #received(message: ToWorker): void {
    if (message.kind === 'order') this.#giveOrder(message.order);
    else if (message.kind === 'places') this.places.answered(message.answers);
    else if (message.kind === 'question') this.#asked(message.id, message.question);
    else this.#signal('SIGTERM');
  }

  /** Answers the primary's questions from now on. */
  watch(source: WatchedSource): void {
    this.#source = source;
  }

  #asked(id: number, question: Question): void {
    if (question.what === 'reload') {
      this.#config = question.config;
      this.#reloads.push(id);
      this.#signal('SIGHUP');
      return;
    }
    const found = question.what === 'end' ? this.#end(question) : this.#find(question.what);
    void found.then((value) => this.tell({ kind: 'answer', id, value }));
  }

  async #end({ session, code, reason }: Question & { what: 'end' }): Promise<string> {
    return (await this.onEnd(session, code, reason)) ?? ENDED;
  }

  async #find(what: 'problems' | 'metrics' | 'counts'): Promise<unknown> {
    if (what === 'problems') return await this.#source?.problems();
    return what === 'counts' ? this.#source?.counted() : await this.#source?.snapshot();
  }

  /** The configuration file of the last reload, as `node:fs` reads it. @throws {Error} with the `code` of the system */
  readConfig(): string {
    const { text, fault } = this.#config;
    if (text === null)
      throw Object.assign(new Error(`it cannot be read: ${fault}`), { code: fault });
    return text;
  }

  /** What came of the reload that was asked for: of all of them, if there were several. */
  reloaded(value: ReloadOutcome): void {
    for (const id of this.#reloads.splice(0)) void this.tell({ kind: 'answer', id, value });
  }

  #signal(name: 'SIGTERM' | 'SIGHUP'): void {
    const listeners = [...(this.#listeners.get(name) ?? [])];
    if (listeners.length === 0 && name === 'SIGTERM') this.#exit();
    for (const listener of listeners) listener();
  }
}
