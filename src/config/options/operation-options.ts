/** Rows of the option table: how a running server is watched. */
import { adminAddress, healthPath } from '../values/operation-values.js';
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
      '`/livez` and `/readyz` answer everybody who reaches the port, `allow` and `deny` or not: probes have no password. With `tlsCert` an address that others reach speaks HTTPS. `/metrics` asks for the password of `authFile` or `TWIST_AUTH` there, and for the certificate that `tlsClientAuth` requires; on a loopback address for nothing.',
  },
  health: {
    group: 'Operation',
    type: healthPath(),
    default: 'off',
    help: 'a path that says 200 or 503 to load balancers',
    docs:
      'For load balancers that know one port only, on every address of `listen`: 200 when clients may be sent here, else 503, as `/readyz` of `admin` says; what is wrong only that one tells. ' +
      'GET, HEAD and OPTIONS are answered, also by HTTP/1.0 without a host, and before `allow`, `deny`, `allowedHosts` and passwords. It is no session, and has no line in the log. A route cannot have the same path; ' +
      'a WebSocket handshake on it is for the mode that serves all other paths.',
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
