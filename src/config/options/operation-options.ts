/** Rows of the option table: how a running server is watched. */
import { adminAddress } from '../values/operation-values.js';
import { duration, toggle } from '../values/values.js';
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
  once: {
    group: 'Operation',
    type: toggle(),
    default: 'false',
    isLibraryKey: false,
    help: 'serve one session, and stop when it has ended',
    docs: 'The exit status is 0. While that session is open, and after it, every other handshake gets 503. A handshake that was refused is no session, and neither are probes and requests for files.',
  },
  idleExit: {
    group: 'Operation',
    type: duration({ canBeOff: true }),
    default: 'off',
    isLibraryKey: false,
    help: 'time without a session after which the server stops',
    docs: 'The exit status is 0. The time counts from the start, and from the end of the last session; a handshake that is under way is waited for. For servers that something starts on demand.',
  },
} as const satisfies OptionTable;
