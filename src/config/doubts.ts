/** What is allowed and yet seldom meant: the operator is told so at start. */
import { optionName } from './options/option-name.js';
import type { ProvidedServerSettings } from './settings.js';

/** The sentences, without an end. */
export function doubtsAbout(
  values: Pick<ProvidedServerSettings, 'deflate' | 'deflateClientWindowBits'>,
): string[] {
  const { deflate, deflateClientWindowBits } = values;
  if (deflateClientWindowBits.value !== 8 || deflate.value === false) return [];
  const name = optionName('deflateClientWindowBits', deflateClientWindowBits);
  return [
    `${name} is 8: clients that offer client_max_window_bits and whose zlib has no such window, ` +
      "Python's websockets for one, do not connect; 9 suits them",
  ];
}
