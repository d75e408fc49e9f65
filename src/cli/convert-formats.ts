/** The formats that `twist convert` knows. */
import type { ConvertOutput, Converter } from '../recording/convert/converter.js';
import { harConverter } from '../recording/convert/har.js';
import { ndjsonConverter } from '../recording/convert/ndjson.js';
import { novncConverter } from '../recording/convert/novnc.js';
import { pcapngConverter } from '../recording/convert/pcapng.js';
import { textConverter } from '../recording/convert/text.js';

/** What some formats want to know. */
export interface FormatSetting {
  /** Who converts: `twist/1.0.0`. */
  readonly tool: string;
  /** A directory for what does not fit into memory. */
  readonly spoolDir: string;
  /** It goes to a terminal. */
  readonly isTerminal: boolean;
  readonly hasColor: boolean;
}

export interface Format {
  readonly name: string;
  /** What names of files in this format end in. */
  readonly extensions: readonly string[];
  /** It is nothing for a terminal. */
  readonly isBinary: boolean;
  readonly make: (output: ConvertOutput, setting: FormatSetting) => Converter;
}

/** How much of a text fits on a terminal. */
const TERMINAL_CHARACTERS = 200;

export const TEXT_FORMAT: Format = {
  name: 'text',
  extensions: ['.txt', '.log'],
  isBinary: false,
  make: (output, { hasColor, isTerminal }) =>
    textConverter(output, {
      hasColor,
      maxCharacters: isTerminal ? TERMINAL_CHARACTERS : Infinity,
    }),
};

export const FORMATS: readonly Format[] = [
  TEXT_FORMAT,
  { name: 'ndjson', extensions: ['.ndjson', '.jsonl'], isBinary: false, make: ndjsonConverter },
  { name: 'har', extensions: ['.har'], isBinary: false, make: harConverter },
  { name: 'pcapng', extensions: ['.pcapng'], isBinary: true, make: pcapngConverter },
  { name: 'novnc', extensions: ['.js'], isBinary: false, make: novncConverter },
];
