/** Payloads as texts, to be searched: what is no text has a character for each byte, as in `twist convert --grep`. */
import { Buffer, isUtf8 } from 'node:buffer';
import { payloadOf, textOf } from '../../recording/format/payload.js';
import { Kind, LineScan, parseLine } from '../store/line-scan.js';

const BACKSLASH = 0x5c;

const scan = new LineScan();

/**
 * @param isScanned the line was scanned when it got into the index
 * @returns null for a record that has no payload
 */
export function payloadText(line: Buffer, isScanned: boolean): string | null {
  if (!isScanned || !scan.scan(line, 0, line.length, false)) return parsedText(line);
  const { payloadStart: start, payloadEnd: end } = scan;
  if (scan.isBase64) {
    const bytes = Buffer.from(line.toString('latin1', start, end), 'base64');
    const isText = scan.kind === Kind.Text && isUtf8(bytes);
    return isText ? bytes.toString('utf8') : bytes.toString('latin1');
  }
  const escape = line.indexOf(BACKSLASH, start);
  if (escape === -1 || escape >= end) return line.toString('utf8', start, end);
  return parsedText(line);
}

function parsedText(line: Buffer): string | null {
  const record = parseLine(line);
  if (record === null || typeof record === 'string') return null;
  if (record.ev !== 'msg' && record.ev !== 'ctl') return null;
  return textOf(record) ?? payloadOf(record).toString('latin1');
}
