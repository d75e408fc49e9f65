/** The two things that can be inspected, as whoever serves the page sees them. */
import type { Mode } from '../session/mode.js';
import { InspectMode } from './inspect-mode.js';
import type { PageOptions } from './page/page-session.js';
import { FileStore } from './store/file-store.js';
import { LiveStore } from './store/live-store.js';
import { WorkQueue } from './store/work-queue.js';

type CommonOptions = Pick<PageOptions, 'version' | 'spoolDir'>;

export interface LiveInspectionOptions extends Omit<PageOptions, 'memoryBytes'> {
  /** What lines, their index and the sessions may take together. */
  readonly memoryBytes: number;
  /** Others may have written the lines: all of each is checked, and secrets are hidden. */
  readonly isForeign?: boolean;
}

/** Live traffic. */
export class LiveInspection {
  readonly mode: Mode;
  readonly #store: LiveStore;

  /** @throws InvalidArgumentError for too little memory */
  constructor(options: LiveInspectionOptions) {
    this.#store = new LiveStore(options);
    this.mode = new InspectMode(this.#store, new WorkQueue(), options);
  }

  /** Takes bytes of a recording, cut anywhere; they are copied. */
  receive(bytes: Uint8Array): void {
    this.#store.append(bytes);
  }

  /** Something of what has come is of a recording. */
  get isRecording(): boolean {
    return this.#store.isRecording;
  }

  /** Lines that are no records. */
  get damaged(): number {
    return this.#store.damaged;
  }

  /** How long a line may be, in bytes, where one was longer; else null. */
  get exceededBytes(): number | null {
    return this.#store.tooLong === 0 ? null : this.#store.maxLineBytes;
  }

  /** Nothing more comes. */
  end(): void {
    this.#store.end();
  }

  /** @param fault why what has come is not all, in a sentence for the page */
  fail(fault: string): void {
    this.#store.fault = fault;
  }
}

/** A recording in a file. */
export class FileInspection {
  readonly mode: Mode;
  readonly #store: FileStore;

  /**
   * Opens it; its index is made while it is looked at already.
   *
   * @throws what `node:fs` throws; `ESPIPE` for what is no file
   */
  constructor(file: string, options: CommonOptions & { readonly isFollowed?: boolean }) {
    const queue = new WorkQueue();
    const { isFollowed = false } = options;
    this.#store = new FileStore(file, { isFollowed, queue });
    this.mode = new InspectMode(this.#store, queue, options);
  }

  close(): void {
    this.#store.close();
  }
}
