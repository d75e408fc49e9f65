/** Messages between a server and the process of its inspector: plain data, sent as JSON. */
import type { Flags } from '../../config/text-sources.js';
import type { LogLevel } from '../../log.js';

/** Tells the process of an inspector from a command. The prefix keeps it from being the variable of an option. */
export const VIEWER_VARIABLE = '_TWIST_VIEWER';

/** What it must know before it starts. What settings there are it finds out as the server has. */
export interface ViewerOrder {
  readonly flags: Flags;
  /** The `TWIST_*` variables, which are not in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** The text of the configuration file; null without one. */
  readonly configText: string | null;
  /** The port that the one before it had, which may be any that was free; null for the first. */
  readonly port: number | null;
  /** What the cookie of a browser that was let in has: the same for the next process, so that it stays let in. */
  readonly secret: string;
  /** How many processes serve; 1 for one alone. */
  readonly workers: number;
}

export type ToViewer =
  | { readonly kind: 'order'; readonly order: ViewerOrder }
  | { readonly kind: 'reload' }
  /** Is it there? It says so as soon as it has a turn. */
  | { readonly kind: 'check' }
  /** What became of the session that was to be ended: null when that is done, else one sentence. */
  | { readonly kind: 'ended'; readonly id: number; readonly problem: string | null };

export type FromViewer =
  /** The process is up and waits for its order. */
  | { readonly kind: 'ready' }
  /** The page can be opened; where a token is made, the URL has it, and there is one more of these for each browser. */
  | { readonly kind: 'listening'; readonly address: string; readonly port: number }
  | { readonly kind: 'url'; readonly url: string }
  /** The answer to a check. */
  | { readonly kind: 'alive' }
  /** It cannot start. The sentence is for the user who started twist. */
  | { readonly kind: 'failed'; readonly sentence: string }
  | {
      readonly kind: 'log';
      readonly level: LogLevel;
      readonly fields: object;
      readonly message: string;
    }
  | {
      readonly kind: 'end';
      readonly id: number;
      readonly session: string;
      readonly code: number;
      readonly reason: string;
    };
