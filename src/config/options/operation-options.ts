/** Rows of the option table: how a running server is watched, and how it works. */
import { adminAddress, healthPath } from '../values/operation-values.js';
import { duration, toggle } from '../values/values.js';
import type { OptionTable } from './option.js';

export const OPERATION_OPTIONS = {
  admin: {
    group: 'Operation',
    type: adminAddress(),
    default: 'off',
    help: 'address of /livez, /readyz and /metrics',
    docs:
      'A separate HTTP endpoint for probes and Prometheus: see docs/operations.md. A bare port listens on 127.0.0.1, `:PORT` on every address; port 0 takes a free one, which the log names. ' +
      '`/livez` and `/readyz` answer everybody who reaches the port, `allow` and `deny` or not: probes have no password. With `tlsCert` any address but a loopback one speaks HTTPS. There `/metrics` asks for the password of `authFile` or `TWIST_AUTH` and for the certificate that `tlsClientAuth` requires; on a loopback address it asks for neither.',
  },
  health: {
    group: 'Operation',
    type: healthPath(),
    default: 'off',
    help: 'path that answers load balancers with 200 or 503',
    docs:
      'For load balancers that know one port only, on every address of `listen`: 200 when clients may be sent here, else 503, like `/readyz` of `admin`, but without the reason. ' +
      'GET, HEAD and OPTIONS are answered, also by HTTP/1.0 without a host, and before `allow`, `deny`, `allowedHosts` and passwords. Such a request is not a session, and has no line in the log. A route cannot have the same path; ' +
      'a WebSocket handshake on it goes to the mode that serves all other paths.',
  },
  once: {
    group: 'Operation',
    type: toggle(),
    default: 'false',
    isLibraryKey: false,
    help: 'serve one session, and stop when it has ended',
    docs: 'The exit status is 0. While that session is open, and after it, every other handshake gets 503. Refused handshakes, probes and requests for files are not sessions.',
  },
  idleExit: {
    group: 'Operation',
    type: duration({ canBeOff: true }),
    default: 'off',
    isLibraryKey: false,
    help: 'time without a session after which the server stops',
    docs: 'The exit status is 0. The time counts from the start, and from the end of the last session; a handshake under way is not cut off. Use it for servers that something starts on demand.',
  },
  wasm: {
    group: 'Operation',
    type: toggle(),
    default: 'true',
    help: 'use WebAssembly where it is faster',
    docs:
      'Messages are unmasked, and echoed where nothing else is to be done with them, 16 bytes at a time. It changes nothing but the speed, and is not used where it does not work; ' +
      'switch it off to find out whether something is its fault. docs/performance.md has what it gains.',
  },
} as const satisfies OptionTable;
