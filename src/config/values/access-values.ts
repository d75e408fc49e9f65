/** Types of values that say who may connect. */
import * as z from 'zod';
import { parseCidr } from '../../net/address-range.js';
import { type ValueType, textOrOff } from './values.js';
import { EACH_ONCE, parsed } from './list-values.js';

/**
 * Ranges of addresses, each with its prefix length; the flag is repeated, elsewhere they are separated
 * by commas.
 * @param empty stands for a list without ranges: `any` where that means no restriction, else `none`
 * @param hasUnix whether `unix` may stand among them for whoever connects by a Unix socket
 */
export function addressRanges(
  empty: 'any' | 'none',
  hasUnix = false,
): ValueType<readonly string[]> {
  const clause = `give an address or a range of addresses such as 10.0.0.0/8 or ::1, ${hasUnix ? 'unix, ' : ''}or ${empty}`;
  const isEmpty = (text: string): boolean => text === empty;
  const isWord = (text: string): boolean => isEmpty(text) || (hasUnix && text === 'unix');
  const range = parsed((text) => (isWord(text) ? text : parseCidr(text)), clause);
  const ranges = z.array(range, clause);
  // No ranges at all could be read as nobody where they mean anybody: that is said by its word.
  const list = (empty === 'any' ? ranges.min(1, clause) : ranges).superRefine((given, context) => {
    for (const [index, one] of given.entries()) {
      const isRepeated = given.indexOf(one) < index;
      if (!isRepeated && !(isEmpty(one) && given.length > 1)) continue;
      const message = isRepeated ? EACH_ONCE : clause;
      context.addIssue({ code: 'custom', path: [index], message });
    }
  });
  return {
    valueName: hasUnix ? 'CIDR|unix' : 'CIDR',
    clause,
    schema: z
      .union([range.transform((one) => [one]), list], clause)
      .transform((given) => given.filter((one) => !isEmpty(one))),
    typeText: 'string | readonly string[]',
    isRepeatable: true,
    fromText: (text) => text.split(','),
    toText: (value) => (value.length === 0 ? empty : value.join(',')),
    toJson: (value) => (value.length === 0 && empty === 'any' ? empty : value),
  };
}

/** `user:password` (RFC 7617 §2), or `off` (null). */
export function credentials(): ValueType<string | null> {
  const clause = 'give user:password without control characters, or off';
  return {
    valueName: 'USER:PASSWORD',
    clause,
    schema: z
      .string(clause)
      // eslint-disable-next-line no-control-regex
      .regex(/^(?:off|[^:\u0000-\u001f\u007f]+:[^\u0000-\u001f\u007f]*)$/, clause)
      .transform((text) => (text === 'off' ? null : text)),
    typeText: 'string',
    isRepeatable: false,
    fromText: (text) => text,
    toText: (value) => value ?? 'off',
    toJson: (value) => value ?? 'off',
  };
}

/** A text that must not be shown, or `off` (null). */
export function secretText(valueName: string): ValueType<string | null> {
  return textOrOff(valueName, 'give a text of at least one character, or off');
}
