/** A recording as a recording: lines pass unchanged, so filters can make a smaller one. */
import type { AnyRecord } from '../format/record.js';
import type { ConvertOutput, Converter } from './converter.js';

const NEWLINE = Uint8Array.of(0x0a);

export function ndjsonConverter(output: ConvertOutput): Converter {
  return {
    convert(_record: AnyRecord, line: Uint8Array): Promise<void> | undefined {
      const lineDone = output.write(line);
      return output.write(NEWLINE) ?? lineDone;
    },
    finish: () => Promise.resolve(),
  };
}
