/** What a client would rather have (RFC 9110 §12.5.1). */
import { splitList } from '../extensions/header.js';

/** How much a client wants a media type: from 0, not at all, to 1. */
const HTML_RANGES = ['text/html', 'application/xhtml+xml'];
const JSON_RANGES = ['application/json', 'application/*', '*/*'];

/**
 * Whether a client would rather have a page than JSON. It has to name HTML itself: the range of all types, which
 * programs that are no browser send, does not count for it.
 *
 * @param values of all Accept headers; what is malformed in them counts for nothing
 */
export function prefersHtml(values: readonly string[]): boolean {
  const weights = new Map<string, number>();
  for (const element of splitList(values)) {
    const [range = '', ...parameters] = element.split(';').map((part) => part.trim().toLowerCase());
    weights.set(range, weightOf(parameters));
  }
  const html = Math.max(...HTML_RANGES.map((range) => weights.get(range) ?? 0));
  const json = JSON_RANGES.map((range) => weights.get(range)).find(
    (weight) => weight !== undefined,
  );
  return html > 0 && html >= (json ?? 0);
}

/** `q=0.8`; 1 without one (RFC 9110 §12.4.2). */
function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  if (weight === undefined) return 1;
  const number = Number(weight.slice(2));
  return number >= 0 && number <= 1 ? number : 0;
}
