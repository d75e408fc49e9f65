/** Types of values that say who may connect. */
import { parseCidr } from '../../net/address-range.js';
import { type ValueType, textOrOff, withSchema } from './values.js';
import { EACH_ONCE, isOnly, parsed } from './list-values.js';

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
  return withSchema<readonly string[]>(
    {
      valueName: hasUnix ? 'CIDR|unix' : 'CIDR',
      clause,
      typeText: 'string | readonly string[]',
      isRepeatable: true,
      shortcut: (given) => (isOnly(given, empty) ? [] : undefined),
      fromText: (text) => text.split(','),
      toText: (value) => (value.length === 0 ? empty : value.join(',')),
      toJson: (value) => (value.length === 0 && empty === 'any' ? empty : value),
    },
    (z) => {
      const range = parsed(z, (text) => (isWord(text) ? text : parseCidr(text)), clause);
      const ranges = z.array(range, clause);
      // No ranges at all could be read as nobody where they mean anybody: that is said by its word.
      const filled = empty === 'any' ? ranges.min(1, clause) : ranges;
      const list = filled.superRefine((given, context) => {
        const seen = new Set<string>();
        for (const [index, one] of given.entries()) {
          const isRepeated = seen.has(one);
          seen.add(one);
          if (!isRepeated && !(isEmpty(one) && given.length > 1)) continue;
          const message = isRepeated ? EACH_ONCE : clause;
          context.addIssue({ code: 'custom', path: [index], message });
        }
      });
      return z
        .union([range.transform((one) => [one]), list], clause)
        .transform((given) => given.filter((one) => !isEmpty(one)));
    },
  );
}

/** `user:password` (RFC 7617 §2), or `off` (null). */
export function credentials(): ValueType<string | null> {
  return matchingOrOff(
    'USER:PASSWORD',
    'give user:password without control characters, or off',
    // eslint-disable-next-line no-control-regex
    /^(?:off|[^:\u0000-\u001f\u007f]+:[^\u0000-\u001f\u007f]*)$/,
  );
}

/** A text that must not be shown, or `off` (null). */
export function secretText(valueName: string): ValueType<string | null> {
  return textOrOff(valueName, 'give a text of at least one character, or off');
}

/** A token that stands in a URL as it is and that nobody guesses, or `off` (null). */
export function urlToken(): ValueType<string | null> {
  return matchingOrOff(
    'TOKEN',
    'give 16 to 256 letters, digits or characters of -._~, or off',
    /^(?:off|[A-Za-z0-9._~-]{16,256})$/,
  );
}

/** @param pattern of what may be given, `off` included */
function matchingOrOff(
  valueName: string,
  clause: string,
  pattern: RegExp,
): ValueType<string | null> {
  return withSchema<string | null>(
    {
      valueName,
      clause,
      typeText: 'string',
      isRepeatable: false,
      shortcut: (given) => (given === 'off' ? null : undefined),
      fromText: (text) => text,
      toText: (value) => value ?? 'off',
      toJson: (value) => value ?? 'off',
    },
    (z) =>
      z
        .string(clause)
        .regex(pattern, clause)
        .transform((text) => (text === 'off' ? null : text)),
  );
}
