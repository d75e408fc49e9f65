/**
 * The admin endpoint: an HTTP server of its own, for probes and for Prometheus.
 *
 * Probes have no password and no certificate, so `/livez` and `/readyz` answer everybody who reaches the port.
 * `/metrics` asks for what the server itself asks for, unless only this machine reaches it. Nothing here is
 * for web pages: CORS allows none to read it, and a request for a foreign host name gets 421.
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type TlsOptions, Server as TlsServer } from 'node:tls';
import { ConfigError, HandshakeError } from '../errors.js';
import { errorForLog } from '../foreign.js';
import { checkHost } from '../handshake/host.js';
import { CHALLENGE } from '../handshake/response.js';
import type { RequestHead } from '../handshake/request-head.js';
import type { Applicant } from '../server/auth/authenticator.js';
import type { Log } from '../log.js';
import { LOOPBACK_ADDRESSES, isLoopbackHost } from '../net/address-range.js';
import { formatHostAndPort } from '../net/socket-address.js';
import { systemReason } from '../system-reason.js';
import { formatFor } from './accept.js';
import type { AdminSource, MetricsFormat } from './admin-source.js';

export interface AdminServerOptions {
  /** Where it listens; `host` null means every address. */
  readonly address: { readonly host: string | null; readonly port: number };
  readonly source: AdminSource;
  /**
   * Checks who asks for metrics from elsewhere than this machine; null to let in everybody.
   *
   * @throws HandshakeError, or rejects with one, when the request is refused
   */
  readonly authorize:
    ((request: RequestHead, applicant: Applicant) => string | PromiseLike<string>) | null;
  /** Serves TLS on addresses that others reach; null for none. */
  readonly tls?: AdminTls | null;
  readonly log: Log;
}

/** The certificates of the server, as the endpoint needs them. */
export interface AdminTls {
  serverOptions(): TlsOptions;
  /** Calls `listener` whenever they are replaced. */
  onReplace(listener: (options: TlsOptions) => void): void;
}

/** A request and its answer are a few hundred bytes, and a scraper is one hop away. */
const REQUEST_MS = 5000;
/** How long a client may read nothing of its response. */
const STALL_MS = 10_000;
const MAX_HEAD_BYTES = 8 * 1024;
/** Most connections: one more replaces the oldest. Each serves one request. */
const MAX_CONNECTIONS = 128;
/** How long responses under way may take during a stop. */
const CLOSE_MS = 500;

const HTTP_OPTIONS = {
  maxHeaderSize: MAX_HEAD_BYTES,
  headersTimeout: REQUEST_MS,
  requestTimeout: REQUEST_MS,
  connectionsCheckingInterval: REQUEST_MS / 5,
} as const;

const PATHS: readonly string[] = ['/livez', '/readyz', '/metrics'];
const NOT_FOUND = 'there are /livez, /readyz and /metrics here, and nothing else\n';
const METHODS: readonly (string | undefined)[] = ['GET', 'HEAD'];
const ALLOW = { Allow: 'GET, HEAD' };

const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** What is answered. */
interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server;
  /** Oldest first. */
  readonly #sockets = new Set<Socket>();
  /** Scrapes that come together share one rendering. */
  readonly #rendering = new Map<MetricsFormat, Promise<string>>();
  #url = '';
  #isLoopback = false;
  /** Whether metrics need a good client certificate. */
  #needsCertificate = false;
  #closed: Promise<void> | null = null;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = this.#createServer();
    this.#server.timeout = STALL_MS;
    this.#server.maxRequestsPerSocket = 1;
    this.#server.on('connection', this.#takeIn);
  }

  #createServer(): Server {
    const { address, tls = null } = this.#options;
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      void this.#serve(request, response);
    };
    if (tls === null || isLoopbackHost(address.host)) return createServer(HTTP_OPTIONS, serve);
    const options = this.#forProbes(tls.serverOptions());
    const server = createSecureServer(
      { ...HTTP_OPTIONS, ...options, handshakeTimeout: REQUEST_MS },
      serve,
    );
    tls.onReplace((replaced) => {
      server.setSecureContext(this.#forProbes(replaced));
    });
    return server;
  }

  /** Probes have no certificate, so TLS itself requires none: the response to /metrics does. */
  #forProbes(options: TlsOptions): TlsOptions {
    this.#needsCertificate = options.rejectUnauthorized === true;
    return { ...options, ALPNProtocols: ['http/1.1'], rejectUnauthorized: false };
  }

  /** Where it listens, with the port that it really got: `http://127.0.0.1:9090`; empty before it does. */
  get url(): string {
    return this.#url;
  }

  /** @throws ConfigError as a rejection, with one sentence, when it cannot listen */
  async start(): Promise<void> {
    const { host, port } = this.#options.address;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error) => {
        const where = host === null ? `port ${port}` : formatHostAndPort(host, port);
        const sentence = `cannot listen on ${where} for the admin endpoint: ${systemReason(error)}`;
        reject(new ConfigError(sentence, { cause: error }));
      });
      this.#server.listen({ port, ...(host === null ? {} : { host }) }, resolve);
    });
    const { log } = this.#options;
    this.#server.removeAllListeners('error').on('error', (error) => {
      log.error({ err: errorForLog(error) }, 'admin endpoint failed');
    });
    const bound = this.#server.address() as AddressInfo;
    this.#isLoopback = LOOPBACK_ADDRESSES.has(bound.address);
    this.#url = `${this.#server instanceof TlsServer ? 'https' : 'http'}://${formatHostAndPort(bound.address, bound.port)}`;
    log.info({ address: this.#url }, 'admin endpoint');
  }

  /** Stops taking requests; those under way get a moment. A second call waits for the same end. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    if (!this.#server.listening) return;
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, CLOSE_MS);
    await new Promise<unknown>((resolve) => {
      this.#server.close(resolve);
      this.#server.closeIdleConnections();
    });
    clearTimeout(timer);
  }

  readonly #takeIn = (socket: Socket): void => {
    const [oldest] = this.#sockets;
    if (oldest !== undefined && this.#sockets.size >= MAX_CONNECTIONS) oldest.destroy();
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
    });
  };

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#answerTo(request);
    } catch (error) {
      answer = this.#refusal(error);
    }
    const { status, body, headers = {} } = answer;
    response.writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Resource-Policy': 'same-origin',
      Connection: 'close',
      ...headers,
    });
    response.end(body);
  }

  /** @throws HandshakeError, as a rejection, when the request is refused; whatever the source fails with */
  async #answerTo(request: IncomingMessage): Promise<Answer> {
    const { source } = this.#options;
    checkHost('auto', request.headers.host ?? '', this.#isLoopback ? 'loopback' : 'network');
    const [path = ''] = request.url!.split('?', 1);
    if (!PATHS.includes(path)) return { status: 404, body: NOT_FOUND };
    if (!METHODS.includes(request.method))
      return { status: 405, body: 'the method must be GET or HEAD\n', headers: ALLOW };
    if (path === '/livez') return liveness(await source.isAlive());
    if (path === '/readyz') return readiness(await source.problems());
    return await this.#metrics(request);
  }

  /** @throws as {@link AdminServer.#answerTo} */
  async #metrics(request: IncomingMessage): Promise<Answer> {
    const { authorized } = request.socket as { readonly authorized?: boolean };
    if (this.#needsCertificate && authorized !== true)
      return { status: 403, body: 'a client certificate is required for this\n' };
    if (!this.#isLoopback) await this.#options.authorize?.(headOf(request), applicantOf(request));
    const format = formatFor(request.headers.accept ?? '');
    return {
      status: 200,
      body: await this.#render(format),
      headers: { 'Content-Type': CONTENT_TYPES[format] },
    };
  }

  #render(format: MetricsFormat): Promise<string> {
    let rendering = this.#rendering.get(format);
    if (rendering === undefined) {
      rendering = this.#options.source.metrics(format).finally(() => {
        this.#rendering.delete(format);
      });
      this.#rendering.set(format, rendering);
    }
    return rendering;
  }

  #refusal(error: unknown): Answer {
    if (error instanceof HandshakeError) {
      const headers = error.status === 401 ? { 'WWW-Authenticate': CHALLENGE } : {};
      return { status: error.status, body: `${error.message}\n`, headers };
    }
    this.#options.log.error({ err: errorForLog(error) }, 'admin request failed');
    return { status: 500, body: 'internal error\n' };
  }
}

/** A client that goes away is not waited for. */
function applicantOf({ socket }: IncomingMessage): Applicant {
  const gone = new AbortController();
  socket.once('close', () => {
    gone.abort();
  });
  return { remoteAddress: socket.remoteAddress ?? '', signal: gone.signal };
}

function liveness(isAlive: boolean): Answer {
  return isAlive
    ? { status: 200, body: 'alive\n' }
    : { status: 503, body: 'a worker does not answer\n' };
}

/** What load balancers are told: 200 when clients may be sent here, else 503 and why, one line each. */
function readiness(problems: readonly string[]): Answer {
  return problems.length === 0
    ? { status: 200, body: 'ready\n' }
    : { status: 503, body: `${problems.join('\n')}\n` };
}

/** The request as the server's own parser would give it, with what shows who is asking. */
function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): RequestHead {
  const headers = [];
  for (let index = 0; index < rawHeaders.length; index += 2)
    headers.push({ name: rawHeaders[index]!.toLowerCase(), value: rawHeaders[index + 1]! });
  return { method: method!, target: url!, version: httpVersion, headers };
}
