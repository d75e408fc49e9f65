/** What the columns, signs and colors of a recording as text mean, for whoever reads along. */
import { BOLD, DIM, RED, SESSION_COLORS, inColor } from './colors.js';
import type { TextTimes } from './text.js';

/** As wide as the times are. */
const TIMES: Readonly<Record<TextTimes, string>> = {
  clock: 'time in UTC    ',
  relative: 's since first  ',
  delta: 's since message',
};

/** @returns a few lines, the first with a name above each column */
export function legendText(hasColor: boolean, times: TextTimes): string {
  const bold = (text: string): string => inColor(BOLD, text, hasColor);
  const dim = (text: string): string => inColor(DIM, text, hasColor);
  const someone = inColor(SESSION_COLORS[0], 'sess', hasColor);
  const red = inColor(RED, 'red', hasColor);
  const colors = hasColor
    ? `, in a color of its own   ${red} a failure, a broken rule, or records that are missing`
    : '';
  const lines = [
    `${dim(TIMES[times])} ${someone}   kind       bytes  payload`,
    `${bold('→')} from a client   ${bold('←')} to it   text… …text… …text  pieces of one message   0a2b |.+|  binary, in hex and as ASCII`,
    `${bold('•')} a session opens or is over, or its target   ${bold('────')} a new day or file   ${dim('… (+9 bytes)')} not shown`,
    `${someone} the end of the session's id${colors}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}
