/** Names in /etc/hosts (hosts(5)): `ADDRESS NAME ALIAS...`, and comments that begin with `#`. */
import { isIP } from 'node:net';

const BLANKS = ' \t\r';
const ENDS = `${BLANKS}\n#`;

/**
 * Finds the addresses that the file has for a name, in the file's order. The text is searched, not
 * parsed: a file that blocks advertisements has 100,000 names, of which a proxy asks for one.
 *
 * @param hosts the text, in lower case
 * @param name in lower case, without a dot at its end
 */
export function addressesInHosts(hosts: string, name: string): string[] {
  const found = new Set<string>();
  for (let at = hosts.indexOf(name), next: number; at !== -1; at = hosts.indexOf(name, next)) {
    next = at + name.length;
    if (!isWord(hosts, at, next)) continue;
    const start = hosts.lastIndexOf('\n', at) + 1;
    const [before = ''] = hosts.slice(start, at).split('#', 1);
    // What a line says holds for each of its words: one look is enough, however often the name is in it.
    const end = hosts.indexOf('\n', at);
    next = end === -1 ? hosts.length : end;
    // Otherwise it is in a comment, or stands where the address should be.
    if (before.length < at - start) continue;
    const [address = ''] = before.trim().split(/\s/, 1);
    if (isIP(address) !== 0) found.add(address);
  }
  return [...found];
}

function isWord(text: string, start: number, end: number): boolean {
  const before = text[start - 1];
  const after = text[end] ?? '\n';
  return before !== undefined && BLANKS.includes(before) && ENDS.includes(after);
}
