/** What a header of a refused request said, for the log. */

const MAX_CHARACTERS = 200;

/** @returns a value of a header in visible ASCII, each other byte as `\xe4`, and the rest of a long one left out */
export function loggable(value: string): string {
  let text = '';
  for (let index = 0; index < Math.min(value.length, MAX_CHARACTERS); index += 1) {
    const code = value.charCodeAt(index);
    const isPlain = code >= 0x20 && code < 0x7f;
    text += isPlain ? value.charAt(index) : `\\x${code.toString(16).padStart(2, '0')}`;
  }
  return value.length > MAX_CHARACTERS ? `${text}...` : text;
}
