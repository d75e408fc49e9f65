/**
 * Answers requests with pages from memory. No HTTP server of Node's is needed for that: an answer is a head and a body
 * that are there, so it is written to the tunnel as it is.
 */
import { errorForLog } from '../foreign.js';
import { type Redaction, STRICT_REDACTION } from '../handshake/redaction/redaction.js';
import type { RequestHead } from '../handshake/request-head.js';
import { headerLine } from '../handshake/response.js';
import type { ClientLog } from '../log.js';
import { HttpCounters } from './http-counters.js';
import { formatPeer } from '../net/socket-address.js';
import { type PageAnswer, type PageSource, textAnswer } from './page-source.js';
import type { HttpService, HttpTunnel, ServiceRequest } from './tunnel.js';

export interface PageServiceOptions {
  readonly pages: PageSource;
  /** How long an idle connection is kept, in milliseconds; clients are told. */
  readonly keepAliveMs: number;
  /** Hides in the log what a client has told in confidence; by default it knows nothing of the operator's. */
  readonly redaction?: () => Redaction;
  readonly log: ClientLog;
  readonly counters?: HttpCounters;
}

/** RFC 9110 §15. */
const REASON_PHRASES: Readonly<Record<PageAnswer['status'], string>> = {
  200: 'OK',
  303: 'See Other',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  500: 'Internal Server Error',
};

export class PageService implements HttpService {
  readonly #pages: PageSource;
  readonly #keepAliveMs: number;
  readonly #redaction: () => Redaction;
  readonly #log: ClientLog;
  readonly #counters: HttpCounters;

  constructor({
    pages,
    keepAliveMs,
    redaction = () => STRICT_REDACTION,
    log,
    counters = new HttpCounters(),
  }: PageServiceOptions) {
    this.#counters = counters;
    this.#pages = pages;
    this.#keepAliveMs = keepAliveMs;
    this.#redaction = redaction;
    this.#log = log;
  }

  takes(head: RequestHead): boolean {
    return this.#pages.takes(head);
  }

  serve(tunnel: HttpTunnel): void {
    void this.#answer(tunnel);
  }

  async #answer(tunnel: HttpTunnel): Promise<void> {
    const { request, peer } = tunnel;
    const { head, path, isLast } = request;
    let status: number | null = null;
    tunnel.on('close', () => {
      const isWhole = tunnel.hasFinished;
      this.#counters.answered('page', isWhole ? status : null);
      const message = isWhole ? 'page request' : 'page request cut short';
      this.#log.write('debug', peer.remoteAddress, message, () => ({
        peer: formatPeer(peer),
        method: head.method,
        path: this.#redaction().path(path),
        ...(isWhole ? { status } : {}),
      }));
    });
    const answer = await this.#bytesOf(tunnel);
    ({ status } = answer);
    const done = (): void => {
      tunnel.finish();
    };
    // Both leave together. A tunnel that was destroyed meanwhile takes nothing.
    const last = head.method === 'HEAD' ? answer.head : answer.body;
    tunnel.cork();
    if (last !== answer.head) tunnel.write(answer.head);
    if (isLast) tunnel.end(last, done);
    else tunnel.write(last, done);
    tunnel.uncork();
  }

  async #bytesOf({ request, peer }: HttpTunnel): Promise<PageAnswer & { readonly head: Buffer }> {
    const headOf = (answer: PageAnswer): Buffer =>
      answerHead(answer, request, this.#keepAliveMs, new Date());
    try {
      const answer = await this.#pages.answer(request, peer);
      return { ...answer, head: headOf(answer) };
    } catch (error) {
      this.#log.write('error', peer.remoteAddress, 'page request failed', () => ({
        err: errorForLog(error),
        path: this.#redaction().path(request.path),
      }));
      const answer = textAnswer(500, 'internal error');
      return { ...answer, head: headOf(answer) };
    }
  }
}

/**
 * @param keepAliveMs how long an idle connection is kept
 * @param now for the Date header
 * @throws {InvalidStateError} when a header would break the head apart
 */
export function answerHead(
  { status, headers, body }: PageAnswer,
  { isLast }: Pick<ServiceRequest, 'isLast'>,
  keepAliveMs: number,
  now: Date,
): Buffer {
  const all = {
    ...headers,
    'Content-Length': String(body.length),
    Date: now.toUTCString(),
    Connection: isLast ? 'close' : 'keep-alive',
    ...(isLast ? {} : { 'Keep-Alive': `timeout=${Math.floor(keepAliveMs / 1000)}` }),
  };
  const lines = Object.entries(all).map(([name, value]) => headerLine(name, value));
  return Buffer.from(
    `HTTP/1.1 ${status} ${REASON_PHRASES[status]}\r\n${lines.join('')}\r\n`,
    'latin1',
  );
}
