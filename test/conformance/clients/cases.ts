/** What clients are put through: every control of the echo, and every rule that it breaks. */
import { CONTROL_NAMES, controlOf } from '../../../src/modes/echo-controls/controls.js';
import { BREAK_NAMES, brokenRule } from '../../../src/protocol/break/broken-rules.js';

export interface Case {
  /** The control, or the rule. */
  readonly name: string;
  readonly kind: 'control' | 'rule';
  readonly query: string;
  /** What the client sends at once. */
  readonly sends: readonly string[];
}

/** What one client has seen of one case. */
export interface Seen {
  readonly opened: boolean;
  /** Of each message the beginning, or its size. */
  readonly messages: readonly string[];
  /** What the client says went wrong; null for nothing. */
  readonly error: string | null;
  /** The code that it reports; null while it has not closed. */
  readonly code: number | null;
  /** It closed before it was told to. */
  readonly isEarly: boolean;
  /** Its last message came back; null when it could not be sent. */
  readonly answers: boolean | null;
}

/** Runs a client through cases. @param url of the server, without a path */
export interface Client {
  readonly name: ClientName;
  readonly version: string;
  observe(url: string, cases: readonly Case[]): Promise<ReadonlyMap<string, Seen>>;
}

export const CLIENT_NAMES = ['ws', 'websockets', 'Chromium'] as const;
export type ClientName = (typeof CLIENT_NAMES)[number];

/** Three messages: examples end after that. */
const THREE = ['one', 'two', 'three'];

export const CASES: readonly Case[] = [
  ...CONTROL_NAMES.filter((name) => name !== 'break' && name !== 'after').map((name): Case => ({
    name,
    kind: 'control',
    query: controlOf(name).example,
    sends: THREE,
  })),
  ...BREAK_NAMES.map((name): Case => ({
    name,
    kind: 'rule',
    query: `break=${name}${brokenRule(name).when === 'messages' ? '&after=1' : ''}`,
    sends: ['one'],
  })),
];

/** Where a case is asked for: the path is how it is found again in the recording. */
export function urlOf(base: string, client: ClientName, { kind, name, query }: Case): string {
  return `${base}${pathOf(client, { kind, name })}?${query}`;
}

export function pathOf(client: ClientName, { kind, name }: Pick<Case, 'kind' | 'name'>): string {
  return `/${client}/${kind}/${name}`;
}

/** So long nothing happens before a client is taken to be content. */
export const QUIET_MS = 1500;
/** What it then sends, to see whether it goes on. */
export const PROBE = 'still there?';
/** How long the answer to that, and the end, are waited for. */
export const END_MS = 3000;
