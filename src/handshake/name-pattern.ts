/** Patterns of names, in the lists of origins and of hosts. */

const ANY_LABELS = '*.';

/**
 * Whether a name is the one meant: itself, or with `*.` in front any name below the rest, by whole labels:
 * `*.example.com` is `a.example.com` and `a.b.example.com`, and neither `example.com` nor `badexample.com`.
 *
 * @param pattern in lower case, as the name
 */
export function matchesName(pattern: string, name: string): boolean {
  if (!pattern.startsWith(ANY_LABELS)) return name === pattern;
  const parent = pattern.slice(ANY_LABELS.length - 1);
  return name.endsWith(parent) && name.length > parent.length;
}
