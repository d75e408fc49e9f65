/** Files of a directory over HTTP. The library `send` does what HTTP asks for; we say which file it is. */
import type { ReadStream } from 'node:fs';
import {
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
  createServer,
} from 'node:http';
import send from 'send';
import { isPlainRequest } from '../handshake/request.js';
import type { RequestHead } from '../handshake/request-head.js';
import { type Answerer, HttpCounters } from './http-counters.js';
import type { PageAnswer, PageSource } from './page-source.js';
import type { HttpService, HttpTunnel } from './tunnel.js';
import { errorForLog } from '../foreign.js';
import { type Redaction, STRICT_REDACTION } from '../handshake/redaction/redaction.js';
import type { ClientLog } from '../log.js';
import { formatPeer } from '../net/socket-address.js';
import type { Found, StaticDirectory } from './static-directory.js';

export interface StaticFilesOptions {
  readonly directory: StaticDirectory;
  /** What is served where the directory has nothing; by default, and with null, nothing is. */
  readonly pages?: PageSource | null;
  /** How long an idle connection is kept, in milliseconds; clients are told. */
  readonly keepAliveMs: number;
  /** The longest request head that can come, in bytes. */
  readonly maxHead: number;
  /** Hides in the log what a client has told in confidence; by default it knows nothing of the operator's. */
  readonly redaction?: Redaction;
  readonly log: ClientLog;
  readonly counters?: HttpCounters;
}

/** No part of a request head gets longer than it was by more than this when we write it again. */
const HEAD_SLACK_BYTES = 1024;

/** The texts of all answers other than files. */
const TEXTS = {
  301: 'moved permanently',
  404: 'there is no such file',
  412: 'the file is another one',
  416: 'the file has no such range',
  500: 'internal error',
} as const;

/** What `send` emits as an error. */
interface SendError extends Error {
  readonly status: keyof typeof TEXTS;
}

export class StaticFiles implements HttpService {
  readonly #directory: StaticDirectory;
  readonly #pages: PageSource | null;
  readonly #redaction: Redaction;
  readonly #log: ClientLog;
  readonly #counters: HttpCounters;
  readonly #server: Server;

  constructor({
    directory,
    pages = null,
    keepAliveMs,
    maxHead,
    redaction = STRICT_REDACTION,
    log,
    counters = new HttpCounters(),
  }: StaticFilesOptions) {
    this.#counters = counters;
    this.#directory = directory;
    this.#pages = pages;
    this.#redaction = redaction;
    this.#log = log;
    // It never listens, so its own deadlines do not work: those of the connection apply.
    this.#server = createServer(
      { keepAliveTimeout: keepAliveMs, maxHeaderSize: maxHead + HEAD_SLACK_BYTES },
      (request, response) => {
        void this.#answer(request, response);
      },
    );
    this.#server.on('clientError', (_error, tunnel) => {
      tunnel.destroy();
    });
  }

  takes(head: RequestHead): boolean {
    return isPlainRequest(head);
  }

  serve(tunnel: HttpTunnel): void {
    this.#server.emit('connection', tunnel);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const tunnel = request.socket as unknown as HttpTunnel;
    const [path, query] = splitQuery(request.url!);
    response.on('finish', () => {
      tunnel.finish();
    });
    let by: Answerer = 'file';
    response.on('close', () => {
      const isWhole = tunnel.hasFinished;
      this.#counters.answered(by, isWhole ? response.statusCode : null);
      const message = isWhole ? 'file request' : 'file request cut short';
      this.#log.write('debug', tunnel.peer.remoteAddress, message, () => ({
        peer: formatPeer(tunnel.peer),
        method: request.method,
        path: this.#redaction.path(path),
        ...(isWhole ? { status: response.statusCode } : {}),
      }));
    });
    let found: Found;
    let page: PageAnswer | null = null;
    try {
      found = await this.#directory.find(path);
      if (found.kind === 'nothing') page = await this.#pageFor(tunnel);
    } catch (error) {
      this.#fail(request, response, path, error);
      return;
    }
    // The client may have left meanwhile.
    if (response.destroyed) return;
    if (page !== null) {
      by = 'page';
      answerPage(response, page);
    } else if (found.kind === 'nothing') answerText(response, 404);
    else if (found.kind === 'directory')
      answerText(response, 301, { Location: withSlash(path) + query });
    else this.#send(request, response, found);
  }

  async #pageFor({ request, peer }: HttpTunnel): Promise<PageAnswer | null> {
    return this.#pages?.takes(request.head) === true
      ? await this.#pages.answer(request, peer)
      : null;
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    { root, segments }: Extract<Found, { kind: 'file' }>,
  ): void {
    const path = `/${segments.map(encodeURIComponent).join('/')}`;
    setCommonHeaders(response);
    // The names were checked before links were followed: where a link leads may begin with a dot.
    const sending = send(request, path, {
      root,
      index: false,
      dotfiles: 'allow',
      cacheControl: false,
    });
    sending.on('error', (error: SendError) => {
      if (error.status < 500 && !response.headersSent) answerText(response, error.status);
      else this.#fail(request, response, path, error);
    });
    sending.on('stream', (file: ReadStream) => {
      // A file that shrinks meanwhile would leave the client waiting for the rest of it, and it would take
      // the next response for that rest.
      file.on('end', () => {
        if (file.bytesRead !== response.getHeader('Content-Length')) response.destroy();
      });
    });
    sending.pipe(response);
  }

  /** Tells of a failure of our own, or of the disk. */
  #fail(request: IncomingMessage, response: ServerResponse, path: string, error: unknown): void {
    const { peer } = request.socket as unknown as HttpTunnel;
    this.#log.write('error', peer.remoteAddress, 'file request failed', () => ({
      err: errorForLog(error),
      path: this.#redaction.path(path),
    }));
    if (response.headersSent) response.destroy();
    else answerText(response, 500);
  }
}

/** @returns the path, and the query with its `?`, which is empty when there is none */
function splitQuery(url: string): [path: string, query: string] {
  const mark = url.indexOf('?');
  return mark === -1 ? [url, ''] : [url.slice(0, mark), url.slice(mark)];
}

/**
 * A directory's path with the slash that it lacks, relative to the path without it: so it is right behind a
 * proxy with other paths, too.
 */
function withSlash(path: string): string {
  return `./${path.slice(path.lastIndexOf('/') + 1)}/`;
}

function answerText(
  response: ServerResponse,
  status: keyof typeof TEXTS,
  headers: OutgoingHttpHeaders = {},
): void {
  const text = `${TEXTS[status]}\n`;
  const range = response.getHeader('Content-Range');
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  setCommonHeaders(response);
  if (range !== undefined) response.setHeader('Content-Range', range);
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(text);
}

function answerPage(response: ServerResponse, { status, headers, body }: PageAnswer): void {
  response.writeHead(status, { ...headers, 'Content-Length': body.length }).end(body);
}

function setCommonHeaders(response: ServerResponse): void {
  response.setHeader('X-Content-Type-Options', 'nosniff');
  // Kept, but asked for each time: files change, and so do those who may see them.
  response.setHeader('Cache-Control', 'no-cache');
}
