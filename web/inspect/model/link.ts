/** The page's connection to the server: questions and their answers, news, and a new attempt when it is lost. */
import type {
  DoneAnswer,
  ExportAnswer,
  PageNews,
  PageRequest,
  PlaceAnswer,
  RecordAnswer,
  RowsAnswer,
  StripAnswer,
  ViewAnswer,
} from '../../../src/inspect/page-protocol.js';

/** What is used of a WebSocket. */
export interface LinkSocket {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null;
  send(text: string): void;
}

export interface LinkHost {
  openSocket(): LinkSocket;
  /** @returns what cancels it */
  runLater(run: () => void, ms: number): () => void;
  receive(news: PageNews): void;
  /** The state has changed. */
  changed(): void;
}

interface Answers {
  readonly view: ViewAnswer;
  readonly rows: RowsAnswer;
  readonly place: PlaceAnswer;
  readonly find: PlaceAnswer;
  readonly record: RecordAnswer;
  readonly strip: StripAnswer;
  readonly export: ExportAnswer;
  readonly end: DoneAnswer;
}

type WithoutId<R> = R extends PageRequest ? Omit<R, 'id'> : never;

/** A request without its number, which has an answer. */
export type Question = WithoutId<Extract<PageRequest, { ask: keyof Answers }>>;

interface Waiting {
  readonly resolve: (answer: object) => void;
  readonly reject: (error: Error) => void;
  /** What has come of a file. */
  readonly parts: Uint8Array<ArrayBuffer>[];
}

/** The server says why it cannot. */
export class Fault extends Error {}

/** There is no connection to ask by. */
export class LinkLost extends Error {}

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;

export class Link {
  state: 'connecting' | 'open' | 'lost' = 'connecting';
  /** What the server said when it closed the connection. */
  reason = '';

  readonly #host: LinkHost;
  readonly #waiting = new Map<number, Waiting>();
  #socket: LinkSocket | null = null;
  #lastId = 0;
  #failures = 0;
  #cancelRetry: (() => void) | null = null;

  constructor(host: LinkHost) {
    this.#host = host;
    this.#open();
  }

  /** When it is lost: does not wait for the next attempt. */
  retry(): void {
    if (this.#cancelRetry === null) return;
    this.#cancelRetry();
    this.#open();
  }

  /** @throws Fault when the server refuses, LinkLost when there is none */
  ask<Q extends Question>(question: Q): Promise<Answers[Q['ask']]> {
    return this.#ask(question, []) as Promise<Answers[Q['ask']]>;
  }

  /** @throws as `ask` does */
  async askFile(question: Extract<Question, { ask: 'export' }>): Promise<{
    readonly answer: ExportAnswer;
    readonly parts: readonly Uint8Array<ArrayBuffer>[];
  }> {
    const parts: Uint8Array<ArrayBuffer>[] = [];
    const answer = (await this.#ask(question, parts)) as ExportAnswer;
    return { answer, parts };
  }

  /** It is not shown any more. */
  forget(view: number): void {
    this.#send({ ask: 'forget', id: ++this.#lastId, view });
  }

  #ask(question: object, parts: Uint8Array<ArrayBuffer>[]): Promise<object> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      if (!this.#send({ ...question, id })) {
        reject(new LinkLost('the connection to twist is lost'));
        return;
      }
      this.#waiting.set(id, { resolve, reject, parts });
    });
  }

  #send(request: object): boolean {
    if (this.state !== 'open') return false;
    this.#socket?.send(JSON.stringify(request));
    return true;
  }

  #open(): void {
    this.#cancelRetry = null;
    this.state = 'connecting';
    const socket = this.#host.openSocket();
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onopen = () => {
      this.state = 'open';
      this.reason = '';
      this.#failures = 0;
      this.#host.changed();
    };
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string')
        this.#receive(JSON.parse(data) as Readonly<Record<string, unknown>>);
      else this.#receiveBytes(data as ArrayBuffer);
    };
    socket.onclose = ({ reason }) => {
      this.#lose(reason);
    };
    this.#host.changed();
  }

  #receive(message: Readonly<Record<string, unknown>>): void {
    if ('news' in message) {
      this.#host.receive(message as unknown as PageNews);
      return;
    }
    const id = message['id'] as number;
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (typeof message['fault'] === 'string') waiting?.reject(new Fault(message['fault']));
    else waiting?.resolve(message);
  }

  #receiveBytes(data: ArrayBuffer): void {
    const id = new DataView(data).getUint32(0);
    this.#waiting.get(id)?.parts.push(new Uint8Array(data, 4));
  }

  #lose(reason: string): void {
    this.state = 'lost';
    this.reason = reason;
    for (const { reject } of this.#waiting.values())
      reject(new LinkLost('the connection to twist is lost'));
    this.#waiting.clear();
    const delay = Math.min(FIRST_RETRY_MS * 2 ** this.#failures++, MAX_RETRY_MS);
    this.#cancelRetry = this.#host.runLater(() => {
      this.#open();
    }, delay);
    this.#host.changed();
  }
}
