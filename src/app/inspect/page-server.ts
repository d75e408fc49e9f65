/** The server of the inspector's page: one of twist's own, with the page, and behind it the mode that the page talks to. */
import { MemoryAccount } from '../../budget/memory-account.js';
import type { AdminAddress } from '../../config/values/operation-values.js';
import { isPlainRequest } from '../../handshake/request.js';
import {
  type Page,
  type PageFiles,
  type PageSource,
  answerOf,
  pagesOf,
} from '../../http/page-source.js';
import type { Log } from '../../log.js';
import { formatListenAddress, parseListenAddress } from '../../net/socket-address.js';
import type { Authenticator } from '../../server/auth/authenticator.js';
import { ClientLines } from '../../server/log/client-lines.js';
import { Server } from '../../server/server.js';
import type { ServerTls } from '../../server/tls/server-tls.js';
import type { Mode } from '../../session/mode.js';
import { readOptions } from '../read-options.js';
import { serverOptions } from '../server-options.js';
import type { TokenDoor } from './token-door.js';

export interface PageServerOptions {
  readonly address: AdminAddress;
  /** What the page talks to. */
  readonly mode: Mode;
  /** The subprotocol that they speak. */
  readonly subprotocol: string;
  /** Who may see the page: those with a token, or with a password. */
  readonly door: TokenDoor | Authenticator;
  /** Certificates; null for plain HTTP. */
  readonly tls: ServerTls | null;
  readonly loadPage: () => Promise<PageFiles>;
  readonly log: Log;
}

/** Where it listens. */
export interface PagePlace {
  /** `http://127.0.0.1:9002` */
  readonly address: string;
  readonly port: number;
}

/** Where the page's WebSocket is. */
const SOCKET_PATH = '/ws';

export class PageServer {
  readonly #server: Server;
  readonly #door: TokenDoor | Authenticator;
  readonly #loadPage: () => Promise<PageFiles>;
  #pages: ReadonlyMap<string, Page> | null = null;

  constructor({ address, mode, subprotocol, door, tls, loadPage, log }: PageServerOptions) {
    this.#door = door;
    this.#loadPage = loadPage;
    // What it does by itself is no news.
    const ownLog: Log = {
      debug: () => undefined,
      info: () => undefined,
      warn: log.warn.bind(log),
      error: log.error.bind(log),
    };
    const { settings } = readOptions({
      listen: formatListenAddress({ kind: 'tcp', ...address }),
      subprotocol,
      maxMessage: '64k',
      maxConnections: 100,
      drainTimeout: '1s',
      closeTimeout: '1s',
    });
    const options = serverOptions(settings, {
      modes: [{ path: SOCKET_PATH, mode }],
      extensions: [],
      memory: new MemoryAccount(),
      authenticator: door,
      tls,
      staticDir: null,
      recorder: null,
      group: null,
      log: ownLog,
      clientLog: new ClientLines(ownLog, settings.maxLogRate),
    });
    this.#server = new Server({ ...options, pages: () => this.#source });
  }

  /** @throws NodeJS.ErrnoException as a rejection, when it cannot listen */
  async start(): Promise<PagePlace> {
    await this.#server.start();
    const [url = ''] = this.#server.urls;
    const { port } = parseListenAddress(url) as { readonly port: number };
    if ('listens' in this.#door) this.#door.listens(port);
    return { address: url.replace(/^ws/, 'http'), port };
  }

  async stop(): Promise<void> {
    await this.#server.stop();
  }

  readonly #source: PageSource = {
    takes: isPlainRequest,
    answer: async (request, peer) => {
      const door = this.#door;
      const answer =
        'answer' in door ? door.answer(request.head, peer, request.scheme === 'https') : null;
      if (answer !== null) return answer;
      this.#pages ??= pagesOf(await this.#loadPage());
      return answerOf(this.#pages, request);
    },
  };
}
