/**
 * What a client can ask of an echo server by its query: the table that help, errors, guides and tests are made of. It has
 * words and limits only; `parse-controls.ts` reads queries by it.
 */

/** How large a value may be, and what it is written as. */
export type ControlValue =
  | { readonly kind: 'none' }
  | { readonly kind: 'duration'; readonly least: number; readonly most: number }
  | { readonly kind: 'size'; readonly least: number; readonly most: number }
  | { readonly kind: 'count'; readonly least: number; readonly most: number }
  /** A close code that may be sent; without a value the Close has none. */
  | { readonly kind: 'code' }
  | { readonly kind: 'status' }
  | { readonly kind: 'text'; readonly mostBytes: number; readonly isOptional: boolean }
  | { readonly kind: 'rule' };

export interface Control {
  /** What stands for the value in help; empty for a control without one. */
  readonly valueName: string;
  readonly value: ControlValue;
  /** What it does; a clause without a full stop. */
  readonly does: string;
  /** As it stands in a query. */
  readonly example: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const MIB = 1024 ** 2;

/** The most bytes of a close reason (RFC 6455 §5.5). */
const REASON_BYTES = 123;

export const CONTROLS = {
  delay: {
    valueName: 'DURATION',
    value: { kind: 'duration', least: 1, most: MINUTE },
    does: 'every message comes back so much later',
    example: 'delay=200ms',
  },
  jitter: {
    valueName: 'DURATION',
    value: { kind: 'duration', least: 1, most: MINUTE },
    does: 'and by chance up to so much later still; the order stays',
    example: 'delay=200ms&jitter=50ms',
  },
  throttle: {
    valueName: 'SIZE',
    value: { kind: 'size', least: 1, most: 1024 * MIB },
    does: 'so many bytes of payload a second, in fragments of a tenth of a second',
    example: 'throttle=64k',
  },
  fragment: {
    valueName: 'SIZE',
    value: { kind: 'size', least: 1, most: 16 * MIB },
    does: 'messages come back in fragments of so many bytes',
    example: 'fragment=1024',
  },
  burst: {
    valueName: 'N',
    value: { kind: 'count', least: 1, most: 1000 },
    does: 'each message comes back so many times',
    example: 'burst=100',
  },
  mute: {
    valueName: '',
    value: { kind: 'none' },
    does: 'no message comes back',
    example: 'mute',
  },
  greeting: {
    valueName: 'TEXT',
    value: { kind: 'text', mostBytes: 1000, isOptional: true },
    does: 'begin with a text message',
    example: 'greeting=hello',
  },
  info: {
    valueName: '',
    value: { kind: 'none' },
    does: 'begin with the request as JSON: headers, address, TLS, what was negotiated',
    example: 'info',
  },
  ping: {
    valueName: 'DURATION',
    value: { kind: 'duration', least: 10, most: HOUR },
    does: 'send a Ping so often',
    example: 'ping=1s',
  },
  'no-pong': {
    valueName: '',
    value: { kind: 'none' },
    does: 'leave Pings without an answer',
    example: 'no-pong',
  },
  reject: {
    valueName: 'STATUS',
    value: { kind: 'status' },
    does: 'refuse the opening handshake with that status',
    example: 'reject=503',
  },
  close: {
    valueName: 'CODE',
    value: { kind: 'code' },
    does: 'close with that code, or with none',
    example: 'close=1008&reason=too+slow&after=3',
  },
  reason: {
    valueName: 'TEXT',
    value: { kind: 'text', mostBytes: REASON_BYTES, isOptional: false },
    does: 'the reason beside the code of close',
    example: 'close=1008&reason=too+slow',
  },
  reset: {
    valueName: '',
    value: { kind: 'none' },
    does: 'end the connection by a reset (RST)',
    example: 'reset&after=3',
  },
  end: {
    valueName: '',
    value: { kind: 'none' },
    does: 'end the connection by a FIN, without a Close',
    example: 'end&after=3',
  },
  break: {
    valueName: 'RULE',
    value: { kind: 'rule' },
    does: 'break a rule of the protocol, one of those below',
    example: 'break=frame-masked&after=1',
  },
  after: {
    valueName: 'N',
    value: { kind: 'count', least: 0, most: 1_000_000 },
    does: 'close, reset, end or break once so many messages have come [0]',
    example: 'close&after=3',
  },
} as const satisfies Readonly<Record<string, Control>>;

export type ControlName = keyof typeof CONTROLS;

/** All names, in the order of the table. */
export const CONTROL_NAMES = Object.keys(CONTROLS) as readonly ControlName[];

export function isControlName(name: string): name is ControlName {
  return Object.hasOwn(CONTROLS, name);
}

export function controlOf(name: ControlName): Control {
  return CONTROLS[name];
}

/** Of these one at most, since each ends the echo in its own way. */
export const ENDINGS = ['close', 'reset', 'end', 'break'] as const satisfies readonly ControlName[];

/** What cannot be together, beside two of {@link ENDINGS}: each of the first with any of the second. */
export const CONTRADICTIONS: readonly (readonly [ControlName, readonly ControlName[]])[] = [
  ['mute', ['delay', 'jitter', 'throttle', 'fragment', 'burst']],
  ['reject', CONTROL_NAMES.filter((name) => name !== 'reject')],
];
