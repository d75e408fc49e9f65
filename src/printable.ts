/** Foreign text made safe to look at: the one place that says which characters are never shown as they are. */

/**
 * Control characters, line and paragraph separators, halves of surrogate pairs, and everything that takes
 * up no room: marks that change the direction of text, zero-width spaces, tags, fillers. The group finds
 * what joins several characters into one picture; in its place it can be seen, and stays.
 */
const UNPRINTABLE =
  /((?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])\u200d(?=\p{Extended_Pictographic})|(?<=\p{Extended_Pictographic})[\ufe0e\ufe0f]|(?<=[#*0-9])\ufe0f(?=\u20e3))|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Two units that belong together: the first joins, the second does, or they are a pair. */
const JOINS = /^(?:\u200d.|.(?:\u200d|\ufe0e|\ufe0f|\u20e3)|[\ud800-\udbff][\udc00-\udfff])$/s;

/** Most texts: all of them needs no second look. */
const PLAIN = /^[\x20-\x7e]*$/;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text on one line, in which nothing can move a terminal's cursor, turn text around or hide: such
 * characters are spelled out, as `\n`, `\u001b` or `\u{e0041}`.
 */
export function printable(text: string): string {
  return replaced(text, (character) => SHORT[character] ?? spelledOut(character));
}

/** How far behind its place a cut may be, in UTF-16 code units. */
const MAX_CUT_DELAY = 64;

/**
 * The same in pieces, of about so many characters of the text each, for a text that may be long: spelled out it is
 * six times as long at most.
 */
export function* printablePieces(text: string, pieceLength: number): Generator<string> {
  for (let start = 0; start < text.length;) {
    const end = cutNear(text, start + pieceLength);
    yield printable(text.slice(start, end));
    start = end;
  }
}

/** A place where what is on one side says nothing about the other; in a picture without an end, one that cuts it. */
function cutNear(text: string, from: number): number {
  for (let at = from; at < Math.min(text.length, from + MAX_CUT_DELAY); at++)
    if (!JOINS.test(text.slice(at - 1, at + 1))) return at;
  return Math.min(text.length, from + MAX_CUT_DELAY);
}

/**
 * The same for JSON on one line, which says the same afterwards: such characters stand in strings only,
 * where any may be written as an escape sequence.
 */
export function printableJson(json: string): string {
  return replaced(json, (character) =>
    // An escape sequence of JSON is one unit of UTF-16.
    Array.from({ length: character.length }, (_, at) => unit(character.charCodeAt(at))).join(''),
  );
}

function replaced(text: string, escape: (character: string) => string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(UNPRINTABLE, (character, joint?: string) => joint ?? escape(character));
}

function spelledOut(character: string): string {
  return character.length === 1
    ? unit(character.charCodeAt(0))
    : `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

function unit(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}
