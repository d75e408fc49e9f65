/** Types of values that say how a running server is watched. */
import { formatListenAddress, parseListenAddress } from '../../net/socket-address.js';
import { parsed } from './list-values.js';
import { isRoutePath } from './route-text.js';
import { type ValueType, withSchema } from './values.js';

const OFF = 'off';

/** Where the admin endpoint listens; `host` null means every address. */
export interface AdminAddress {
  readonly host: string | null;
  readonly port: number;
}

/** `PORT` (loopback), `:PORT` (every address), `HOST:PORT` or `[IPV6]:PORT`, or `off` (null). */
export function adminAddress(): ValueType<AdminAddress | null> {
  const clause =
    'give PORT, HOST:PORT, [IPV6]:PORT or :PORT (every address), with a port from 0 to 65535, or off';
  return withSchema<AdminAddress | null>(
    {
      valueName: '[HOST:]PORT',
      clause,
      typeText: 'number | string',
      isRepeatable: false,
      shortcut: (given) => (given === OFF ? null : undefined),
      fromNumber: String,
      fromText: (text) => text,
      toText: (value) => (value === null ? OFF : formatListenAddress({ kind: 'tcp', ...value })),
      toJson: (value) => (value === null ? OFF : formatListenAddress({ kind: 'tcp', ...value })),
    },
    (z) => {
      const off = z.literal(OFF, clause).transform(() => null);
      return z.union([off, parsed(z, parseAdminAddress, clause)], clause);
    },
  );
}

function parseAdminAddress(text: string): AdminAddress | null {
  const address = text.includes('://') ? null : parseListenAddress(text);
  return address?.kind === 'tcp' ? { host: address.host, port: address.port } : null;
}

/** A path as a request has it, or `off` (null). */
export function healthPath(): ValueType<string | null> {
  const clause = 'give a path such as /healthz, without a query, or off';
  return withSchema<string | null>(
    {
      valueName: 'PATH',
      clause,
      typeText: 'string',
      isRepeatable: false,
      shortcut: (given) => (given === OFF ? null : undefined),
      fromText: (text) => text,
      toText: (value) => value ?? OFF,
      toJson: (value) => value ?? OFF,
    },
    (z) => {
      const off = z.literal(OFF, clause).transform(() => null);
      const path = z.string(clause).refine(isRoutePath, clause);
      return z.union([off, path], clause);
    },
  );
}
