/** Reads the controls of a query. Whatever is wrong with them is said in one sentence, and nothing is guessed. */
import { nearestName } from '../../config/suggestions.js';
import { parseDuration, parseSize } from '../../config/values/units.js';
import { HandshakeError } from '../../errors.js';
import {
  BREAK_NAMES,
  type BreakName,
  brokenRule,
  isBreakName,
} from '../../protocol/break/broken-rules.js';
import { CloseCode, isSendableCloseCode } from '../../protocol/close.js';
import { allowed } from './allowed.js';
import {
  CONTRADICTIONS,
  CONTROL_NAMES,
  type ControlName,
  type ControlValue,
  ENDINGS,
  controlOf,
  isControlName,
} from './controls.js';

/** How the echo ends, or what it does wrong. */
export type Ending =
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'end' }
  | { readonly kind: 'break'; readonly rule: BreakName };

/** What a query asks for. Durations are in milliseconds, 0 stands for what is not asked for. */
export interface EchoControls {
  /** The controls that are in force, with those of their values that are no texts: for the log. */
  readonly names: readonly string[];
  readonly delayMs: number;
  readonly jitterMs: number;
  /** Bytes a second. */
  readonly throttle: number;
  /** Bytes of a fragment. */
  readonly fragment: number;
  readonly burst: number;
  readonly isMute: boolean;
  readonly greeting: string | null;
  readonly hasInfo: boolean;
  readonly pingMs: number;
  readonly withholdsPongs: boolean;
  readonly ending: Ending | null;
  /** How many messages come before that. */
  readonly after: number;
}

/** What a greeting says that was not given any text. */
const GREETING = 'hello';

/** Of what a client has sent a refusal shows so much at most. */
const SHOWN_CHARACTERS = 40;

const encoder = new TextEncoder();

/** Values as they were given; a control without one has an empty text. */
type Given = ReadonlyMap<ControlName, string>;

/**
 * Reads a query. What is no control and is not close to one is left alone: addresses of echo servers have tokens in them.
 *
 * @param query without its `?`
 * @returns null when it has no control
 * @throws {HandshakeError} `echo-control` when a control is wrong, `echo-reject` when it asks for that
 */
export function parseControls(query: string): EchoControls | null {
  const given = new Map<ControlName, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!isControlName(name)) {
      checkNearMiss(name);
      continue;
    }
    if (given.has(name)) refuse(`the control ${name} is given more than once: give it once`, name);
    given.set(name, value);
  }
  if (given.size === 0) return null;
  const controls = read(given);
  checkTogether(given, controls.ending);
  const status = given.get('reject');
  if (status !== undefined)
    throw new HandshakeError('echo-reject', {}, {}, { status: Number(status) });
  return controls;
}

function read(given: Given): EchoControls {
  const numberOf = (name: ControlName): number => {
    const value = given.get(name);
    return value === undefined ? 0 : readNumber(name, value);
  };
  for (const [name, value] of given) checkForm(name, value);
  return {
    names: namesFor(given),
    delayMs: numberOf('delay'),
    jitterMs: numberOf('jitter'),
    throttle: numberOf('throttle'),
    fragment: numberOf('fragment'),
    burst: given.has('burst') ? numberOf('burst') : 1,
    isMute: given.has('mute'),
    greeting: readGreeting(given),
    hasInfo: given.has('info'),
    pingMs: numberOf('ping'),
    withholdsPongs: given.has('no-pong'),
    ending: readEnding(given),
    after: numberOf('after'),
  };
}

function readGreeting(given: Given): string | null {
  const text = given.get('greeting') ?? null;
  return text === '' ? GREETING : text;
}

function readEnding(given: Given): Ending | null {
  const rule = given.get('break');
  if (rule !== undefined) return { kind: 'break', rule: rule as BreakName };
  if (given.has('reset')) return { kind: 'reset' };
  if (given.has('end')) return { kind: 'end' };
  const code = given.get('close');
  if (code === undefined) return null;
  const isWithout = code === '';
  return {
    kind: 'close',
    code: isWithout ? CloseCode.NoCode : Number(code),
    reason: given.get('reason') ?? '',
  };
}

/** In the log no text of a client's is shown. */
function namesFor(given: Given): string[] {
  return [...given].map(([name, value]) => {
    const isText = controlOf(name).value.kind === 'text';
    return value === '' || isText ? name : `${name}=${value}`;
  });
}

// ---- One value

/** @throws {HandshakeError} for a value that the control does not take */
function checkForm(name: ControlName, value: string): void {
  if (isOf(controlOf(name).value, value)) return;
  const nearest = controlOf(name).value.kind === 'rule' ? nearestName(value, BREAK_NAMES) : null;
  const hint = nearest === null ? '' : `; did you mean ${nearest}?`;
  refuse(`the control ${name} cannot be ${shown(value)}: ${allowed(name)}${hint}`, name);
}

function isOf(form: ControlValue, value: string): boolean {
  if ('least' in form) {
    const number = toNumber(form.kind, value);
    return number !== null && number >= form.least && number <= form.most;
  }
  switch (form.kind) {
    case 'none':
      return value === '';
    case 'code':
      return value === '' || (isWhole(value) && isSendableCloseCode(Number(value)));
    case 'status':
      return isWhole(value) && isStatus(Number(value));
    case 'text':
      return (form.isOptional || value !== '') && encoder.encode(value).length <= form.mostBytes;
    case 'rule':
      return isBreakName(value);
  }
}

function readNumber(name: ControlName, value: string): number {
  const { kind } = controlOf(name).value;
  return toNumber(kind, value)!;
}

function toNumber(kind: ControlValue['kind'], value: string): number | null {
  if (kind === 'duration') return parseDuration(value);
  if (kind === 'size') return parseSize(value);
  return isWhole(value) ? Number(value) : null;
}

function isWhole(value: string): boolean {
  return /^(?:0|[1-9]\d{0,8})$/.test(value);
}

/** A redirection would need a place to go to, and other answers below 400 have no body. */
function isStatus(status: number): boolean {
  return status === 200 || (status >= 400 && status <= 599);
}

// ---- All of them

/** @throws {HandshakeError} for controls that contradict each other, or have no effect */
function checkTogether(given: Given, ending: Ending | null): void {
  const endings = ENDINGS.filter((name) => given.has(name));
  if (endings.length > 1)
    refuse(`the controls ${endings.join(' and ')} contradict each other: give one of them`);
  for (const [name, others] of CONTRADICTIONS) {
    const other = given.has(name) && others.find((one) => given.has(one));
    if (other) refuse(`the controls ${name} and ${other} contradict each other: give one of them`);
  }
  if (given.has('reason') && (given.get('close') ?? '') === '')
    refuse('the control reason has no effect without a close code: give close=CODE beside it');
  if (!given.has('after')) return;
  if (ending === null)
    refuse(`the control after has no effect alone: give one of ${ENDINGS.join(', ')} beside it`);
  if (ending.kind !== 'break') return;
  const { when } = brokenRule(ending.rule);
  if (when !== 'messages')
    refuse(
      `the control after has no effect on break=${ending.rule}, which happens ${when === 'handshake' ? 'in the handshake' : 'when the client closes'}: leave it out`,
    );
}

/** @throws {HandshakeError} for a name that a control was meant by; other names are for others */
function checkNearMiss(name: string): void {
  const nearest = nearestName(name, CONTROL_NAMES);
  if (nearest === null) return;
  refuse(
    `there is no control ${shown(name)}; did you mean ${nearest}? The controls are ${CONTROL_NAMES.join(', ')}`,
  );
}

/**
 * The one answer of this server, beside those to GET on an echo server, that has something of the request in it: it is
 * plain text, and no browser takes it for anything else.
 *
 * @param text one line of ASCII
 * @param control which one is wrong, for the log, which has nothing of the client's; null when it is not one
 */
export function refuse(text: string, control: ControlName | null = null): never {
  const headers = { 'X-Content-Type-Options': 'nosniff' };
  const notes = control === null ? {} : { control };
  throw new HandshakeError('echo-control', headers, notes, { text });
}

/** What a client has sent, as one line of ASCII. */
function shown(text: string): string {
  const cut = text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}...` : text;
  return JSON.stringify(cut).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
