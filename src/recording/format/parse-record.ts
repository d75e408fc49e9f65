/**
 * Parses the text of a line to a record. Lines written by others are not trusted: each key that readers
 * use is checked, and nothing else. Messages, which are nearly all records, are parsed by hand: that is
 * twice as fast.
 */
import type { AnyRecord } from './record.js';

type Fields = Readonly<Record<string, unknown>>;

interface Check {
  readonly isRight: (value: unknown) => boolean;
  /** What the value must be, for the reason. */
  readonly what: string;
}

type Checks = readonly (readonly [key: string, check: Check])[];

/** The most characters of a line without a message, which are many times what twist writes. */
const MAX_OTHER_LENGTH = 1024 * 1024;

/** A control frame has at most 125 bytes (RFC 6455 §5.5), and so many characters in base64. */
const MAX_CONTROL_LENGTH = 168;

/** The last second of the year 9999: every displayed time has a year of four digits. */
const MAX_TIME = 253_402_300_799;

const TEXT: Check = { isRight: isText, what: 'a text' };
const TEXT_OR_NULL: Check = {
  isRight: (value) => value === null || isText(value),
  what: 'a text or null',
};
const OPTIONAL_TEXT: Check = {
  isRight: (value) => value === undefined || isText(value),
  what: 'a text',
};
const NAME: Check = { isRight: isName, what: 'a text that is not empty' };
const COUNT: Check = { isRight: isCount, what: 'a whole number' };
const OPTIONAL_COUNT: Check = {
  isRight: (value) => value === undefined || isCount(value),
  what: 'a whole number',
};
const TIME: Check = { isRight: isTime, what: 'seconds since 1970' };
const SECONDS: Check = { isRight: isTime, what: 'a number of seconds' };
const BOOLEAN: Check = { isRight: (value) => typeof value === 'boolean', what: 'true or false' };
const HEADERS: Check = { isRight: isHeaders, what: 'an object of texts' };
const TRAFFIC: Check = { isRight: isTraffic, what: 'an object with msgs and bytes' };
const DIRECTION = oneOf('in', 'out');
const DATA_OPCODE = oneOf(1, 2);
const CONTROL_OPCODE = oneOf(8, 9, 10);
const PART = oneOf('first', 'middle', 'last', undefined);
const CUT = oneOf(true, undefined);

const PAYLOAD_CHECKS: Checks = [
  ['len', COUNT],
  ['cut', CUT],
  ['data', OPTIONAL_TEXT],
  ['b64', OPTIONAL_TEXT],
];

const SESSION_CHECKS: Checks = [
  ['s', NAME],
  ['t', TIME],
];

const MESSAGE_CHECKS: Checks = [
  ...SESSION_CHECKS,
  ['dir', DIRECTION],
  ['op', DATA_OPCODE],
  ['part', PART],
  ['wire', COUNT],
  ...PAYLOAD_CHECKS,
];

const CONTROL_CHECKS: Checks = [
  ...SESSION_CHECKS,
  ['dir', DIRECTION],
  ['op', CONTROL_OPCODE],
  ...PAYLOAD_CHECKS,
];

const OTHER_CHECKS: ReadonlyMap<unknown, Checks> = new Map<AnyRecord['ev'], Checks>([
  [
    'file',
    [
      ['v', COUNT],
      ['tool', TEXT],
      ['t', TIME],
      ['redacted', oneOf(true, undefined)],
    ],
  ],
  [
    'open',
    [
      ...SESSION_CHECKS,
      ['id', COUNT],
      ['remote', TEXT],
      ['local', TEXT],
      ['tls', TEXT_OR_NULL],
      ['url', TEXT],
      ['headers', HEADERS],
      ['subprotocol', TEXT_OR_NULL],
      ['extensions', TEXT_OR_NULL],
      ['mode', TEXT],
      ['worker', OPTIONAL_COUNT],
    ],
  ],
  [
    'frame',
    [
      ...SESSION_CHECKS,
      ['dir', DIRECTION],
      ['fin', BOOLEAN],
      ['rsv', oneOf(0, 1, 2, 3, 4, 5, 6, 7)],
      ['op', oneOf(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)],
      ['masked', BOOLEAN],
      ['len', COUNT],
      ['wire', COUNT],
    ],
  ],
  [
    'count',
    [
      ...SESSION_CHECKS,
      ['of', oneOf('ping', 'pong', 'frame')],
      ['dir', DIRECTION],
      ['n', COUNT],
      ['len', COUNT],
      ['since', TIME],
    ],
  ],
  [
    'target',
    [
      ...SESSION_CHECKS,
      ['state', oneOf('connected', 'ended', 'lost')],
      ['target', TEXT],
      ['error', OPTIONAL_TEXT],
    ],
  ],
  [
    'close',
    [
      ...SESSION_CHECKS,
      ['by', oneOf('client', 'server', 'lost')],
      ['code', COUNT],
      ['reason', TEXT],
      ['in', TRAFFIC],
      ['out', TRAFFIC],
      ['dur', SECONDS],
      ['rule', OPTIONAL_TEXT],
    ],
  ],
  [
    'gap',
    [
      ['t', TIME],
      ['since', TIME],
      ['records', COUNT],
      ['error', TEXT],
    ],
  ],
]);

/**
 * Reads the record in a line.
 *
 * @param text the line, without its newline
 * @returns the record; null if this version does not know its kind; otherwise what is wrong with it, in
 *   words that quote nothing of the line
 */
export function parseRecord(text: string): AnyRecord | string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'it is not JSON';
  }
  if (!isObject(value)) return 'it is not a JSON object';
  const { ev } = value;
  if (ev === 'msg') {
    return isMessage(value) ? (value as unknown as AnyRecord) : payloadFault(value, MESSAGE_CHECKS);
  }
  if (text.length > MAX_OTHER_LENGTH) return 'it is longer than a record of its kind';
  if (ev === 'ctl') return controlFault(value) ?? (value as unknown as AnyRecord);
  if (typeof ev !== 'string') return '"ev" is not a text';
  const checks = OTHER_CHECKS.get(ev);
  if (checks === undefined) return null;
  return faultOf(value, checks) ?? (value as unknown as AnyRecord);
}

/** The same as MESSAGE_CHECKS. */
function isMessage(value: Fields): boolean {
  const { s, t, dir, op, part, wire, len, cut, data, b64 } = value;
  return (
    isName(s) &&
    isTime(t) &&
    (dir === 'in' || dir === 'out') &&
    (op === 1 || op === 2) &&
    isCount(wire) &&
    isCount(len) &&
    (part === undefined || PART.isRight(part)) &&
    CUT.isRight(cut) &&
    (data === undefined ? isText(b64) : isText(data) && b64 === undefined)
  );
}

function payloadFault(value: Fields, checks: Checks): string | null {
  const fault = faultOf(value, checks);
  if (fault !== null) return fault;
  const isRight = (value['data'] === undefined) !== (value['b64'] === undefined);
  return isRight ? null : 'it must have either "data" or "b64"';
}

function controlFault(value: Fields): string | null {
  const fault = payloadFault(value, CONTROL_CHECKS);
  if (fault !== null) return fault;
  const { length } = (value['data'] ?? value['b64']) as string;
  return length > MAX_CONTROL_LENGTH ? 'its payload is longer than that of a control frame' : null;
}

function faultOf(value: Fields, checks: Checks): string | null {
  for (const [key, { isRight, what }] of checks) {
    if (!isRight(value[key])) return `"${key}" is not ${what}`;
  }
  return null;
}

function oneOf(...values: readonly unknown[]): Check {
  const words = values.filter((value) => value !== undefined).map(String);
  return { isRight: (value) => values.includes(value), what: words.join(' or ') };
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value <= MAX_TIME;
}

function isHeaders(value: unknown): boolean {
  return (
    isObject(value) &&
    Object.values(value).every(
      (each) => isText(each) || (Array.isArray(each) && each.every((one) => isText(one))),
    )
  );
}

function isTraffic(value: unknown): boolean {
  return isObject(value) && isCount(value['msgs']) && isCount(value['bytes']);
}
