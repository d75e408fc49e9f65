/** A mode that somebody else wrote: what is right about it is not taken on trust. */
import { show } from '../config/complaint.js';
import type { Mode } from '../modes/mode.js';

/** A mode as its author writes it: `delivery` is `messages` unless it says otherwise. */
export interface UserMode extends Omit<Mode, 'delivery'> {
  readonly delivery?: Mode['delivery'];
}

/** Ends the reading of what a user gave. @param clause what is wrong with it, and what is allowed */
export type Refuse = (clause: string) => never;

/** The functions that a mode can have. */
const CALLS = ['open', 'message', 'piece', 'drained', 'closed'] as const;

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
  for (const call of CALLS) {
    if (calls[call] !== undefined && typeof calls[call] !== 'function')
      refuse(`${call} of a mode must be a function, not ${show(calls[call])}`);
  }
  const needed = NEEDED[delivery];
  if (calls[needed] === undefined)
    refuse(`a mode with delivery "${delivery}" needs the function ${needed}`);
  return withDelivery(given as UserMode);
}

/** Adds the delivery, to a copy if need be: the object is its author's. */
function withDelivery(mode: UserMode): Mode {
  if (mode.delivery !== undefined) return mode as Mode;
  const calls = CALLS.flatMap((call) => {
    const value = mode[call] as ((...args: unknown[]) => unknown) | undefined;
    return value === undefined ? [] : [[call, value.bind(mode)] as const];
  });
  return { name: mode.name, delivery: 'messages', ...Object.fromEntries(calls) };
}
