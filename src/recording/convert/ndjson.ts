/** A recording as a recording: lines pass unchanged, so filters can make a smaller one. */
import { Buffer } from 'node:buffer';
import { withoutControls } from '../write/record-encoder.js';
import type { AnyRecord } from '../format/record.js';
import type { ConvertOutput, Converter } from './converter.js';

const NEWLINE = Uint8Array.of(0x0a);

const DELETE = 0x7f;
/** The first byte of U+0080 to U+00BF; the lower half are control characters. */
const LEAD_C2 = 0xc2;

export function ndjsonConverter(output: ConvertOutput): Converter {
  return {
    convert(_record: AnyRecord, line: Uint8Array): Promise<void> | undefined {
      const lineDone = output.write(harmless(line));
      return output.write(NEWLINE) ?? lineDone;
    },
    finish: () => Promise.resolve(),
  };
}

/** twist escapes what a terminal may obey; a recording from elsewhere may not. */
function harmless(line: Uint8Array): Uint8Array {
  const bytes = Buffer.from(line.buffer, line.byteOffset, line.length);
  return hasControls(bytes) ? Buffer.from(withoutControls(bytes.toString())) : line;
}

function hasControls(bytes: Buffer): boolean {
  if (bytes.includes(DELETE)) return true;
  let at = bytes.indexOf(LEAD_C2);
  while (at !== -1 && bytes[at + 1]! >= 0xa0) at = bytes.indexOf(LEAD_C2, at + 2);
  return at !== -1;
}
