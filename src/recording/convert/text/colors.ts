/** Colors on a terminal, as numbers of its escape sequences (ECMA-48 SGR). */

export const BOLD = 1;
export const DIM = 2;
/** Reserved for failures. */
export const RED = 31;

/** Sessions get one of these, by their name. */
export const SESSION_COLORS = [32, 33, 34, 35, 36, 92, 93, 94, 95, 96] as const;

export function inColor(color: number, text: string, hasColor: boolean): string {
  return hasColor ? `\u001b[${color}m${text}\u001b[0m` : text;
}
