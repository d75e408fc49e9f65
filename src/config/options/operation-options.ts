/** Rows of the option table: how a running server is watched. */
import { adminAddress } from '../values/operation-values.js';
import type { OptionTable } from './option.js';

export const OPERATION_OPTIONS = {
  admin: {
    group: 'Operation',
    type: adminAddress(),
    default: 'off',
    help: 'where to answer /livez, /readyz and /metrics',
    docs:
      'An HTTP endpoint of its own, for probes and for Prometheus: see docs/operations.md. A bare port listens on 127.0.0.1, `:PORT` on every address; port 0 takes a free one, which the log names. ' +
      '`/livez` and `/readyz` answer everybody who reaches the port, `allow` and `deny` or not: probes have no password. `/metrics` asks for the password of `authFile` or `TWIST_AUTH`, unless the address is a loopback one.',
  },
} as const satisfies OptionTable;
