/** The mode that the page of the inspector speaks to (`page-protocol.ts`). */
import { HandshakeError } from '../errors.js';
import { CloseCode } from '../protocol/close.js';
import type { DataOpcode } from '../protocol/frame.js';
import type { Mode } from '../session/mode.js';
import type { ModeSession } from '../session/session.js';
import { type PageOptions, PageSession } from './page/page-session.js';
import type { RecordStore } from './store/record-store.js';
import type { WorkQueue } from './store/work-queue.js';

/** What the page and we speak: the number changes with the protocol. */
export const SUBPROTOCOL = 'twist-inspect.1';

/** Each page has views of its own, which take memory. */
const MAX_PAGES = 4;

/** How often pages are told what is new. */
const NEWS_MS = 100;

export class InspectMode implements Mode {
  readonly name = 'inspect';
  readonly delivery = 'messages';
  readonly defaults = { origin: 'same', deflate: true } as const;

  readonly #store: RecordStore;
  readonly #queue: WorkQueue;
  readonly #options: PageOptions;
  readonly #pages = new Set<PageSession>();
  #timer: NodeJS.Timeout | null = null;

  constructor(store: RecordStore, queue: WorkQueue, options: PageOptions) {
    this.#store = store;
    this.#queue = queue;
    this.#options = options;
  }

  upgrade(session: ModeSession): void {
    if (session.subprotocol !== SUBPROTOCOL) throw new HandshakeError('subprotocol-unsupported');
  }

  open(session: ModeSession): void {
    if (this.#pages.size >= MAX_PAGES) {
      // A browser shows nothing of an HTTP status, but the reason of a Close.
      const reason = `${MAX_PAGES} pages are open already: close one of them`;
      session.close(CloseCode.TryAgainLater, reason);
      return;
    }
    const page = new PageSession(session, this.#store, this.#queue, this.#options);
    session.data = page;
    this.#pages.add(page);
    this.#timer ??= setInterval(this.#tell, NEWS_MS).unref();
  }

  message(
    session: ModeSession,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    pageOf(session)?.receive(opcode, bytes, start, end);
  }

  drain(session: ModeSession): void {
    pageOf(session)?.drain();
  }

  close(session: ModeSession): void {
    const page = pageOf(session);
    if (page === null) return;
    page.close();
    this.#pages.delete(page);
    if (this.#pages.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  readonly #tell = (): void => {
    for (const page of this.#pages) page.tell();
  };
}

/** Null for a page that was refused. */
function pageOf({ data }: ModeSession): PageSession | null {
  return data as PageSession | null;
}
