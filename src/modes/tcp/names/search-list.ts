/** What a name is asked of DNS as: the `search` list and `ndots` of resolv.conf(5). */

/** The most that `ndots` counts for. */
const MAX_DOTS = 15;

/**
 * The names to ask for, one after the other until one is known. As the C library does it: a name with
 * a dot at its end as it is and no other; one with fewer dots than `ndots` in the domains of the list
 * first.
 *
 * @param resolvConf the text of /etc/resolv.conf
 * @returns without dots at their ends
 */
export function namesToAsk(name: string, resolvConf: string): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  let domains: string[] = [];
  let dotsNeeded = 1;
  for (const line of resolvConf.split('\n')) {
    // A comment has its sign in the first column, and no word of ours.
    const [word, ...values] = line.trim().split(/\s+/);
    // The last line of either holds.
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
