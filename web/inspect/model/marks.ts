/** Where a text matches what is searched for. */

export interface Marked {
  readonly text: string;
  readonly isMatch: boolean;
}

export interface Sought {
  readonly text: string;
  readonly isPattern: boolean;
  readonly isCaseSensitive: boolean;
}

/** More are not marked. */
const MAX_MARKS = 500;

/** The text in pieces. */
export function marksIn(text: string, sought: Sought): Marked[] {
  const expression = expressionOf(sought);
  if (expression === null) return [{ text, isMatch: false }];
  const pieces: Marked[] = [];
  let end = 0;
  for (const match of text.matchAll(expression)) {
    if (match[0] === '') continue;
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), isMatch: false });
    pieces.push({ text: match[0], isMatch: true });
    end = match.index + match[0].length;
    if (pieces.length >= MAX_MARKS) break;
  }
  if (end < text.length || pieces.length === 0)
    pieces.push({ text: text.slice(end), isMatch: false });
  return pieces;
}

function expressionOf({ text, isPattern, isCaseSensitive }: Sought): RegExp | null {
  if (text === '') return null;
  try {
    const source = isPattern ? text : text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
    return new RegExp(source, isCaseSensitive ? 'g' : 'gi');
  } catch {
    return null;
  }
}
