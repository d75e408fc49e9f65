/** What the primary and a worker tell each other: plain data, sent as JSON. */
import type { Flags } from '../config/text-sources.js';
import type { ListeningLine } from '../server/server-group.js';

/**
 * Set for a worker, so that it is not taken for a command. Its name begins so that it is no variable of an option.
 */
export const WORKER_VARIABLE = '_TWIST_WORKER';

/** What a worker has to know before it can do anything. */
export interface WorkerOrder {
  /** Its number, from 1 on. Whoever takes the place of a dead worker gets the same. */
  readonly worker: number;
  /** How many processes were started before it: no two have the same. */
  readonly serial: number;
  /** Whether it says what concerns all of them alike, such as who else can read a file. */
  readonly isSpokesman: boolean;
  /** As they were given on the command line. */
  readonly flags: Flags;
  /** The configuration file as the primary has read it; null without one. */
  readonly configText: string | null;
  /** Whether the log goes to a terminal, and whether it has colors. */
  readonly isTTY: boolean;
  readonly isStyled: boolean;
}

/** Signals that the primary passes on. */
export type PassedSignal = 'SIGTERM' | 'SIGHUP';

export type ToWorker =
  | { readonly kind: 'order'; readonly order: WorkerOrder }
  | { readonly kind: 'signal'; readonly name: PassedSignal };

export type ToPrimary =
  /** It is there, and wants its order. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly lines: readonly ListeningLine[] }
  /** It cannot start. The sentence is for whoever has started twist. */
  | { readonly kind: 'failed'; readonly sentence: string; readonly exitCode: number };
