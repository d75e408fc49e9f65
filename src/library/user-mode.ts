/** A mode that somebody else wrote: what is right about it is not taken on trust. */
import { show } from '../config/complaint.js';
import type { Session } from '../connection/session.js';
import type { Mode } from '../modes/mode.js';

/** A mode as its author writes it: `delivery` is `messages` unless it says otherwise. */
export interface UserMode extends Omit<Mode, 'delivery'> {
  readonly delivery?: Mode['delivery'];
}

/** Ends the reading of what a user gave. @param clause what is wrong with it, and what is allowed */
export type Refuse = (clause: string) => never;

/** The functions that a mode can have. */
const CALLS = [
  'open',
  'opened',
  'message',
  'piece',
  'drained',
  'peerClosed',
  'abandoned',
  'closed',
] as const;

/** The function that a delivery calls. */
const NEEDED = { messages: 'message', pieces: 'piece' } as const;

/** @returns `given` as a mode, once every part of it is looked at */
export function readMode(given: unknown, refuse: Refuse): Mode {
  if (typeof given !== 'object' || given === null) {
    refuse(`a mode must be an object such as { name, message }, not ${show(given)}`);
  }
  const { name, delivery = 'messages' } = given as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || name === '')
    refuse(`the name of a mode must be a text, not ${show(name)}`);
  if (delivery !== 'messages' && delivery !== 'pieces')
    refuse(`the delivery of a mode must be "messages" or "pieces", not ${show(delivery)}`);
  const calls = given as Readonly<Record<string, unknown>>;
  checkTraits(calls, refuse);
  for (const call of CALLS) {
    if (calls[call] !== undefined && typeof calls[call] !== 'function')
      refuse(`${call} of a mode must be a function, not ${show(calls[call])}`);
  }
  const needed = NEEDED[delivery];
  if (calls[needed] === undefined)
    refuse(`a mode with delivery "${delivery}" needs the function ${needed}`);
  return guarded(given as UserMode);
}

function checkTraits(mode: Readonly<Record<string, unknown>>, refuse: Refuse): void {
  const { hearsOut = false, unsupportedSubprotocols = [] } = mode;
  if (typeof hearsOut !== 'boolean')
    refuse(`hearsOut of a mode must be true or false, not ${show(hearsOut)}`);
  if (!isTexts(unsupportedSubprotocols)) {
    refuse(
      `unsupportedSubprotocols of a mode must be an array of texts, not ${show(unsupportedSubprotocols)}`,
    );
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** The calls whose promise, if they return one, nobody waits for. */
const UNAWAITED = ['opened', 'message', 'piece', 'drained'] as const;

type Call = (session: Session, ...rest: unknown[]) => unknown;

/** The mode with its delivery, and with somebody who looks at what its promises reject with. */
function guarded(mode: UserMode): Mode {
  const calls: Record<string, Call> = {};
  for (const call of CALLS) {
    const value = mode[call] as Call | undefined;
    if (value !== undefined) calls[call] = value.bind(mode);
  }
  for (const call of UNAWAITED) {
    const value = calls[call];
    if (value !== undefined) calls[call] = catching(value);
  }
  const { name, delivery = 'messages', hearsOut = false, unsupportedSubprotocols = [] } = mode;
  return { name, delivery, hearsOut, unsupportedSubprotocols, ...calls };
}

function catching(call: Call): Call {
  // No rest parameter: this runs for every message.
  return (session, a, b, c, d, e, f) => {
    const result = call(session, a, b, c, d, e, f);
    if (!(result instanceof Promise)) return;
    result.catch((error: unknown) => {
      session.fail(error);
    });
  };
}
