/**
 * What an echo server answers to a request that asks for no WebSocket connection: a browser gets the bench, a page to
 * try the server with, and everything else its own request as JSON. Each echo route has it on its own path; the page's
 * files are told from it by the query, so that no path is taken from clients, and a proxy may have other paths.
 */
import { Redaction } from '../handshake/redaction/redaction.js';
import type { RequestHead } from '../handshake/request-head.js';
import { splitRequestTarget } from '../handshake/request-target.js';
import { valuesOf } from '../handshake/request.js';
import type { PeerAddress } from '../net/socket-address.js';
import {
  type Page,
  type PageAnswer,
  type PageControl,
  type PageFiles,
  type PageRules,
  type PageSource,
  type PageTerms,
  pageAnswer,
} from './page-source.js';
import { requestJson } from './request-json.js';
import { prefersHtml } from './accept.js';
import type { ServiceRequest } from './tunnel.js';

export interface EchoPageOptions {
  /** What the page is told of the server, and shows. */
  readonly version: string;
  readonly maxMessage: number;
  /** Loads the page's files, once a browser asks. */
  load(): Promise<PageFiles>;
  /** Loads what the query of a URL can ask for, where it can. */
  loadControls(): Promise<readonly PageControl[]>;
}

/** What the page asks for beside itself. */
const SCRIPT_QUERY = 'page.js';
const STYLE_QUERY = 'page.css';
const FACTS_QUERY = 'page.json';

const JSON_TYPE = 'application/json; charset=utf-8';

/** Of a route that a reload has taken away in between. */
const GONE: PageTerms = { showsAll: false, hasControls: false };

/** Whoever may ask is told everything of its own request. */
const SHOW_ALL = new Redaction({ headers: '*', query: '*' });

export class EchoPage implements PageSource {
  readonly #options: EchoPageOptions;
  readonly #rules: PageRules;
  #files: Promise<PageFiles> | null = null;

  constructor(options: EchoPageOptions, rules: PageRules) {
    this.#options = options;
    this.#rules = rules;
  }

  takes(head: RequestHead): boolean {
    return !isAttempt(head) && this.#rules.findPage(splitRequestTarget(head.target).path) !== null;
  }

  async answer(request: ServiceRequest, peer: PeerAddress): Promise<PageAnswer> {
    const { head, path, query } = request;
    const terms = this.#rules.findPage(path) ?? GONE;
    switch (query) {
      case SCRIPT_QUERY:
        return pageAnswer({
          type: 'text/javascript; charset=utf-8',
          body: (await this.#load()).script,
        });
      case STYLE_QUERY:
        return pageAnswer({ type: 'text/css; charset=utf-8', body: (await this.#load()).style });
      case FACTS_QUERY:
        return pageAnswer(await this.#facts(terms));
    }
    // A cache, if it kept something all the same, would have to know.
    const varies = { Vary: 'Accept' };
    if (prefersHtml(valuesOf(head.headers, 'accept')))
      return pageAnswer(
        { type: 'text/html; charset=utf-8', body: (await this.#load()).html },
        varies,
      );
    const { method, version: httpVersion, headers } = head;
    const body = requestJson(
      { ...request, method, httpVersion, headers },
      peer,
      terms.showsAll ? SHOW_ALL : this.#rules.redaction,
    );
    return pageAnswer({ type: JSON_TYPE, body }, varies);
  }

  /** What the page cannot find out by itself. */
  async #facts({ hasControls }: PageTerms): Promise<Page> {
    const { version, maxMessage } = this.#options;
    const controls = hasControls ? await this.#options.loadControls() : [];
    return { type: JSON_TYPE, body: `${JSON.stringify({ version, maxMessage, controls })}\n` };
  }

  /** A part that could not be loaded is asked for again. */
  async #load(): Promise<PageFiles> {
    this.#files ??= this.#options.load();
    try {
      return await this.#files;
    } catch (error) {
      this.#files = null;
      throw error;
    }
  }
}

/**
 * Whether a request asks for a connection of another protocol, or tries to: whoever writes a client wants to hear what
 * is wrong with it, not get a page. A Connection header alone says nothing: proxies add it to whatever they pass on.
 */
export function isAttempt({ headers }: RequestHead): boolean {
  return headers.some(({ name }) => name === 'upgrade' || name.startsWith('sec-websocket-'));
}
