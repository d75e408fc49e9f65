/** Reads a mode that a user wrote: nothing about it is taken on trust. */
import { deepestFault, show } from '../config/messages.js';
import { originPolicy } from '../config/values/list-values.js';
import { didYouMean } from '../config/suggestions.js';
import { textOfThrown } from '../foreign.js';
import type { UpgradeRequest } from '../handshake/request.js';
import type { UpgradeResponse } from '../handshake/upgrade-response.js';
import type { Refuse } from '../modes/user-module.js';
import type { Mode } from '../session/mode.js';
import { guardedController } from '../modes/guarded-signal.js';
import type { CloseStatus } from '../protocol/close.js';
import { type DataOpcode, Opcode } from '../protocol/frame.js';
import type { ModeSession, Session, SessionSummary } from '../session/session.js';

/** A valid opening handshake of a client that waits for its answer (RFC 6455 §4.2.1). Nothing is decoded. */
export interface PendingRequest extends UpgradeRequest {
  /** Aborts when the answer is no longer waited for. It is made when it is first read. */
  readonly signal: AbortSignal;
}

/**
 * A mode: what is called for each session of a route. Every call may return a promise. Whatever a call throws,
 * at once or as a promise that rejects, ends its own session as `session.fail` does, and no other one. Only
 * `upgrade` and `closing` are waited for, and `close` when the server stops.
 *
 * @typeParam Data what the mode keeps in `session.data`
 */
export interface UserMode<Data = unknown> {
  /** As it stands in the log, for instance `chat`. */
  readonly name: string;
  /**
   * `messages` (the default) calls `message` with whole messages. `chunks` calls `chunk` with parts of a message
   * as they arrive, in bounded memory whatever the message's size; with extensions, which take whole messages,
   * each message is one chunk.
   */
  readonly delivery?: 'messages' | 'chunks';
  /** What holds unless an option says otherwise. */
  readonly defaults?: Mode['defaults'];
  /**
   * Subprotocols that the mode cannot speak: they are never selected, and a client that offers no other one is
   * refused with 400.
   */
  readonly unsupportedSubprotocols?: readonly string[];
  /** Messages are delivered after the mode's own Close too, until the client's (RFC 6455 §5.5.1). */
  readonly receiveAfterClose?: boolean;
  /**
   * Called before the handshake is answered. It may take its time, and it may throw (or reject with) a
   * HandshakeError, which refuses the handshake with that status. `request.signal` aborts when the client has left,
   * or the handshake's time is over, while the promise is pending; if the promise is fulfilled all the same, `close` follows.
   */
  upgrade?(
    session: Session<Data>,
    request: PendingRequest,
    response: UpgradeResponse,
  ): void | PromiseLike<void>;
  /** The handshake is answered: messages can be sent from here on. */
  open?(session: Session<Data>): void;
  /** A message came. `data` is valid during the call: a mode that keeps it copies it. */
  message?(session: Session<Data>, data: Buffer, isBinary: boolean): void;
  /** A chunk of a message came, valid during the call. A chunk of text may end inside a character. */
  chunk?(
    session: Session<Data>,
    data: Buffer,
    isBinary: boolean,
    isFirst: boolean,
    isLast: boolean,
  ): void;
  /** After `send` returned `wait`: the client has read on, send again. */
  drain?(session: Session<Data>): void;
  /** A Ping came; its Pong is already queued (RFC 6455 §5.5.2). `data` is valid during the call. */
  ping?(session: Session<Data>, data: Buffer): void;
  /** A Pong came, asked for or not (RFC 6455 §5.5.3). `data` is valid during the call. */
  pong?(session: Session<Data>, data: Buffer): void;
  /**
   * The client's Close came, after its last message; 1005 is a Close without a code. The answer waits for the
   * promise, and until then messages can still be sent; the close timeout bounds it.
   */
  closing?(session: Session<Data>, code: number, reason: string): void | PromiseLike<void>;
  /**
   * The session is over, however it ended: called once for each session whose `upgrade` succeeded. The code is
   * 1005 for a Close without a code, and 1006 when the connection was lost (RFC 6455 §7.1.5). A server that stops
   * waits for the promise, within `drainTimeout`.
   */
  close?(session: Session<Data>, code: number, reason: string, summary: SessionSummary): void;
}

/** Every function that a mode can have. */
export const MODE_CALLS = [
  'upgrade',
  'open',
  'message',
  'chunk',
  'drain',
  'ping',
  'pong',
  'closing',
  'close',
] as const satisfies readonly (keyof UserMode)[];

type ModeCall = (typeof MODE_CALLS)[number];

/** The calls of a mode, bound to it. What they return may be a promise, whatever their types say. */
type Calls = {
  [Name in ModeCall]: ((...given: Parameters<NonNullable<UserMode[Name]>>) => unknown) | undefined;
};

/** What members were called before, and are called now. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  opened: 'open',
  piece: 'chunk',
  drained: 'drain',
  peerClosed: 'closing',
  closed: 'close',
  hearsOut: 'receiveAfterClose',
  abandoned: 'request.signal in upgrade',
};

/** The function that a delivery calls. */
const NEEDED = { messages: 'message', chunks: 'chunk' } as const;

const DEFAULTS = ['origin', 'deflate'] as const;

/** What a user's mode cannot have. */
type OfBuiltIn = 'echoes' | 'stillServes' | 'heldBytes' | 'choose' | 'changeAnswer' | 'openRaw';

/** All members but those of built-in modes alone: none is forgotten, though most may be undefined. */
type Members = {
  readonly [Name in Exclude<keyof Required<Mode>, OfBuiltIn>]: Mode[Name] | undefined;
};

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
  for (const [old, now] of Object.entries(OLD_NAMES))
    if (read(old) !== undefined) refuse(`${old} of a mode is now ${now}`);
  const delivery = read('delivery', 'messages');
  if (delivery === 'pieces') refuse('the delivery "pieces" of a mode is now "chunks"');
  if (delivery !== 'messages' && delivery !== 'chunks')
    refuse(`the delivery of a mode must be "messages" or "chunks", not ${show(delivery)}`);
  const traits = readTraits(read, refuse);
  const calls = readCalls(given, read, refuse);
  const needed = NEEDED[delivery];
  if (calls[needed] === undefined)
    refuse(`a mode with delivery "${delivery}" needs the function ${needed}`);
  const members: Members = {
    name,
    delivery,
    ...traits,
    ...adapted(calls),
    defaults: readDefaults(read('defaults'), refuse),
  };
  const known = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as unknown as Mode;
}

/** The calls as the server makes them: a payload is a range of a larger array, and the mode gets a view of it. */
function adapted(calls: Calls): Pick<Members, ModeCall | 'abandoned'> {
  const { upgrade, open, message, chunk, ping, pong, closing, close } = calls;
  const pending = new PendingHandshakes();
  const inside: Record<ModeCall | 'abandoned', unknown> = {
    ...calls,
    upgrade:
      upgrade &&
      ((session: ModeSession, request: UpgradeRequest, response: UpgradeResponse) =>
        upgrade(session, pending.begin(session, request), response)),
    open: upgrade
      ? (session: ModeSession) => {
          pending.end(session);
          return open?.(session);
        }
      : open,
    abandoned:
      upgrade &&
      ((session: ModeSession) => {
        pending.abort(session);
      }),
    message:
      message &&
      ((session: ModeSession, opcode: DataOpcode, bytes: Uint8Array, start: number, end: number) =>
        message(session, viewOf(bytes, start, end), opcode === Opcode.Binary)),
    chunk:
      chunk &&
      ((
        session: ModeSession,
        opcode: DataOpcode,
        bytes: Uint8Array,
        start: number,
        end: number,
        isFirst: boolean,
        isLast: boolean,
      ) => chunk(session, viewOf(bytes, start, end), opcode === Opcode.Binary, isFirst, isLast)),
    ping:
      ping &&
      ((session: ModeSession, bytes: Uint8Array, start: number, end: number) =>
        ping(session, viewOf(bytes, start, end))),
    pong:
      pong &&
      ((session: ModeSession, bytes: Uint8Array, start: number, end: number) =>
        pong(session, viewOf(bytes, start, end))),
    closing:
      closing &&
      ((session: ModeSession, { code, reason }: CloseStatus) => closing(session, code, reason)),
    close:
      close &&
      ((session: ModeSession, summary: SessionSummary) =>
        close(session, summary.closeCode, summary.closeReason, summary)),
  };
  return inside as Pick<Members, ModeCall | 'abandoned'>;
}

/** The handshakes that a mode has not decided on. */
class PendingHandshakes {
  /** How to abort the signal of each, if it was read. */
  readonly #aborts = new WeakMap<ModeSession, () => void>();

  /** @returns the request with a signal, which costs nothing unless it is read */
  begin(session: ModeSession, request: UpgradeRequest): PendingRequest {
    let controller: AbortController | null = null;
    this.#aborts.set(session, () => controller?.abort());
    return {
      ...request,
      get signal(): AbortSignal {
        controller ??= guardedController((error) => {
          session.fail(error);
        });
        return controller.signal;
      },
    };
  }

  abort(session: ModeSession): void {
    this.#aborts.get(session)?.();
  }

  /** The handshake is answered: nothing of it is kept. */
  end(session: ModeSession): void {
    this.#aborts.delete(session);
  }
}

/** Makes a Buffer of whatever bytes, in less time than `Buffer.from`. */
const subarray = Reflect.get(Buffer.prototype, 'subarray') as (
  this: Uint8Array,
  start: number,
  end: number,
) => Buffer;

function viewOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return subarray.call(bytes, start, end);
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
  const receiveAfterClose = read('receiveAfterClose', false);
  if (typeof receiveAfterClose !== 'boolean')
    refuse(`receiveAfterClose of a mode must be true or false, not ${show(receiveAfterClose)}`);
  const unsupportedSubprotocols = read('unsupportedSubprotocols', []);
  if (!isTexts(unsupportedSubprotocols)) {
    refuse(
      `unsupportedSubprotocols of a mode must be an array of texts, not ${show(unsupportedSubprotocols)}`,
    );
  }
  return { receiveAfterClose, unsupportedSubprotocols: [...unsupportedSubprotocols] };
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function readCalls(given: object, read: Read, refuse: Refuse): Calls {
  const calls: Record<string, unknown> = {};
  for (const name of MODE_CALLS) {
    const call = read(name);
    if (call !== undefined && typeof call !== 'function')
      refuse(`${name} of a mode must be a function, not ${show(call)}`);
    calls[name] = call?.bind(given) as unknown;
  }
  return calls as Calls;
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
