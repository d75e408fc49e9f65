/**
 * Secrets in words that are made elsewhere: messages of errors, what a mode notes. URLs in them lose their
 * users, passwords and parameters. Their paths stay, because they may be those of a stack.
 */
import { ALPHANUMERICS, byteTable, consistsOf } from '../../net/byte-table.js';
import { STRICT_REDACTION, hidden, indexOfAny, mapPieces, publicAuthority } from './redaction.js';

/** What stands around a word. */
const DELIMITERS = ' \t\r\n"\'`<>';

const SCHEME_BYTES = byteTable(`${ALPHANUMERICS}+-.`);
const LOWERCASE = byteTable('abcdefghijklmnopqrstuvwxyz.,:;');

/** Schemes of an Authorization header; what follows is the credential. */
const AUTHORIZATION_SCHEMES: ReadonlySet<string> = new Set(['bearer', 'basic']);

/** Of URLs that only name files of the program nothing is hidden. */
const OWN_SCHEMES: ReadonlySet<string> = new Set(['file', 'node']);

const JWT_START = 'eyJ';
const MIN_JWT_LENGTH = 20;

/** What is nested deeper is as it is: nobody writes it. */
const MAX_DEPTH = 6;

export function textWithoutSecrets(text: string): string {
  let isCredential = false;
  return mapPieces(text, DELIMITERS, (word) => {
    if (word === '') return word;
    const isHidden = isCredential && !consistsOf(word, LOWERCASE);
    isCredential = AUTHORIZATION_SCHEMES.has(word.toLowerCase());
    return isHidden ? hidden(word) : publicWord(word);
  });
}

/** A plain value, whatever its texts stand in. Objects with a class of their own are as they are. */
export function valueWithoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return textWithoutSecrets(value);
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((one) => valueWithoutSecrets(one, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, valueWithoutSecrets(one, depth + 1)]),
  );
}

function publicWord(word: string): string {
  if (word.startsWith(JWT_START) && word.length >= MIN_JWT_LENGTH) return hidden(word);
  const schemeEnd = word.indexOf('://');
  if (schemeEnd <= 0) return withoutQuery(word);
  let start = schemeEnd;
  while (SCHEME_BYTES[word.charCodeAt(start - 1)] === 1) start--;
  if (OWN_SCHEMES.has(word.slice(start, schemeEnd))) return word;
  const authorityStart = schemeEnd + 3;
  const authorityEnd = indexOfAny(word, '/\\?#', authorityStart);
  const authority = word.slice(authorityStart, authorityEnd);
  return (
    withoutQuery(word.slice(0, start)) +
    word.slice(start, authorityStart) +
    // Without a user, a comma or a bracket may follow it, as with any word.
    (authority.includes('@') ? publicAuthority(authority) : authority) +
    withoutQuery(word.slice(authorityEnd))
  );
}

/** A path, or a word. Hides what follows a question mark, unless that only ends a sentence. */
function withoutQuery(word: string): string {
  const path = word.slice(0, indexOfAny(word, '?;#', 0));
  const rest = word.slice(path.length);
  if (rest.length < 2 || !(word.includes('=') || word.includes('/'))) return word;
  return path + rest.charAt(0) + STRICT_REDACTION.query(rest.slice(1));
}
