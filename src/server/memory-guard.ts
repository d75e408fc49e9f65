/**
 * Makes room when the account of memory runs out: from 80 % on nobody who holds much is read from, but for the one that
 * holds most, and at the limit those who hold most are closed.
 *
 * One goes on because the others would wait for each other: whoever is through with its message gives back all
 * of it, and then it is the turn of the next one. Whoever is not through in time goes.
 *
 * The account tells in the middle of anything, so here it is only noted; what is to be done is done when the event loop
 * comes by. It looks at every connection then, which is once for each time that memory becomes scarce, is there again or
 * runs out, and not for each byte.
 */
import type { MemoryAccount, MemoryWatcher } from '../budget/memory-account.js';
import type { Log } from '../log.js';
import { MUCH_BYTES } from '../session/input.js';

/** At the limit room is made down to this share of it: else the next byte would ask for the next one to go. */
const ROOM_SHARE = 0.9;

/** How often to look whether the one that goes on is through. */
const LOOK_MS = 50;

/** How long memory may be scarce while this share of it at least is not given back. */
const STANDSTILL_MS = 1000;
const PROGRESS_SHARE = 1 / 64;

/** That memory is scarce is logged once in this time. */
const LOG_MS = 10_000;

/** A connection, to the guard. */
export interface MemoryHolder {
  /** The memory that is held for it, in bytes. */
  readonly heldBytes: number;
  /** What of that it takes by itself: nothing of it can be given back while it is open. */
  readonly ownBytes: number;
  /** Null before a session is open, and after it: then there is little that could be saved. */
  readonly openSession: MemorySaver | null;
  /** Ends it at once. */
  drop(rule: 'memory'): void;
}

/** A session, to the guard. */
export interface MemorySaver {
  /** Memory is scarce: takes nothing more if it holds much. */
  saveMemory(): void;
  /** There is enough again. */
  memoryIsBack(): void;
  /** Goes on all the same, until memory is back or it is another one's turn: what it waits for may set its memory free. */
  goOn(): void;
  /** Another one goes on. */
  waitAgain(): void;
  /** Ends, and gives back what it holds. */
  shed(): void;
}

/** Memory that is charged and that nobody has. */
export interface SpareMemory {
  /** Gives it back to the system. */
  giveBack(): void;
}

export class MemoryGuard implements MemoryWatcher {
  readonly #account: MemoryAccount;
  readonly #holders: Iterable<MemoryHolder>;
  readonly #spare: SpareMemory;
  readonly #log: Log;
  readonly #standstillMs: number;
  /** The one that goes on while the others are not read. */
  #chosen: MemoryHolder | null = null;
  /** Since when nothing was given back. */
  #sinceMs = 0;
  #isDue = false;
  /** The holders know that memory is scarce. */
  #isSaving = false;
  /** It has become scarce since the last look: whoever was read meanwhile knows by itself. */
  #wasNear = false;
  #timer: NodeJS.Timeout | null = null;
  /** How much was held then. */
  #heldBytes = 0;
  #loggedMs = -Infinity;

  /** @param standstillMs shorter in tests */
  constructor(
    account: MemoryAccount,
    holders: Iterable<MemoryHolder>,
    spare: SpareMemory,
    log: Log,
    standstillMs = STANDSTILL_MS,
  ) {
    this.#standstillMs = standstillMs;
    this.#account = account;
    this.#holders = holders;
    this.#spare = spare;
    this.#log = log;
    account.watcher = this;
  }

  nearBegan(): void {
    this.#wasNear = true;
    this.#soon();
  }

  nearEnded(): void {
    this.#soon();
  }

  full(): void {
    this.#soon();
  }

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(this.#look);
  }

  readonly #look = (): void => {
    this.#isDue = false;
    // Before anybody has to go for it.
    if (this.#account.isNear) this.#spare.giveBack();
    const { bytes, maxBytes, isNear } = this.#account;
    const isMissed = this.#wasNear && !isNear;
    this.#wasNear = false;
    if (isNear !== this.#isSaving || isMissed) this.#save(isNear);
    if (bytes >= maxBytes) this.#shedDownTo(maxBytes * ROOM_SHARE, 0);
  };

  #save(isNear: boolean): void {
    this.#isSaving = isNear;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#chosen = null;
    if (isNear) {
      this.#moved();
      this.#timer = setInterval(this.#watch, Math.min(LOOK_MS, this.#standstillMs));
      this.#timer.unref();
      for (const { openSession } of this.#holders) openSession?.saveMemory();
      this.#choose();
      this.#tell();
    } else {
      for (const { openSession } of this.#holders) openSession?.memoryIsBack();
    }
  }

  readonly #watch = (): void => {
    const { bytes, maxBytes } = this.#account;
    if (this.#heldBytes - bytes >= maxBytes * PROGRESS_SHARE) {
      this.#moved();
    } else if (performance.now() - this.#sinceMs >= this.#standstillMs) {
      this.#shedDownTo(bytes - 1, MUCH_BYTES);
      this.#moved();
    }
    if ((this.#chosen?.heldBytes ?? 0) <= MUCH_BYTES) this.#choose();
  };

  #moved(): void {
    this.#heldBytes = this.#account.bytes;
    this.#sinceMs = performance.now();
  }

  #choose(): void {
    this.#chosen?.openSession?.waitAgain();
    this.#chosen = this.#sizes(MUCH_BYTES)[0]?.[1] ?? null;
    this.#chosen?.openSession?.goOn();
  }

  /** @param leastBytes whoever holds no more than this stays */
  #shedDownTo(targetBytes: number, leastBytes: number): void {
    // What a connection gives back may be off the account only when its socket is closed.
    let { bytes } = this.#account;
    let closed = 0;
    for (const [heldBytes, holder] of this.#sizes(leastBytes)) {
      if (bytes <= targetBytes) break;
      const { openSession } = holder;
      if (openSession === null) holder.drop('memory');
      else openSession.shed();
      bytes -= heldBytes;
      closed++;
    }
    if (closed > 0) this.#log.debug({ connections: closed }, 'closed for memory');
  }

  /** Those who hold more than so much, and more than they take by themselves, the largest first. */
  #sizes(leastBytes: number): (readonly [bytes: number, holder: MemoryHolder])[] {
    const sizes: (readonly [bytes: number, holder: MemoryHolder])[] = [];
    for (const holder of this.#holders) {
      const { heldBytes, ownBytes } = holder;
      if (heldBytes > Math.max(ownBytes, leastBytes)) sizes.push([heldBytes, holder]);
    }
    return sizes.sort(([one], [other]) => other - one);
  }

  #tell(): void {
    const nowMs = performance.now();
    if (nowMs - this.#loggedMs < LOG_MS) return;
    this.#loggedMs = nowMs;
    const { bytes, maxBytes } = this.#account;
    const message = 'memory is scarce: newcomers are refused, and whoever holds most may be closed';
    this.#log.warn({ bytes, maxMemory: maxBytes }, message);
  }
}
