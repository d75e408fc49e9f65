/** What the page knows and what can be done in it. Components draw from it, once in a frame in which something has changed. */
import type { PageNews, RecordAnswer, Row, SessionRow } from '../../src/inspect/page-protocol.js';
import { type Place, hashOf, placeOf } from './model/address.js';
import { type Choice, filterOf } from './model/filter.js';
import { Fault, Link, LinkLost, type LinkSocket } from './model/link.js';
import { RowCache } from './model/row-cache.js';
import { chosenSessions } from './model/sessions.js';
import { sentenceOf } from './sentence.js';
import { Searching } from './searching.js';

type News<K extends PageNews['news']> = Extract<PageNews, { news: K }>;

export type OpenDialog = 'help' | 'end' | null;

const SUBPROTOCOL = 'twist-inspect.1';

export class Inspector {
  hello: News<'hello'> | null = null;
  state: News<'state'> | null = null;
  readonly sessions = new Map<string, SessionRow>();
  /** Where the cursor is among them. */
  sessionCursor: string | null = null;
  place: Place = placeOf(location.hash);

  /** The rows of what is shown; null until the server has answered. */
  rows: RowCache | null = null;
  viewFault: string | null = null;
  /** Where the cursor is among the rows, counting those that have left; null for nowhere. */
  cursor: number | null = null;
  /** Records that are marked, to be exported. */
  readonly marked = new Set<number>();
  isFollowing = true;
  /** How many rows there were when somebody paused, counting those that have left. */
  pausedAt: number | null = null;

  /** The record that is shown whole. */
  record: RecordAnswer | null = null;
  recordFault: string | null = null;
  /** What the focus goes into as soon as it is here: a record by its number, or that of the row at the cursor. */
  #entering: number | 'cursor' | null = null;

  readonly search = new Searching(this);

  /** A sentence that goes after some seconds. */
  notice = '';
  dialog: OpenDialog = null;
  isExporting = false;

  readonly link: Link;
  readonly #draw: () => void;
  #isDrawing = false;
  #wanted = { first: 0, end: 0 };
  #isFilling = false;
  #viewTurn = 0;
  #recordTurn = 0;
  #cancelNotice = 0;
  #list: { readonly key: object; readonly sessions: readonly SessionRow[] } | null = null;
  #listPlace: Place | null = null;

  constructor(draw: () => void) {
    this.#draw = draw;
    addEventListener('popstate', () => {
      this.#goTo(placeOf(location.hash));
    });
    // Ages grow.
    setInterval(() => {
      if (this.hello?.source === 'live' && this.state?.hasEnded !== true) this.changed();
    }, 1000);
    this.link = new Link({
      openSocket: () => {
        const url = new URL('/ws', location.href);
        url.protocol = url.protocol.replace('http', 'ws');
        return new WebSocket(url, SUBPROTOCOL) as LinkSocket;
      },
      runLater: (run, ms) => {
        const timer = setTimeout(run, ms);
        return () => {
          clearTimeout(timer);
        };
      },
      receive: (news) => {
        this.#receive(news);
      },
      changed: () => {
        this.changed();
      },
    });
  }

  /** To be called whenever something is another one. */
  changed(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#draw();
    });
  }

  /** The clock of what is shown: now, or the end of a recording. */
  get now(): number {
    return this.hello?.source === 'live' && this.state?.hasEnded !== true ? Date.now() / 1000 : 0;
  }

  get session(): SessionRow | null {
    const { session } = this.place;
    return session === null ? null : (this.sessions.get(session) ?? null);
  }

  /** The sessions that are listed, in order. */
  get listed(): readonly SessionRow[] {
    const now = this.now;
    if (this.#list?.key !== this.#listKey || this.#listPlace !== this.place) {
      this.#list = {
        key: this.#listKey,
        sessions: chosenSessions(this.sessions.values(), this.place, now),
      };
      this.#listPlace = this.place;
    }
    return this.#list.sessions;
  }
  #listKey: object = {};
  /** How many connections there were. */
  #links = 0;

  /** Whether the session that is shown can be ended. */
  get canEnd(): boolean {
    const { session } = this;
    const isOpen = session !== null && session.close === undefined;
    return isOpen && this.hello?.canEndSessions === true && this.state?.hasEnded !== true;
  }

  /** How many rows are shown. */
  get total(): number {
    const { rows, pausedAt } = this;
    if (rows === null) return 0;
    return pausedAt === null ? rows.total : Math.max(0, Math.min(rows.total, pausedAt - rows.gone));
  }

  /** How many have come since somebody paused. */
  get waiting(): number {
    return this.pausedAt === null || this.rows === null ? 0 : this.rows.total - this.total;
  }

  /** The place of the cursor now; null where there is none any more. */
  get cursorPlace(): number | null {
    if (this.cursor === null || this.rows === null) return null;
    const place = this.cursor - this.rows.gone;
    return place >= 0 && place < this.total ? place : null;
  }

  // ---- Where one is

  /** @param isStep whether the browser's back button leads here again */
  go(change: Partial<Place>, isStep = false): void {
    const place = { ...this.place, ...change };
    const hash = hashOf(place);
    if (isStep) history.pushState(null, '', hash);
    else history.replaceState(null, '', hash);
    this.#goTo(place);
  }

  #goTo(place: Place): void {
    const before = this.place;
    this.place = place;
    if (place.screen === 'messages') {
      const isOtherView =
        before.screen !== 'messages' ||
        before.session !== place.session ||
        before.choice !== place.choice;
      if (before.session !== place.session || before.screen !== place.screen) {
        this.rows = null;
        this.#forgetPosition();
      }
      if (isOtherView) void this.#openView();
    }
    if (place.record !== before.record) void this.#openRecord();
    this.changed();
  }

  choose(change: Partial<Choice>): void {
    this.go({ choice: { ...this.place.choice, ...change } });
  }

  openMessages(session: string | null): void {
    this.sessionCursor = session;
    const { choice } = this.place;
    this.go(
      {
        screen: 'messages',
        session,
        record: null,
        choice: { ...choice, since: null, until: null },
      },
      true,
    );
  }

  /** One step up: from a record to the list, and from there to the sessions. */
  leave(): void {
    if (this.place.record !== null) this.go({ record: null });
    else if (this.place.screen === 'messages')
      this.go({ screen: 'sessions', session: null, record: null }, true);
  }

  #forgetPosition(): void {
    this.cursor = null;
    this.pausedAt = null;
    this.isFollowing = this.hello?.source !== 'file' && this.place.record === null;
    this.marked.clear();
    this.search.note = '';
  }

  // ---- What comes from the server

  #receive(news: PageNews): void {
    switch (news.news) {
      case 'hello':
        this.#begin(news);
        break;
      case 'sessions':
        for (const row of news.rows) this.sessions.set(row.s, row);
        for (const session of news.gone ?? []) this.sessions.delete(session);
        this.#listKey = {};
        break;
      case 'view':
        if (news.view === this.rows?.view) this.#viewChanged(news);
        break;
      case 'state':
        this.state = news;
        break;
    }
    this.changed();
  }

  /** Also after a connection was lost: its server may be another one, which has numbers of its own. */
  #begin(hello: News<'hello'>): void {
    this.hello = hello;
    this.#links++;
    this.#lastView = null;
    this.state = null;
    this.sessions.clear();
    this.#listKey = {};
    this.rows = null;
    this.#forgetPosition();
    if (this.place.screen === 'messages') void this.#openView();
    void this.#openRecord();
  }

  #viewChanged({ total, goneTotal, isComplete, fault }: News<'view'>): void {
    const { rows } = this;
    if (rows === null) return;
    rows.change(total, goneTotal, isComplete);
    if (fault !== undefined) this.viewFault = fault;
    void this.#fill();
  }

  // ---- Rows

  /** One question at a time: whoever types a filter asks for the last one only. */
  async #openView(): Promise<void> {
    const link = this.#links;
    this.#viewTurn++;
    if (this.#isOpening === link) return;
    this.#isOpening = link;
    try {
      for (let turn = 0; turn !== this.#viewTurn && link === this.#links;) {
        turn = this.#viewTurn;
        await this.#openViewOnce();
      }
    } catch (error) {
      if (!(error instanceof LinkLost)) this.viewFault = sentenceOf(error);
    } finally {
      if (this.#isOpening === link) this.#isOpening = -1;
      this.changed();
    }
  }
  #isOpening = -1;

  async #openViewOnce(): Promise<void> {
    const { session, choice, record } = this.place;
    const instead = this.#lastView;
    const { filter } = filterOf(choice, session);
    const question = { ask: 'view', filter, ...(instead !== null && { instead }) } as const;
    const turn = this.#viewTurn;
    const { view, total, goneTotal, isComplete } = await this.link.ask(question);
    this.#lastView = view;
    if (turn !== this.#viewTurn) return;
    this.rows = new RowCache(view, total, goneTotal, isComplete);
    this.viewFault = null;
    this.pausedAt = null;
    this.cursor = null;
    this.changed();
    void this.#fill();
    if (record !== null) await this.#findRecord(record);
  }
  #lastView: number | null = null;

  /** These are seen. */
  want(first: number, end: number): void {
    this.#wanted = { first, end };
    void this.#fill();
  }

  /** One question at a time: when much comes, what has passed meanwhile is not asked for. */
  async #fill(): Promise<void> {
    this.#fillTurn++;
    if (this.#isFilling) return;
    this.#isFilling = true;
    for (let turn = 0, isMore = true; isMore || turn !== this.#fillTurn;) {
      turn = this.#fillTurn;
      isMore = await this.#fillOnce();
      this.changed();
    }
    this.#isFilling = false;
  }
  #fillTurn = 0;

  /** @returns whether there may be more to ask for */
  async #fillOnce(): Promise<boolean> {
    const { rows } = this;
    const missing = rows?.missing(this.#wanted.first, this.#wanted.end) ?? null;
    if (rows === null || missing === null) return false;
    const { gone, view } = rows;
    try {
      const answer = await this.link.ask({ ask: 'rows', view, ...missing, gone });
      rows.add(answer.from, answer.rows, answer.goneTotal);
      return answer.rows.length > 0 || rows !== this.rows;
    } catch (error) {
      // What was asked of a view that another one has replaced is of no interest.
      if (rows !== this.rows) return true;
      if (error instanceof Fault) this.viewFault = error.message;
      return false;
    }
  }

  async #findRecord(n: number): Promise<boolean> {
    const { rows } = this;
    if (rows === null) return false;
    let place = rows.placeOf(n);
    if (place === -1) {
      const { view } = rows;
      const at = await this.link.ask({ ask: 'place', view, n });
      if (at.n !== n) return false;
      const question = { ask: 'rows', view, from: at.place, count: 1, gone: at.goneTotal } as const;
      const found = await this.link.ask(question);
      rows.add(found.from, found.rows, found.goneTotal);
      place = rows.placeOf(n);
    }
    this.isFollowing = false;
    this.cursor = rows.gone + place;
    this.changed();
    return true;
  }

  /** Puts the cursor on a row. */
  moveTo(place: number): void {
    if (this.rows === null || this.total === 0) return;
    const inside = Math.min(Math.max(place, 0), this.total - 1);
    this.isFollowing = false;
    this.cursor = this.rows.gone + inside;
    this.#entering = null;
    this.changed();
  }

  get rowAtCursor(): Row | undefined {
    const { cursorPlace } = this;
    return cursorPlace === null ? undefined : this.rowAt(cursorPlace);
  }

  /** Puts the cursor of the list of sessions on one. */
  moveToSession(session: string | null): void {
    this.sessionCursor = session;
    this.changed();
  }

  rowAt(place: number): Row | undefined {
    return this.rows?.at(place);
  }

  follow(isFollowing: boolean): void {
    this.isFollowing = isFollowing;
    if (isFollowing) this.pausedAt = null;
    this.changed();
  }

  pause(isPaused: boolean): void {
    this.pausedAt = isPaused && this.rows !== null ? this.rows.gone + this.rows.total : null;
    this.changed();
  }

  mark(record: number, isMarked: boolean): void {
    if (isMarked) this.marked.add(record);
    else this.marked.delete(record);
    this.changed();
  }

  clearMarks(): void {
    this.marked.clear();
    this.changed();
  }

  // ---- One record

  showRecord(record: number | null, isStep = false): void {
    this.go({ record }, isStep);
  }

  /** Shows the record at the cursor and has the focus go into it, whenever it comes, unless somebody has gone elsewhere by then. */
  enterCursor(isStep: boolean): void {
    const { rowAtCursor: row, cursorPlace } = this;
    if (row !== undefined) this.showRecord(row.n, isStep);
    this.#entering = row?.n ?? (cursorPlace === null ? null : 'cursor');
  }

  /** The row at the cursor is here; not again for the same one. */
  cursorArrived(canShow: boolean): void {
    const { rowAtCursor: row, place } = this;
    if (row === undefined) return;
    if (this.#entering === 'cursor') this.enterCursor(!canShow);
    else if (canShow && place.record !== row.n) this.showRecord(row.n);
  }

  /** The focus has gone elsewhere, and is not to be taken from there. */
  stayOut(): void {
    this.#entering = null;
  }

  /** @returns whether the focus is to go into what is drawn; says so once */
  takeEntering(): boolean {
    const isHere = this.#entering !== null && this.record?.row.n === this.#entering;
    if (isHere) this.#entering = null;
    return isHere;
  }

  async #openRecord(): Promise<void> {
    const turn = ++this.#recordTurn;
    const { record: n } = this.place;
    this.#entering = null;
    if (n === null) {
      this.record = null;
      this.recordFault = null;
      return;
    }
    try {
      const answer = await this.link.ask({ ask: 'record', n });
      if (turn !== this.#recordTurn) return;
      this.record = answer;
      this.recordFault = null;
    } catch (error) {
      if (turn !== this.#recordTurn || error instanceof LinkLost) return;
      this.record = null;
      this.recordFault = sentenceOf(error);
    }
    this.changed();
  }

  /** Shows another record, and has the cursor go there if it passes the filter. */
  async goToRecord(n: number): Promise<void> {
    this.showRecord(n, true);
    try {
      if (!(await this.#findRecord(n))) this.tell('The filter hides it from the list.');
    } catch (error) {
      this.tell(sentenceOf(error));
    }
  }

  // ---- Sessions, and what is said

  /** @returns why it could not be done; null when it is */
  async endSession(session: string, code: number, reason: string): Promise<string | null> {
    try {
      await this.link.ask({ ask: 'end', session, code, reason });
      return null;
    } catch (error) {
      return sentenceOf(error);
    }
  }

  show(dialog: OpenDialog): void {
    this.dialog = dialog;
    this.changed();
  }

  tell(notice: string): void {
    this.notice = notice;
    clearTimeout(this.#cancelNotice);
    this.#cancelNotice = setTimeout(() => {
      this.notice = '';
      this.changed();
    }, 6000);
    this.changed();
  }
}
