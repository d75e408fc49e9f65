/** What a row says of a record that has no payload. */
import { printable } from '../../printable.js';
import { durationText } from '../../recording/convert/text/clock-text.js';
import { ownBeginning } from '../own-beginning.js';
import { Opcode } from '../../protocol/frame.js';
import type {
  AnyRecord,
  CloseRecord,
  CountRecord,
  FrameRecord,
  GapRecord,
} from '../../recording/format/record.js';

const MAX_CHARACTERS = 256;

const OPCODES: Readonly<Record<number, string>> = {
  [Opcode.Continuation]: 'continuation',
  [Opcode.Text]: 'text',
  [Opcode.Binary]: 'binary',
  [Opcode.Close]: 'close',
  [Opcode.Ping]: 'ping',
  [Opcode.Pong]: 'pong',
};

/** Why records are missing, where no system's error is the reason. */
const GAPS: Readonly<Record<string, string>> = {
  'inspector-behind': 'the inspector was too slow',
  'inspector-restarted': 'the inspector was started again',
};

/** Records that have a sentence instead of a payload. */
export type ToldRecord = Exclude<AnyRecord, { ev: 'file' | 'msg' | 'ctl' }>;

export function sentenceOf(record: ToldRecord): string {
  const text = sentence(record);
  const beginning = ownBeginning(text, MAX_CHARACTERS);
  return beginning === text ? printable(text) : `${printable(beginning)}…`;
}

function sentence(record: ToldRecord): string {
  switch (record.ev) {
    case 'open': {
      const { url, remote, mode, subprotocol } = record;
      const spoken = subprotocol === null ? '' : `, ${subprotocol}`;
      return `${url} from ${remote}: ${mode}${spoken}`;
    }
    case 'close':
      return ending(record);
    case 'frame':
      return frame(record);
    case 'count':
      return counted(record);
    case 'target': {
      const { state, target, error } = record;
      return `${target} ${state}${error === undefined ? '' : `: ${error}`}`;
    }
    case 'gap':
      return gap(record);
  }
}

function ending({ by, code, reason, rule, dur }: CloseRecord): string {
  const how = by === 'lost' ? `connection lost, ${code}` : `closed by the ${by}, ${code}`;
  const why = reason === '' ? '' : ` ${reason}`;
  return `${how}${why}${rule === undefined ? '' : `, rule ${rule}`}, after ${durationText(dur)}`;
}

function frame({ fin, rsv, op, masked, wire }: FrameRecord): string {
  return [
    OPCODES[op] ?? `opcode ${op}`,
    ...(fin ? ['fin'] : []),
    ...[4, 2, 1].flatMap((bit, at) => ((rsv & bit) === 0 ? [] : [`rsv${at + 1}`])),
    ...(masked ? ['masked'] : []),
    `${wire} on the wire`,
  ].join(', ');
}

function counted({ of, n, len, dir }: CountRecord): string {
  const way = dir === 'in' ? 'from the client' : 'to the client';
  return `${many(n, `more ${of}`)} ${way}, ${many(len, 'byte')}`;
}

function gap({ records, error }: GapRecord): string {
  if (records === 0) return error === 'worker-died' ? 'a worker has died' : error;
  return `${many(records, 'record')} missing: ${GAPS[error] ?? error}`;
}

function many(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`;
}
