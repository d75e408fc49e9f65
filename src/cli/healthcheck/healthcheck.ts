/** `twist healthcheck`: asks a server on this machine whether clients may be sent to it. */
import { once } from 'node:events';
import { request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect } from 'node:net';
import type { Settings } from '../../config/settings.js';
import { systemReason } from '../../system-reason.js';
import { isLoopbackHost } from '../../net/address-range.js';
import { formatHostAndPort, formatListenAddress } from '../../net/socket-address.js';

/** Where a server answers, as far as its settings say. */
type Asked = Pick<
  Settings,
  'admin' | 'health' | 'listen' | 'tlsCert' | 'tlsClientCa' | 'tlsClientAuth'
>;

/** What came of it. */
export interface Verdict {
  readonly isReady: boolean;
  /** One line or more, without the last line break. */
  readonly text: string;
}

/** Where to ask. */
interface Place {
  /** For people: `127.0.0.1:9090/readyz`. */
  readonly text: string;
  /** Null where nothing can be asked: then it is enough that the server takes a connection. */
  readonly path: string | null;
  readonly isSecure: boolean;
  readonly address:
    { readonly host: string; readonly port: number } | { readonly socketPath: string };
}

/** A server that answers so late is not well. */
const ANSWER_MS = 5000;
/** Its answer is a few lines. */
const MAX_ANSWER_BYTES = 4096;

/** A port that the system has chosen is known to the log only. */
const NO_PLACE =
  'nothing can be asked: give the options of the server; they need a fixed port in --admin, or a fixed port or a socket in --listen';

/** Some are neither ready nor without a pulse: no news is not bad news. */
const ONLY_CONNECTED = 'takes connections; whether it is ready is told by --admin, or by --health';

/**
 * Asks the admin endpoint, or the path of `health` on the first address that the server listens on. Where there is neither,
 * and where that address is for clients with certificates only, it has to take a connection.
 *
 * @param timeoutMs how long the answer may take
 */
export async function checkHealth(settings: Asked, timeoutMs = ANSWER_MS): Promise<Verdict> {
  const place = placeOf(settings);
  if (place === null) return { isReady: false, text: NO_PLACE };
  const { path } = place;
  try {
    if (path === null) {
      await reach(place, timeoutMs);
      return { isReady: true, text: `${place.text} ${ONLY_CONNECTED}` };
    }
    const { status, body } = await ask({ ...place, path }, timeoutMs);
    const text = body.trim();
    if (status === 200 || status === 503) return { isReady: status === 200, text };
    return { isReady: false, text: `${place.text} answers with status ${status}: ${text}` };
  } catch (error) {
    const reason = systemReason(error, { ECONNREFUSED: 'nothing listens there' });
    return { isReady: false, text: `${place.text} does not answer: ${reason}` };
  }
}

function placeOf({ admin, health, listen, ...tls }: Asked): Place | null {
  const { tlsCert, tlsClientCa, tlsClientAuth } = tls;
  const hasTls = tlsCert.length > 0;
  if (admin !== null && admin.port !== 0)
    return placeAt(admin.host, admin.port, '/readyz', hasTls && !isLoopbackHost(admin.host));
  const path = health;
  for (const address of listen) {
    if (address.kind === 'unix') {
      const text = formatListenAddress(address) + (path === null ? '' : `, path ${path},`);
      return { text, path, isSecure: false, address: { socketPath: address.path } };
    }
    // The ports of systemd are not known here.
    if (address.kind === 'systemd' || address.port === 0) continue;
    const isSecure = hasTls && address.tls !== false;
    const isClosed = isSecure && tlsClientCa !== null && tlsClientAuth === 'require';
    return placeAt(address.host, address.port, isClosed ? null : path, isSecure);
  }
  return null;
}

function placeAt(host: string | null, port: number, path: string | null, isSecure: boolean): Place {
  const reached = reachable(host);
  const text = `${formatHostAndPort(reached, port)}${path ?? ''}`;
  return { text, path, isSecure, address: { host: reached, port } };
}

/** Connects and leaves. The server takes one that says nothing for a probe, and logs nothing. */
async function reach({ address }: Place, timeoutMs: number): Promise<void> {
  const socket = connect('socketPath' in address ? { path: address.socketPath } : address);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(timeoutMs) });
  } finally {
    socket.destroy();
  }
}

/** An address that stands for all of this machine's is reached by its loopback one. */
function reachable(host: string | null): string {
  if (host === null || host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function ask(
  { path, isSecure, address }: Place & { readonly path: string },
  timeoutMs: number,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asking = (isSecure ? secureRequest : request)(
      // The name is that of this machine, whatever the server is called elsewhere.
      // Its certificate is for other names, and nothing is told it that others must not hear.
      { ...address, path, headers: { Host: 'localhost' }, agent: false, rejectUnauthorized: false },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          body = (body + text).slice(0, MAX_ANSWER_BYTES);
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode!, body });
        });
      },
    );
    const timer = setTimeout(() => {
      asking.destroy(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    asking.on('error', reject);
    asking.on('close', () => {
      clearTimeout(timer);
    });
    asking.end();
  });
}
