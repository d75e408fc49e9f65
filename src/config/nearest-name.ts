import { distance } from 'fastest-levenshtein';

/** More edits than this are another word, not a slip. */
const MAX_EDITS = 3;

/**
 * The one of `names` that `given` is most likely meant to be, or null when none is near. Case,
 * hyphens and underscores are not looked at: `max-message` means `maxMessage`.
 */
export function nearestName(given: string, names: readonly string[]): string | null {
  const plain = plainName(given);
  let nearest: string | null = null;
  // A third of the word at most: `tcp` is not a slip for `echo`.
  let fewest = Math.min(MAX_EDITS, plain.length / 3) + 1;
  for (const name of names) {
    const edits = distance(plain, plainName(name));
    if (edits < fewest) {
      fewest = edits;
      nearest = name;
    }
  }
  return nearest;
}

/** A question for the end of a message, or nothing. */
export function didYouMean(given: string, names: readonly string[]): string {
  const name = nearestName(given, names);
  return name === null ? '' : `; did you mean ${name}?`;
}

function plainName(name: string): string {
  return name.replaceAll(/[-_]/g, '').toLowerCase();
}
