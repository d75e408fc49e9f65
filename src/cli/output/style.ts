import { styleText } from 'node:util';
import type { Io, TextOutput } from '../io.js';

/** Whether colour may be written: to a terminal that has some, and not against NO_COLOR (no-color.org). */
export function hasColor(output: TextOutput, env: Io['env']): boolean {
  return output.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** @returns `text` in a style, or as it is where there is no colour */
export function styled(
  style: 'bold' | 'cyan' | 'dim' | 'red',
  text: string,
  isStyled: boolean,
): string {
  return isStyled ? styleText(style, text, { validateStream: false }) : text;
}
