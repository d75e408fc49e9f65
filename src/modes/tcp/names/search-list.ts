/** The names that DNS is asked for in place of one: the `search` list and `ndots` of resolv.conf(5). */

/** The largest value of `ndots` that counts. */
const MAX_DOTS = 15;

/**
 * Lists the names to ask for, one after the other until one is known, as the C library does: a name
 * with a dot at its end is asked for as it is and nothing else; a name with fewer dots than `ndots` is
 * asked for in the domains of the list first.
 *
 * @param resolvConf the text of /etc/resolv.conf
 * @returns names without a dot at their end
 */
export function namesToAsk(name: string, resolvConf: string): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  let domains: string[] = [];
  let dotsNeeded = 1;
  for (const line of resolvConf.split('\n')) {
    // A comment has its sign in the first column, so it never begins with one of these words.
    const [word, ...values] = line.trim().split(/\s+/);
    // The last line of each keyword counts.
    if (word === 'search') domains = values;
    else if (word === 'domain') domains = values.slice(0, 1);
    else if (word === 'options') dotsNeeded = ndotsOf(values) ?? dotsNeeded;
  }
  const inDomains = domains
    .map((domain) => domain.replace(/\.$/, ''))
    .filter((domain) => domain !== '')
    .map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= dotsNeeded ? [name, ...inDomains] : [...inDomains, name];
}

function ndotsOf(options: readonly string[]): number | undefined {
  const text = options.findLast((option) => /^ndots:\d+$/.test(option));
  return text === undefined ? undefined : Math.min(Number(text.slice('ndots:'.length)), MAX_DOTS);
}
