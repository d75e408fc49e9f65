/** One page: answers what it asks, and tells what is new, as fast as it reads and no faster. */
import { Buffer } from 'node:buffer';
import { CloseCode } from '../../protocol/close.js';
import { type DataOpcode, Opcode } from '../../protocol/frame.js';
import type { ModeSession } from '../../session/session.js';
import type { PageAnswer, PageNews, PageRequest } from '../page-protocol.js';
import type { RecordStore } from '../store/record-store.js';
import type { SessionEntry } from '../store/session-table.js';
import type { Work, WorkQueue } from '../store/work-queue.js';
import { type ExportTarget, exportView } from '../views/export.js';
import { FindWork } from '../views/find.js';
import { JsonBudget } from '../views/preview.js';
import { RecordFilter, searchOf } from '../views/record-filter.js';
import { Rows } from '../views/rows.js';
import { StripWork } from '../views/strip.js';
import { View } from '../views/view.js';
import { News } from './news.js';
import { MAX_REQUEST_BYTES, RequestFault, readRequest } from './requests.js';

/** What one page may have at a time. */
const MAX_VIEWS = 8;
const MAX_WORKS = 16;

/** Pieces of news on sessions at a time: new pages get all sessions, in parts. */
const MAX_SESSION_NEWS = 8;

/** Views look for records so long before the page is told of them; what is left is done in turns. */
const LOOK_MS = 5;

export interface PageOptions {
  /** Of this program; the page shows it, and exports have it. */
  readonly version: string;
  /** A directory for exports that do not fit into memory. */
  readonly spoolDir: string;
  /** How many processes are shown, up to what payloads are recorded, and what memory holds. */
  readonly workers?: number | undefined;
  readonly maxPayloadBytes?: number | undefined;
  readonly memoryBytes?: number | undefined;
  /** Null when it is done, else a sentence. Without it no session can be ended. */
  readonly endSession?:
    ((session: string, code: number, reason: string) => Promise<string | null>) | undefined;
}

type Ask<Kind extends PageRequest['ask']> = Extract<PageRequest, { readonly ask: Kind }>;

export class PageSession {
  readonly #session: ModeSession;
  readonly #store: RecordStore;
  readonly #queue: WorkQueue;
  readonly #options: PageOptions;
  readonly #rows: Rows;
  readonly #news: News;
  readonly #views = new Map<number, View>();
  #nextView = 1;
  /** What looks for something, by the view that it looks in, and what makes strips. */
  readonly #finds = new Map<View, FindWork>();
  readonly #works = new Set<Work>();
  #isExporting = false;
  /** It has not read what it was sent. */
  #isWaiting = false;
  #isGone = false;
  #whenDrained: (() => void)[] = [];

  constructor(session: ModeSession, store: RecordStore, queue: WorkQueue, options: PageOptions) {
    this.#session = session;
    this.#store = store;
    this.#queue = queue;
    this.#options = options;
    this.#rows = new Rows(store);
    this.#news = new News(store);
    this.#send(this.#hello());
    this.tell();
  }

  /** A message has come. */
  receive(opcode: DataOpcode, bytes: Uint8Array, start: number, end: number): void {
    if (opcode !== Opcode.Text) {
      this.#session.close(CloseCode.UnsupportedData, 'requests are texts');
      return;
    }
    if (end - start > MAX_REQUEST_BYTES) {
      this.#session.close(CloseCode.MessageTooBig, 'a request is shorter');
      return;
    }
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(
      'utf8',
      start,
      end,
    );
    try {
      this.#answer(readRequest(text));
    } catch (error) {
      if (!(error instanceof RequestFault)) throw error;
      this.#send({ id: error.id, fault: error.message });
    }
  }

  /** Tells what is new, unless the page is behind. */
  tell(): void {
    this.#look(this.#views.values());
    for (const [number, view] of this.#views) {
      if (this.#isWaiting) return;
      this.#sendNews(this.#news.view(number, view));
    }
    for (let sent = 0; sent < MAX_SESSION_NEWS && !this.#isWaiting; sent++)
      if (!this.#sendNews(this.#news.sessions())) break;
    if (!this.#isWaiting) this.#sendNews(this.#news.state());
  }

  /** The page has read on. */
  drain(): void {
    this.#isWaiting = false;
    this.#session.resume();
    for (const resolve of this.#whenDrained.splice(0)) resolve();
  }

  /** The page has left. */
  close(): void {
    this.#isGone = true;
    this.#news.end();
    for (const work of [...this.#views.values(), ...this.#works]) this.#queue.remove(work);
    this.#views.clear();
    this.#works.clear();
    this.#finds.clear();
    for (const resolve of this.#whenDrained.splice(0)) resolve();
  }

  #look(views: Iterable<View>): void {
    const endMs = performance.now() + LOOK_MS;
    for (const view of views) {
      if (view.hasCaughtUp) continue;
      if (!view.work(() => performance.now() >= endMs)) this.#queue.add(view);
    }
  }

  // ---- What it asks

  #answer(request: PageRequest): void {
    switch (request.ask) {
      case 'view':
        this.#makeView(request);
        break;
      case 'forget':
        this.#forget(request.view);
        break;
      case 'rows':
        this.#sendRows(request);
        break;
      case 'place':
        this.#sendPlace(request);
        break;
      case 'find':
        this.#find(request);
        break;
      case 'record':
        this.#sendRecord(request);
        break;
      case 'strip':
        this.#strip(request);
        break;
      case 'export':
        void this.#export(request);
        break;
      case 'end':
        void this.#endSession(request);
        break;
    }
  }

  #makeView({ id, filter, instead }: Ask<'view'>): void {
    const compiled = RecordFilter.of(filter, this.#store);
    if (typeof compiled === 'string') throw new RequestFault(compiled, id);
    if (instead !== undefined) this.#forget(instead);
    if (this.#views.size >= MAX_VIEWS) {
      throw new RequestFault(`a page has at most ${MAX_VIEWS} views: forget one`, id);
    }
    const view = new View(this.#store, compiled);
    this.#look([view]);
    if (view.fault !== null) throw new RequestFault(view.fault, id);
    const number = this.#nextView++;
    this.#views.set(number, view);
    this.#news.view(number, view);
    const { total, gone: goneTotal, isComplete } = view;
    this.#send({ id, view: number, total, goneTotal, isComplete });
  }

  #forget(number: number): void {
    const view = this.#views.get(number);
    if (view === undefined) return;
    this.#endFind(view, 'the view was forgotten');
    this.#queue.remove(view);
    this.#views.delete(number);
    this.#news.forget(number);
  }

  #viewOf({ id, view: number }: { readonly id: number; readonly view: number }): View {
    const view = this.#views.get(number);
    if (view === undefined) throw new RequestFault(`there is no view ${number}`, id);
    return view;
  }

  #sendRows(request: Ask<'rows'>): void {
    const { id, from, count, gone } = request;
    const view = this.#viewOf(request);
    const { total, gone: goneTotal } = view;
    const asked = from - moved(goneTotal, gone);
    const start = Math.min(total, Math.max(0, asked));
    const end = Math.min(total, Math.max(start, asked + count));
    const budget = new JsonBudget();
    const rows = [];
    for (let place = start; place < end; place++) rows.push(this.#rows.row(view.at(place), budget));
    this.#send({ id, from: start, rows, total, goneTotal });
  }

  #sendPlace(request: Ask<'place'>): void {
    const { id, t, n = 0 } = request;
    const view = this.#viewOf(request);
    this.#sendPlaceOf(id, view, t === undefined ? view.placeOf(n) : view.placeOfTime(t));
  }

  #sendPlaceOf(id: number, view: View, place: number): void {
    const isRow = place >= 0 && place < view.total;
    const goneTotal = view.gone;
    this.#send({ id, place, ...(isRow ? { n: view.at(place) } : {}), goneTotal });
  }

  #find(request: Ask<'find'>): void {
    const { id, from, isBackwards = false, gone } = request;
    const view = this.#viewOf(request);
    const search = searchOf(request);
    if (typeof search === 'string') throw new RequestFault(search, id);
    if (search === null) throw new RequestFault('there is nothing to find: give a text', id);
    this.#endFind(view, 'another search has begun');
    this.#checkWorks(id);
    const range = { from: from - moved(view.gone, gone), isBackwards };
    const work = new FindWork(this.#store, view, search, range, (found) => {
      this.#finds.delete(view);
      this.#works.delete(work);
      if (typeof found === 'string') this.#send({ id, fault: found });
      else this.#sendPlaceOf(id, view, found < 0 ? -1 : view.placeOf(found));
    });
    this.#finds.set(view, work);
    this.#start(work);
  }

  #endFind(view: View, sentence: string): void {
    const work = this.#finds.get(view);
    if (work === undefined) return;
    this.#queue.remove(work);
    work.end(sentence);
  }

  #sendRecord({ id, n }: Ask<'record'>): void {
    const { first, end } = this.#store.index;
    if (n < first) throw new RequestFault(`record ${n} is not in memory any more`, id);
    if (n >= end) throw new RequestFault(`there is no record ${n} yet`, id);
    const { record, isShortened } = this.#rows.record(n);
    const row = this.#rows.row(n);
    this.#send({ id, record, row, ...(isShortened ? { isShortened: true as const } : {}) });
  }

  #strip({ id, session, since, until, buckets }: Ask<'strip'>): void {
    const entry = session === undefined ? null : this.#sessionOf(id, session);
    this.#checkWorks(id);
    const range = { session: entry, since, until, buckets };
    const work = new StripWork(this.#store, range, (strip) => {
      this.#works.delete(work);
      this.#send({ id, ...strip });
    });
    this.#start(work);
  }

  #sessionOf(id: number, name: string): SessionEntry {
    const entry = this.#store.sessions.find(name);
    if (entry === undefined) throw new RequestFault('that session is not kept any more', id);
    return entry;
  }

  #checkWorks(id: number): void {
    if (this.#works.size < MAX_WORKS) return;
    throw new RequestFault('too much is asked at a time: wait for an answer', id);
  }

  #start(work: Work): void {
    this.#works.add(work);
    this.#queue.add(work);
  }

  async #export(request: Ask<'export'>): Promise<void> {
    const { id, format, records } = request;
    const view = this.#views.get(request.view);
    if (view === undefined || this.#isExporting) {
      const fault =
        view === undefined ? `there is no view ${request.view}` : 'another export is under way';
      this.#send({ id, fault });
      return;
    }
    this.#isExporting = true;
    const { version, spoolDir } = this.#options;
    const options = {
      format,
      records: records === undefined ? null : [...new Set(records)].sort((a, b) => a - b),
      tool: `twist/${version}`,
      spoolDir,
      nowMs: Date.now,
    };
    try {
      const done = await exportView(this.#store, view, options, this.#targetOf(id));
      if (done === null) return;
      const { note, ...rest } = done;
      this.#send({ id, ...rest, ...(note === null ? {} : { note }) });
    } catch (error) {
      this.#send({ id, fault: `the export has failed: ${(error as Error).message}` });
    } finally {
      this.#isExporting = false;
    }
  }

  /** Sends pieces of a file, each with the number of the request in front. */
  #targetOf(id: number): ExportTarget {
    const isGone = (): boolean => this.#isGone;
    return {
      get isGone() {
        return isGone();
      },
      write: (bytes) => {
        const message = Buffer.allocUnsafe(4 + bytes.length);
        message.writeUInt32BE(id);
        message.set(bytes, 4);
        this.#note(this.#session.send(message));
        if (!this.#isWaiting) return undefined;
        return new Promise((resolve) => this.#whenDrained.push(resolve));
      },
    };
  }

  async #endSession({ id, session, code, reason }: Ask<'end'>): Promise<void> {
    const { endSession } = this.#options;
    let fault: string | null;
    try {
      fault =
        endSession === undefined
          ? 'sessions cannot be ended here'
          : this.#store.sessions.find(session)?.isOpen === true
            ? await endSession(session, code, reason)
            : 'that session is over';
    } catch (error) {
      fault = `the session could not be ended: ${(error as Error).message}`;
    }
    this.#send(fault === null ? { id, isDone: true } : { id, fault });
  }

  // ---- To the page

  #hello(): PageNews {
    const { file, source } = this.#store;
    const { version, workers, maxPayloadBytes, memoryBytes, endSession } = this.#options;
    return {
      news: 'hello',
      version,
      source,
      ...(file === null ? {} : { file }),
      canEndSessions: endSession !== undefined,
      ...(workers === undefined ? {} : { workers }),
      ...(maxPayloadBytes === undefined ? {} : { maxPayloadBytes }),
      ...(memoryBytes === undefined ? {} : { memoryBytes }),
    };
  }

  /** @returns whether there was anything */
  #sendNews(news: PageNews | null): boolean {
    if (news === null) return false;
    this.#send(news);
    return true;
  }

  #send(message: PageAnswer | PageNews): void {
    // What was asked before it left may be done after.
    if (!this.#isGone) this.#note(this.#session.send(JSON.stringify(message)));
  }

  /** A page that does not read is not read from. */
  #note(result: 'sent' | 'wait' | 'closed'): void {
    if (result !== 'wait' || this.#isWaiting) return;
    this.#isWaiting = true;
    this.#session.pause();
  }
}

/** How many rows have left that the page does not know of. */
function moved(goneTotal: number, known: number | undefined): number {
  return known === undefined ? 0 : goneTotal - known;
}
