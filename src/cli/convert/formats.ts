/** The formats that `twist convert` knows. */
import type { ConvertOutput, Converter } from '../../recording/convert/converter.js';
import { harConverter } from '../../recording/convert/har/har.js';
import { ndjsonConverter } from '../../recording/convert/ndjson.js';
import { novncConverter } from '../../recording/convert/novnc.js';
import { pcapngConverter } from '../../recording/convert/pcapng/pcapng.js';
import type { FORMAT_NAMES } from './options.js';
import { type TextTimes, textConverter } from '../../recording/convert/text/text.js';

/** What some formats need to know. */
interface FormatSetting {
  /** The converting program: `twist/1.0.0`. */
  readonly tool: string;
  /** A directory for what does not fit into memory. */
  readonly spoolDir: string;
  /** Long payloads are cut, as for a terminal. */
  readonly isCut: boolean;
  /** Binary payloads are shown whole as well. */
  readonly isFull: boolean;
  readonly times: TextTimes;
  readonly hasColor: boolean;
}

export interface Format {
  readonly name: (typeof FORMAT_NAMES)[number];
  /** What names of files in this format end in. */
  readonly extensions: readonly string[];
  /** It does not belong on a terminal. */
  readonly isBinary: boolean;
  readonly make: (output: ConvertOutput, setting: FormatSetting) => Converter;
}

/** How many bytes of what is binary are shown. */
const PREVIEW_BYTES = 32;

/** How much of a text fits on a terminal. */
const TERMINAL_CHARACTERS = 200;

export const TEXT_FORMAT: Format = {
  name: 'text',
  extensions: ['.txt', '.log'],
  isBinary: false,
  make: (output, { hasColor, isCut, isFull, times }) =>
    textConverter(output, {
      hasColor,
      times,
      maxCharacters: isCut ? TERMINAL_CHARACTERS : Infinity,
      maxBytes: isFull ? Infinity : PREVIEW_BYTES,
    }),
};

export const FORMATS: readonly Format[] = [
  TEXT_FORMAT,
  { name: 'ndjson', extensions: ['.ndjson', '.jsonl'], isBinary: false, make: ndjsonConverter },
  { name: 'har', extensions: ['.har'], isBinary: false, make: harConverter },
  { name: 'pcapng', extensions: ['.pcapng'], isBinary: true, make: pcapngConverter },
  { name: 'novnc', extensions: ['.js'], isBinary: false, make: novncConverter },
];
