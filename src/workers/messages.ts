/** Messages between the primary and a worker: plain data, sent as JSON. */
import type { Flags } from '../config/text-sources.js';
import type { ListeningLine, PlaceLimits, PlaceRule } from '../server/server-group.js';

/**
 * Tells a worker process from a command. The prefix keeps it from being the variable of an option.
 */
export const WORKER_VARIABLE = '_TWIST_WORKER';

/** Where a worker writes records for the inspector of its primary, if there is one. */
export const FEED_DESCRIPTOR = 4;

/** The session is ended. A worker that does not answer has said nothing, which is null. */
export const ENDED = 'ended';

/** What a worker must know before it starts. */
export interface WorkerOrder {
  /** Its number, from 1 on. The replacement of a dead worker gets the same one. */
  readonly worker: number;
  /** How many processes were started before it: unique to each process. */
  readonly serial: number;
  /** The flags of the command line. */
  readonly flags: Flags;
  /** The text of the configuration file when twist started; null without one. */
  readonly configText: string | null;
  /** The same as of the last successful reload; null before the first. */
  readonly reloadedText: string | null;
  /** The TLS ticket keys, the same in all workers, in Base64. */
  readonly ticketKeys: string;
  /** The umask to set; null to keep that of the primary. */
  readonly umask: number | null;
  /** Whether the log goes to a terminal, and whether it has colors. */
  readonly isTTY: boolean;
  readonly isStyled: boolean;
}

/** The configuration file as the primary has read it for a reload. */
export interface ConfigFile {
  /** Null if there is none, or if it cannot be read. */
  readonly text: string | null;
  /** The system's error code if it cannot be read, else null. */
  readonly fault: string | null;
}

/**
 * What the primary asks: to reload, of which the answer is a {@link ReloadOutcome}; what is wrong, phrases; all
 * metrics, or those alone that twist counts, a `MetricSnapshot`.
 */
export type Question =
  | { readonly what: 'reload'; readonly config: ConfigFile }
  | { readonly what: 'problems' | 'metrics' | 'counts' }
  /** To end a session of the records: {@link ENDED} when that is done, else one sentence. */
  | {
      readonly what: 'end';
      readonly session: string;
      readonly code: number;
      readonly reason: string;
    };

/** The result of a reload, as the log words it. */
export interface ReloadOutcome {
  readonly isWell: boolean;
  readonly message: string;
}

/** What a worker asks for and gives back. */
export interface PlaceRequest {
  /** Each with a number for the answer, what the client is counted by (null for nothing), and if it is a handshake. */
  readonly asks: readonly (readonly [id: number, network: string | null, isHandshake: boolean])[];
  readonly releases: readonly (string | null)[];
  /** The limits as the worker has them: a reload may have changed them. */
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
  /** The process is up and waits for its order. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly lines: readonly ListeningLine[] }
  /** It cannot start. The sentence is for the user who started twist. */
  | { readonly kind: 'failed'; readonly sentence: string; readonly exitCode: number };
