/** Rows and counts in words. */
import type { PageNews, Row } from '../../../src/inspect/page-protocol.js';
import {
  counted,
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
} from '../../shared/model/units.js';
import type { TimeStyle } from './address.js';

type State = Extract<PageNews, { news: 'state' }>;

/** The time of a row. @param origin what relative times are relative to */
export function timeText(row: Row, style: TimeStyle, origin: number): string {
  if (style === 'clock') return formatClock(row.t);
  if (style === 'gap') return row.gap === undefined ? '' : `+${formatDuration(row.gap)}`;
  return (row.t - origin).toFixed(3);
}

const KIND_NAMES = {
  text: 'Text',
  binary: 'Binary',
  ping: 'Ping',
  pong: 'Pong',
  close: 'Close',
  frame: 'Frame',
  count: 'Counted',
  target: 'Target',
  open: 'Open',
  end: 'End',
  gap: 'Gap',
} as const;

export function kindName({ kind, part }: Pick<Row, 'kind' | 'part'>): string {
  return part === undefined ? KIND_NAMES[kind] : `${KIND_NAMES[kind]}, ${part} piece`;
}

/** With the number that is on the wire (RFC 6455 §5.2). */
export function opcodeText(op: number): string {
  return `opcode 0x${op.toString(16)}`;
}

export function directionName(direction: 'in' | 'out'): string {
  return direction === 'in' ? 'from the client' : 'to the client';
}

/** What is known of a record beside its payload, one by one. */
export function factsOf({ len, wire, op, ordinal, dir, gap }: Row): string[] {
  return [
    len !== undefined && sizeFact(len),
    wire !== undefined && `${formatBytes(wire)} on the wire`,
    op !== undefined && opcodeText(op),
    ordinal !== undefined && dir !== undefined && `number ${formatCount(ordinal)} ${dir}`,
    gap !== undefined && `${formatDuration(gap)} after the one before`,
  ].filter((fact) => fact !== false);
}

function sizeFact(len: number): string {
  return len < 1024 ? formatBytes(len) : `${formatBytes(len)} (${counted(len, 'byte')})`;
}

/** What is not shown, and why; null where all is. */
export function lossText({
  forgotten,
  lost,
  damaged,
  tooLong = 0,
  maxLineBytes = 0,
}: State): string | null {
  const parts = [
    forgotten > 0 && `${counted(forgotten, 'older record')} had to make room`,
    lost > 0 && `${counted(lost, 'record')} came faster than the inspector could take`,
    damaged > 0 && `${counted(damaged, 'line')} could not be read`,
    tooLong > 0 &&
      `${counted(tooLong, 'line')} of more than ${formatBytes(maxLineBytes)} ${tooLong === 1 ? 'is' : 'are'} left out`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? null : `${parts.join('; ')}.`;
}

export function memoryText(usedBytes: number, memoryBytes: number): string {
  return `${formatBytes(usedBytes)} of ${formatBytes(memoryBytes)}`;
}
