import { styleText } from 'node:util';
import type { Io, TextOutput } from '../io.js';

/** What FORCE_COLOR says when it forces nothing. */
const NOT_FORCED: readonly (string | undefined)[] = [undefined, '', '0', 'false'];

/**
 * Whether to write colors: to a terminal that has some, or anywhere with FORCE_COLOR (force-color.org);
 * never with NO_COLOR (no-color.org).
 */
export function hasColor(output: TextOutput, env: Io['env']): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (!NOT_FORCED.includes(forced)) return true;
  return output.isTTY === true && forced !== '0' && forced !== 'false' && env['TERM'] !== 'dumb';
}

/** @returns `text` in a style, or as it is where there is no color */
export function styled(
  style: 'bold' | 'cyan' | 'dim' | 'red',
  text: string,
  isStyled: boolean,
): string {
  return isStyled ? styleText(style, text, { validateStream: false }) : text;
}
