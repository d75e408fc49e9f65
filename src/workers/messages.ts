/** What the primary and a worker tell each other: plain data, sent as JSON. */
import type { Flags } from '../config/text-sources.js';
import type { ListeningLine, PlaceLimits, PlaceRule } from '../server/server-group.js';

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
  /** As they were given on the command line. */
  readonly flags: Flags;
  /** The configuration file as it was when twist started; null without one. */
  readonly configText: string | null;
  /** The same as of the last reload that went well; null when there was none. */
  readonly reloadedText: string | null;
  /** What TLS sessions are resumed with, whichever worker a client comes to; in Base64. */
  readonly ticketKeys: string;
  /** The umask that it is to have; null for that of the primary. */
  readonly umask: number | null;
  /** Whether the log goes to a terminal, and whether it has colors. */
  readonly isTTY: boolean;
  readonly isStyled: boolean;
}

/** The configuration file as the primary has read it for a reload. */
export interface ConfigFile {
  /** Null when there is none, or it cannot be read. */
  readonly text: string | null;
  /** The system's name of what keeps it from being read; null for nothing. */
  readonly fault: string | null;
}

/**
 * What the primary asks: to reload, of which the answer is a {@link ReloadOutcome}; what is wrong, phrases; all
 * metrics, or those alone that twist counts, a `MetricSnapshot`.
 */
export type Question =
  | { readonly what: 'reload'; readonly config: ConfigFile }
  | { readonly what: 'problems' | 'metrics' | 'counts' };

/** What came of a reload, as the log says it. */
export interface ReloadOutcome {
  readonly isWell: boolean;
  readonly message: string;
}

/** What a worker asks for and gives back. */
export interface PlaceRequest {
  /** Each with a number for the answer, and what the client is counted by; null for nothing. */
  readonly asks: readonly (readonly [id: number, network: string | null])[];
  readonly releases: readonly (string | null)[];
  /** As they are in the worker: a reload may have changed them. */
  readonly limits: PlaceLimits;
}

/** Why there is no place, or null, for each that was asked for. */
export type PlaceAnswers = readonly (readonly [id: number, rule: PlaceRule | null])[];

export type ToWorker =
  | { readonly kind: 'places'; readonly answers: PlaceAnswers }
  | { readonly kind: 'order'; readonly order: WorkerOrder }
  | { readonly kind: 'question'; readonly id: number; readonly question: Question }
  /** To stop: the second time at once. */
  | { readonly kind: 'stop' };

export type ToPrimary =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'places'; readonly request: PlaceRequest }
  /** It is there, and wants its order. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly lines: readonly ListeningLine[] }
  /** It cannot start. The sentence is for whoever has started twist. */
  | { readonly kind: 'failed'; readonly sentence: string; readonly exitCode: number };
