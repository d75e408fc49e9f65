/** Characters that make a text look like another one, or hide in it. */

/** What turns text around, ends a line, moves something where it is pasted, or takes up no room and joins nothing. */
const MISLEADING = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\u200b\u2060\ufeff]/gu;

/** The same of a text of several lines. */
const MISLEADING_IN_LINES = /[^\P{Cc}\n\t]|[\p{Zl}\p{Zp}\p{Bidi_Control}\u200b\u2060\ufeff]/gu;

/** Such characters are spelled out, as `\u202e`: a row must not look like another one. */
export function spelledOut(text: string): string {
  return text.replace(MISLEADING, escapeOf);
}

/** The same; lines end where they do, and are indented by tabs. */
export function linesSpelledOut(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(MISLEADING_IN_LINES, escapeOf);
}

function escapeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
