/** The line that a session leaves in the pretty log: who, where, how long, what went each way, and how it ended, in columns. */
import { printable } from '../../printable.js';
import { durationText } from '../../recording/convert/text/clock-text.js';
import { styled } from './style.js';

/** What is in the log of a session that is over, as far as it is in columns. */
interface EndedSession {
  readonly session: number;
  readonly peer: string;
  readonly path: string;
  readonly mode: string;
  readonly in: Traffic;
  readonly out: Traffic;
  readonly durationMs: number;
  readonly closedBy: string;
  readonly code: number;
  readonly reason?: string;
  readonly rule?: string;
}

interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

/** What the columns show; everything else follows as `key=value`. */
export const SESSION_KEYS: readonly string[] = [
  ...['session', 'peer', 'path', 'mode', 'in', 'out', 'durationMs', 'closedBy', 'code'],
  ...['reason', 'rule'],
];

/** So many characters have room; what needs more moves the rest of its line. An address with a port of IPv4 has 21. */
const WIDTHS = { session: 5, peer: 21, place: 16, duration: 10, traffic: 18 } as const;

/** Ways to end that nobody has to look at: normal, going away, and without a code (RFC 6455 §7.4.1). */
const CALM_CODES: readonly number[] = [1000, 1001, 1005];

/** Nobody has closed it. */
const LOST = 'lost';

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Whether the fields of a line are those of a session that is over. */
export function isEndedSession(log: Readonly<Record<string, unknown>>): boolean {
  return (
    [log['peer'], log['path'], log['mode'], log['closedBy']].every(isText) &&
    [log['session'], log['durationMs'], log['code']].every(isNumber) &&
    [log['in'], log['out']].every(isTraffic) &&
    [log['reason'], log['rule']].every((one) => one === undefined || isText(one))
  );
}

/** @param log for which {@link isEndedSession} is true */
export function sessionLine(log: Readonly<Record<string, unknown>>, isStyled: boolean): string {
  const ended = log as unknown as EndedSession;
  const { session, peer, path, mode, durationMs, closedBy, code, reason, rule } = ended;
  const isFault = rule !== undefined || !CALM_CODES.includes(code);
  const ending =
    `${code} ${closedBy === LOST ? LOST : `by ${printable(closedBy)}`}` +
    (reason === undefined ? '' : `: ${printable(reason)}`) +
    (rule === undefined ? '' : ` (${printable(rule)})`);
  return [
    styled('cyan', `#${session}`.padEnd(WIDTHS.session), isStyled),
    printable(peer).padEnd(WIDTHS.peer),
    `${printable(path)} ${printable(mode)}`.padEnd(WIDTHS.place),
    styled('dim', durationText(durationMs / 1000).padStart(WIDTHS.duration), isStyled),
    trafficText('→', ended.in),
    trafficText('←', ended.out),
    isFault ? styled('red', ending, isStyled) : ending,
  ].join('  ');
}

/** `→ 2 msg 10 B`: so many messages, and the bytes of all of them. */
function trafficText(arrow: string, { messages, bytes }: Traffic): string {
  return `${arrow} ${messages} msg ${bytesText(bytes)}`.padEnd(WIDTHS.traffic);
}

/** @returns `9999 B`, `9.8 KiB`: no more than a glance can take in */
function bytesText(bytes: number): string {
  if (bytes < 10_000) return `${bytes} B`;
  let amount = bytes / 1024;
  let unit = 0;
  while (amount >= 1000 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${amount.toFixed(1)} ${UNITS[unit]!}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isTraffic(value: unknown): value is Traffic {
  const { messages, bytes } = (value ?? {}) as Partial<Record<keyof Traffic, unknown>>;
  return isNumber(messages) && isNumber(bytes);
}
