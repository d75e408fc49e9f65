/**
 * What the kernel still holds of what was written to a socket, as Linux tells in /proc.
 *
 * Node hears of progress when the kernel takes more, and it does so only when a third of a send buffer of megabytes is
 * free. A client that reads a few KiB each second would look as dead as one that reads nothing. What its system has
 * acknowledged shows in the column tx_queue of /proc/net/tcp, by the inode of the socket. Its self-test is the head of that
 * table, and that the socket is found in it; where either fails (other systems, Unix sockets, other names) nobody
 * knows more than Node does. Remove it when Node tells what is not acknowledged (SIOCOUTQ).
 *
 * Only sockets that seem to stall are looked for, all of them at once, and at most once in {@link PAUSE_MS}. The table is
 * read in pieces, so that a server with many sockets does not stop for it.
 */
import { fstatSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Of the network that this process is in. */
const TABLES = ['/proc/self/net/tcp', '/proc/self/net/tcp6'];

/** Between the end of a look and the next one. */
const PAUSE_MS = 1000;

const PIECE_BYTES = 64 * 1024;

/** The words of the head and the fields of a line, of which the first one here is `tx_queue:rx_queue`. */
const HEAD =
  /^ *sl +local_address +(?:rem|remote)_address +st +tx_queue +rx_queue +tr +tm->when +retrnsmt +uid +timeout +inode/;
const QUEUES_FIELD = 4;
const INODE_FIELD = 9;

export interface KernelQueueAsker {
  /**
   * @param bytes that are not acknowledged; null when that cannot be known
   * @param atMs when the kernel was looked at, by `performance.now()`
   */
  kernelHolds(bytes: number | null, atMs: number): void;
}

export class KernelQueues {
  readonly #tables: readonly string[];
  readonly #pauseMs: number;
  /** By the inodes of their sockets. */
  #askers = new Map<number, KernelQueueAsker>();
  #isLooking = false;

  /** @param tables where to look; by default the kernel's */
  constructor(tables: readonly string[] = TABLES, pauseMs: number = PAUSE_MS) {
    this.#tables = tables;
    this.#pauseMs = pauseMs;
  }

  /** Answers later, or at once where nothing can be known. @param descriptor of the socket; -1 for none */
  ask(asker: KernelQueueAsker, descriptor: number): void {
    const inode = inodeOf(descriptor);
    if (inode === null) {
      asker.kernelHolds(null, performance.now());
      return;
    }
    this.#askers.set(inode, asker);
    if (!this.#isLooking) void this.#lookAgain();
  }

  async #lookAgain(): Promise<void> {
    this.#isLooking = true;
    while (this.#askers.size > 0) {
      const askers = this.#askers;
      this.#askers = new Map();
      const atMs = performance.now();
      for (const table of this.#tables) {
        // A system without IPv6 has one table.
        await this.#look(table, askers, atMs).catch(() => undefined);
      }
      for (const asker of askers.values()) asker.kernelHolds(null, atMs);
      await new Promise((resolve) => setTimeout(resolve, this.#pauseMs).unref());
    }
    this.#isLooking = false;
  }

  async #look(table: string, askers: Map<number, KernelQueueAsker>, atMs: number): Promise<void> {
    const file = await open(table);
    try {
      let isHead = true;
      for await (const line of linesOf(file)) {
        if (isHead && !HEAD.test(line)) return;
        if (!isHead) tell(line, askers, atMs);
        isHead = false;
        if (askers.size === 0) return;
      }
    } finally {
      await file.close();
    }
  }
}

/** One for each process: all of its servers have the same kernel. */
export const kernelQueues = new KernelQueues();

function tell(line: string, askers: Map<number, KernelQueueAsker>, atMs: number): void {
  const fields = line.trimStart().split(/ +/, INODE_FIELD + 1);
  const inode = Number(fields[INODE_FIELD]);
  const asker = askers.get(inode);
  if (asker === undefined) return;
  askers.delete(inode);
  const bytes = parseInt(fields[QUEUES_FIELD]!, 16);
  asker.kernelHolds(Number.isNaN(bytes) ? null : bytes, atMs);
}

function inodeOf(descriptor: number): number | null {
  if (descriptor < 0) return null;
  try {
    return fstatSync(descriptor).ino;
  } catch {
    // It was closed meanwhile.
    return null;
  }
}

async function* linesOf(file: FileHandle): AsyncGenerator<string> {
  const bytes = Buffer.allocUnsafe(PIECE_BYTES);
  let begun = '';
  for (;;) {
    const { bytesRead } = await file.read(bytes, 0, PIECE_BYTES);
    if (bytesRead === 0) return;
    const lines = (begun + bytes.toString('latin1', 0, bytesRead)).split('\n');
    begun = lines.pop()!;
    yield* lines;
  }
}
