/** A mode that somebody else wrote: what is right about it is not taken on trust. */
import { deepestFault, show } from '../config/messages.js';
import { originPolicy } from '../config/values/list-values.js';
import { didYouMean } from '../config/nearest-name.js';
import { textOfThrown } from '../foreign.js';
import type { Mode } from '../modes/mode.js';

/** A mode as its author writes it: `delivery` is `messages` unless it says otherwise. */
export interface UserMode extends Pick<
  Mode,
  'name' | 'message' | 'abandoned' | 'unsupportedSubprotocols' | 'defaults'
> {
  readonly delivery?: Mode['delivery'];
  readonly hearsOut?: boolean;
  open?: Mode['upgrade'];
  opened?: Mode['open'];
  piece?: Mode['chunk'];
  drained?: Mode['drain'];
  peerClosed?: Mode['closing'];
  closed?: Mode['close'];
}

/** Ends the reading of what a user gave. @param clause what is wrong with it, and what is allowed */
export type Refuse = (clause: string) => never;

/** Every function that a mode can have, and what it is inside. */
const CALLS = {
  open: 'upgrade',
  opened: 'open',
  message: 'message',
  piece: 'chunk',
  drained: 'drain',
  peerClosed: 'closing',
  abandoned: 'abandoned',
  closed: 'close',
} as const;

type ModeCall = keyof typeof CALLS;

/** Their names. */
export const MODE_CALLS = Object.keys(CALLS) as readonly ModeCall[];

/** The function that a delivery calls. */
const NEEDED = { messages: 'message', pieces: 'piece' } as const;

const DEFAULTS = ['origin', 'deflate'] as const;

/** All members: none is forgotten, though most may be undefined. */
type Members = { readonly [Name in keyof Required<Mode>]: Mode[Name] | undefined };

/** @param otherwise what stands for a member that is not there */
type Read = (name: string, otherwise?: unknown) => unknown;

/** @returns a mode made of what `given` has, once every part of it is looked at; each member is read once */
export function readMode(given: unknown, refuse: Refuse): Mode {
  if (typeof given !== 'object' || given === null) {
    refuse(`a mode must be an object such as { name, message }, not ${show(given)}`);
  }
  const read = reader(given, (name) => `${name} of a mode`, refuse);
  const name = read('name');
  if (typeof name !== 'string' || name === '')
    refuse(`the name of a mode must be a text, not ${show(name)}`);
  const delivery = read('delivery', 'messages');
  if (delivery !== 'messages' && delivery !== 'pieces')
    refuse(`the delivery of a mode must be "messages" or "pieces", not ${show(delivery)}`);
  const traits = readTraits(read, refuse);
  const calls = readCalls(given, read, refuse);
  const needed = NEEDED[delivery];
  if (calls[CALLS[needed]] === undefined)
    refuse(`a mode with delivery "${delivery}" needs the function ${needed}`);
  const members: Members = {
    name,
    delivery,
    ...traits,
    ...calls,
    defaults: readDefaults(read('defaults'), refuse),
    isTextChecked: true,
  };
  const known = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as unknown as Mode;
}

/** Reads members, some of which may be getters that throw. */
function reader(from: object, nameOf: (name: string) => string, refuse: Refuse): Read {
  return (name, otherwise) => {
    try {
      const value = (from as Readonly<Record<string, unknown>>)[name];
      return value === undefined ? otherwise : value;
    } catch (error) {
      return refuse(`${nameOf(name)} cannot be read: ${textOfThrown(error)}`);
    }
  };
}

function readTraits(
  read: Read,
  refuse: Refuse,
): Required<Pick<Mode, 'receiveAfterClose' | 'unsupportedSubprotocols'>> {
  const hearsOut = read('hearsOut', false);
  if (typeof hearsOut !== 'boolean')
    refuse(`hearsOut of a mode must be true or false, not ${show(hearsOut)}`);
  const unsupportedSubprotocols = read('unsupportedSubprotocols', []);
  if (!isTexts(unsupportedSubprotocols)) {
    refuse(
      `unsupportedSubprotocols of a mode must be an array of texts, not ${show(unsupportedSubprotocols)}`,
    );
  }
  return { receiveAfterClose: hearsOut, unsupportedSubprotocols: [...unsupportedSubprotocols] };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function readCalls(
  given: object,
  read: Read,
  refuse: Refuse,
): Pick<Members, (typeof CALLS)[ModeCall]> {
  const calls: Record<string, unknown> = {};
  for (const name of MODE_CALLS) {
    const call = read(name);
    if (call !== undefined && typeof call !== 'function')
      refuse(`${name} of a mode must be a function, not ${show(call)}`);
    calls[CALLS[name]] = call?.bind(given) as unknown;
  }
  return calls as Pick<Members, (typeof CALLS)[ModeCall]>;
}

/** What holds for the mode unless an option says otherwise. */
function readDefaults(given: unknown, refuse: Refuse): Mode['defaults'] {
  if (given === undefined) return undefined;
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    refuse(`defaults of a mode must be an object such as { origin, deflate }, not ${show(given)}`);
  for (const name of Object.keys(given)) {
    if ((DEFAULTS as readonly string[]).includes(name)) continue;
    const hint = didYouMean(name, DEFAULTS) || `; it can have ${DEFAULTS.join(' and ')}`;
    refuse(`defaults of a mode has an unknown key ${JSON.stringify(name)}${hint}`);
  }
  const read = reader(given, (name) => `defaults.${name} of a mode`, refuse);
  const deflate = read('deflate');
  if (deflate !== undefined && typeof deflate !== 'boolean')
    refuse(`defaults.deflate of a mode must be true or false, not ${show(deflate)}`);
  const origin = readOrigin(read('origin'), refuse);
  return { ...(origin !== undefined && { origin }), ...(deflate !== undefined && { deflate }) };
}

/** As the option `origin` has it. */
function readOrigin(
  given: unknown,
  refuse: Refuse,
): NonNullable<Mode['defaults']>['origin'] | undefined {
  if (given === undefined) return undefined;
  const result = originPolicy().schema.safeParse(given);
  if (!result.success) {
    const { clause } = deepestFault(result.error.issues.slice(0, 1), given);
    return refuse(`defaults.origin of a mode cannot be ${show(given)}: ${clause}`);
  }
  return result.data === 'auto' ? undefined : result.data;
}
