/**
 * Lines that clients cause, held at a rate: whoever fills the disk with lines, or hides one line among thousands,
 * harms the others as much as whoever takes their memory.
 *
 * Laws:
 * 1. Each level has the rate for itself: no flood of sessions hides an error.
 * 2. One address has a part of it: no flood from one address hides the lines of another.
 * 3. The first line of its kind is always written: no flood of one kind hides another one.
 * 4. What is left out is counted, and told within {@link WINDOW_MS}: how much of what, and who it was.
 * 5. Memory has a bound, and a line that is left out costs next to nothing: its fields are not even made.
 */
import { Rate, TokenBucket, TokenBuckets } from '../../budget/token-bucket.js';
import type { ClientLog, Log, LogLevel } from '../../log.js';
import { networkOf } from '../../net/ip-address.js';
import { cutFields } from './cut-fields.js';

/** How often what was left out is told. */
export const WINDOW_MS = 10_000;

/** One address may have so much of the rate: this part of it each second, and what is written in a second at once. */
const ADDRESS_SHARE = 0.1;
/** All of them may have at once what is written in so many seconds. */
const BURST_SECONDS = 10;

/** How many addresses are remembered at each level. */
const MAX_ADDRESSES = 1024;
/** How many kinds of lines are told apart in one window. */
const MAX_KINDS = 64;
/** How many addresses are counted in one window, those of all kinds together. */
const MAX_COUNTED = 4096;
/** How many addresses are named for each kind: those with the most lines. */
const MAX_NAMED = 3;

/** What the metrics tell: lines that were left out. */
export type LeftOut = Record<LogLevel, number>;

/** The buckets of a level. */
interface Buckets {
  readonly all: TokenBucket;
  readonly each: TokenBuckets;
}

/** Lines of the same level, message and rule. */
interface Kind {
  readonly level: LogLevel;
  readonly message: string;
  readonly rule: string | null;
  /** None of them has been written in this window. */
  isNew: boolean;
  leftOut: number;
  /** Those that were left out, by address. */
  readonly addresses: Map<string, number>;
  /** Those of addresses that there was no room for. */
  elsewhere: number;
}

export class ClientLines implements ClientLog {
  readonly leftOut: LeftOut = { debug: 0, info: 0, warn: 0, error: 0 };

  readonly #log: Log;
  readonly #buckets: Readonly<Record<LogLevel, Buckets>> | null;
  /** Those of this window. */
  readonly #kinds = new Map<string, Kind>();
  /** That of the last line: most lines are of the same kind. */
  #lastKind: Kind | null = null;
  #windowMs = performance.now();
  #counted = 0;
  #timer: NodeJS.Timeout | null = null;

  /** @param maxLogRate lines a second, of each level; 0 for no bound */
  constructor(log: Log, maxLogRate: number) {
    this.#log = log;
    const buckets = (): Buckets => bucketsFor(maxLogRate);
    this.#buckets =
      maxLogRate === 0
        ? null
        : { debug: buckets(), info: buckets(), warn: buckets(), error: buckets() };
  }

  write(
    level: LogLevel,
    address: string,
    message: string,
    fields: () => object,
    rule: string | null = null,
  ): void {
    const log = this.#log;
    // Nobody misses what would not be written either way.
    if (log.isLevelEnabled?.(level) === false) return;
    if (this.#buckets !== null && !this.#take(this.#buckets[level], level, address, message, rule))
      return;
    log[level](cutFields(fields()), message);
  }

  /** Tells what was left out: at the end of a window, and when the server stops. */
  tell(): void {
    const nowMs = performance.now();
    const seconds = Math.round((nowMs - this.#windowMs) / 1000);
    const kinds = [...this.#kinds.values()];
    clearTimeout(this.#timer ?? undefined);
    this.#timer = null;
    this.#kinds.clear();
    this.#lastKind = null;
    this.#counted = 0;
    this.#windowMs = nowMs;
    for (const kind of kinds) if (kind.leftOut > 0) this.#tellKind(kind, seconds);
  }

  #tellKind({ level, message, rule, leftOut, addresses, elsewhere }: Kind, seconds: number): void {
    const most = [...addresses].sort(([, one], [, other]) => other - one).slice(0, MAX_NAMED);
    const fields = {
      ...(rule === null ? {} : { rule }),
      lines: leftOut,
      seconds,
      addresses: addresses.size,
      from: Object.fromEntries(most),
      ...(elsewhere === 0 ? {} : { elsewhere }),
    };
    this.#log[level](fields, `more like this: ${message}`);
  }

  /** @returns whether a line may be written; if not it is counted */
  #take(
    { all, each }: Buckets,
    level: LogLevel,
    address: string,
    message: string,
    rule: string | null,
  ): boolean {
    const nowMs = performance.now();
    if (nowMs - this.#windowMs >= WINDOW_MS) this.tell();
    const kind = this.#kindOf(level, message, rule);
    this.#lastKind = kind;
    const network = networkOf(address);
    if (kind.isNew) {
      kind.isNew = false;
      all.spend(nowMs, 1);
    } else if (each.waitMs(network, nowMs) > 0 || !all.take(nowMs)) {
      this.#leaveOut(kind, network);
      return false;
    }
    each.spend(network, nowMs);
    return true;
  }

  #kindOf(level: LogLevel, message: string, rule: string | null): Kind {
    const last = this.#lastKind;
    if (last?.message === message && last.rule === rule && last.level === level) return last;
    const hasRoom = this.#kinds.size < MAX_KINDS;
    const key = `${level} ${rule} ${message}`;
    const known = this.#kinds.get(key) ?? (hasRoom ? undefined : this.#kinds.get(level));
    if (known !== undefined) return known;
    const kind: Kind = {
      level,
      message: hasRoom ? message : 'lines of other kinds',
      rule: hasRoom ? rule : null,
      isNew: hasRoom,
      leftOut: 0,
      addresses: new Map(),
      elsewhere: 0,
    };
    this.#kinds.set(hasRoom ? key : level, kind);
    return kind;
  }

  #leaveOut(kind: Kind, network: string): void {
    kind.leftOut++;
    this.leftOut[kind.level]++;
    const { addresses } = kind;
    const lines = addresses.get(network) ?? 0;
    if (lines === 0 && this.#counted === MAX_COUNTED) kind.elsewhere++;
    else {
      if (lines === 0) this.#counted++;
      addresses.set(network, lines + 1);
    }
    if (this.#timer !== null) return;
    this.#timer = setTimeout(
      () => {
        this.tell();
      },
      Math.max(1, this.#windowMs + WINDOW_MS - performance.now()),
    ).unref();
  }
}

function bucketsFor(perSecond: number): Buckets {
  const each = new Rate(perSecond * ADDRESS_SHARE, Math.max(1, perSecond));
  return {
    all: new TokenBucket(new Rate(perSecond, perSecond * BURST_SECONDS)),
    each: new TokenBuckets(each, MAX_ADDRESSES),
  };
}
