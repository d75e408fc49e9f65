/** Beginnings of texts that are kept. */
import { Buffer } from 'node:buffer';
import { beginningOf } from '../recording/convert/text/one-line.js';

/**
 * The beginning of a text in memory of its own, where it is not all of it. V8 keeps a whole text for as long as there is a
 * piece of it: rows of one answer would hold all payloads that they show the beginnings of.
 */
export function ownBeginning(text: string, maxCharacters: number): string {
  const beginning = beginningOf(text, maxCharacters);
  // By units, since a text of others may have halves of pairs.
  return beginning === text ? text : Buffer.from(beginning, 'utf16le').toString('utf16le');
}
