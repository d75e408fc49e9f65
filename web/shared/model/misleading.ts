/** Characters that make a text look like another one, or hide in it: the same as `src/printable.ts` finds, which a test holds. */

/** The group finds what joins several characters into one picture; in its place it can be seen, and stays. */
const MISLEADING =
  /((?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})|(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]|(?<=[#*0-9])\ufe0f(?=\u20e3))|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Such characters are spelled out, as `\u202e`: a row must not look like another one. */
export function spelledOut(text: string): string {
  return text.replace(
    MISLEADING,
    (character, joint?: string) => joint ?? escapeOf(character.codePointAt(0)!),
  );
}

/** The same; lines end where they do, and are indented by tabs. */
export function linesSpelledOut(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .split(/([\n\t])/)
    .map((piece) => (piece === '\n' || piece === '\t' ? piece : spelledOut(piece)))
    .join('');
}

function escapeOf(code: number): string {
  const digits = code.toString(16);
  return code > 0xffff ? `\\u{${digits}}` : `\\u${digits.padStart(4, '0')}`;
}
