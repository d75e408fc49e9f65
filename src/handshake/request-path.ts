/**
 * Which paths are the same: the one place that says so, for routes, for files and for recordings.
 *
 * Slashes that repeat count as one, because a proxy whose location and target both end in one doubles them.
 * Nothing else is changed: dots stay, and so do escapes, which are compared byte by byte.
 */
import { HEX_DIGITS, byteTable } from '../net/byte-table.js';

const HEX_BYTES = byteTable(HEX_DIGITS);

/** The path with single slashes only; `/` for the empty one. */
export function normalPath(path: string): string {
  if (path === '') return '/';
  if (!path.includes('//')) return path;
  const names = path.split('/');
  return names
    .filter((name, index) => name !== '' || index === 0 || index === names.length - 1)
    .join('/');
}

/** What a path is compared with routes by: a slash at its end does not count. */
export function routePath(path: string): string {
  const normal = normalPath(path);
  return normal.length > 1 && normal.endsWith('/') ? normal.slice(0, -1) : normal;
}

/** Whether a `%` begins no escape (RFC 3986 §2.1): two readers may then disagree about what is meant. */
export function hasStrayPercent(path: string): boolean {
  for (let at = path.indexOf('%'); at !== -1; at = path.indexOf('%', at + 1)) {
    if (HEX_BYTES[path.charCodeAt(at + 1)] !== 1 || HEX_BYTES[path.charCodeAt(at + 2)] !== 1)
      return true;
  }
  return false;
}
