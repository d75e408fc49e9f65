/** Targets by token, from a file that websockify could read, or from all files of a directory. */
import { createHash } from 'node:crypto';
import { readFile, readdir, stat } from 'node:fs/promises';
import { ConfigError, HandshakeError } from '../../../errors.js';
import { hasStrayPercent } from '../../../handshake/request-target.js';
import type { Target } from '../../../net/socket-address.js';
import type { Reloadable } from '../../../reloadable.js';
import { type ParseTarget, readTokenLines, tokenKey } from './token-lines.js';
import { TOKEN_IN_QUERY, type TokenBearer, type TokenPlace } from './token-place.js';

/** What errors and the log say about the file; tokens are never mentioned. */
export interface TokenLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A larger file is taken for a mistake. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;

/** A file that has just changed may change again without its times showing it. */
const SETTLED_MS = 2000;

const OUT_OF_RESOURCES: readonly string[] = ['EMFILE', 'ENFILE', 'ENOMEM'];

/** Failures that pass by themselves: the file will not look any different then. */
const PASSING: readonly string[] = [...OUT_OF_RESOURCES, 'EIO', 'ESTALE'];

/** How long such a failure is taken to last: a look at all files costs more than an answer. */
const RETRY_MS = 1000;

/** A file and its state on disk: while that is the same, the file is taken as unchanged. */
interface Seen {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly stamp: string;
  readonly isSettled: boolean;
  /** Why the file cannot be read. */
  readonly failure: string | null;
}

/** Why a file cannot be read. */
interface Failure {
  readonly reason: string;
  /** The fault is not the file's: this process has no descriptor left. */
  readonly isOurs: boolean;
}

interface Content {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly failure: string | null;
}

export class TokenFile implements Reloadable {
  readonly what = 'tokens';

  readonly #path: string;
  readonly #place: TokenPlace;
  readonly #parseTarget: ParseTarget;
  readonly #log: TokenLog;
  readonly #nowMs: () => number;
  #targets: ReadonlyMap<string, Target> = new Map();
  /** Why a file could not be read: an unknown token may be in there. */
  #failure: Failure | null = null;
  /** The state of the files when they were read. */
  #stamp: string | null = null;
  /** When that state was first seen, in milliseconds. */
  #sinceMs = 0;
  /** When the files are read again although their state is the same. */
  #dueMs = 0;
  /** Of the contents that were read. */
  #digest = '';
  #running: Promise<void> | null = null;
  #waiting: Promise<void> | null = null;

  /**
   * @param path a file, or a directory all of whose files are taken, in the order of their names,
   *   except those that begin with a dot
   * @param place where requests have their tokens
   * @param nowMs a monotonic clock in milliseconds
   */
  constructor(
    path: string,
    parseTarget: ParseTarget,
    log: TokenLog,
    place: TokenPlace = TOKEN_IN_QUERY,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#path = path;
    this.#place = place;
    this.#parseTarget = parseTarget;
    this.#log = log;
    this.#nowMs = nowMs;
  }

  /**
   * Finds the target of the token that a request has. The current content of the file counts.
   *
   * @throws HandshakeError as a rejection: `route` if there is no such token, `request-escape` if the
   *   reason may be a `%` that begins no escape, `internal` if a file that may have the token cannot be
   *   read, `exhausted` if there is no descriptor left to read it with
   */
  async findTarget(request: TokenBearer): Promise<Target> {
    const place = this.#place;
    const tokens = place.find(request);
    if (tokens.length === 0) throw unknown(`no valid token in the ${place.from}`);
    await this.refresh();
    for (const token of tokens) {
      const target = this.#targets.get(this.#keyOf(token));
      if (target !== undefined) return target;
    }
    if (this.#failure !== null) throw unreadableNow(this.#failure);
    const reason = 'the token is not in the token file';
    // A `%` that begins no escape was taken literally and nothing was found: the client may have meant
    // an escape.
    if (tokens.some((token) => token.includes('%')) && hasStrayPercent(place.textOf(request)))
      throw new HandshakeError('request-escape', {}, { reason });
    throw unknown(reason);
  }

  /**
   * Where the token of an earlier request leads by now, as far as was read.
   *
   * @returns null if it leads nowhere; undefined if nobody can tell, since a file cannot be read, or none was read yet
   */
  lookUp(request: TokenBearer): Target | null | undefined {
    for (const token of this.#place.find(request)) {
      const target = this.#targets.get(this.#keyOf(token));
      if (target !== undefined) return target;
    }
    const isKnown = this.#digest !== '' && this.#failure === null;
    return isKnown ? null : undefined;
  }

  /** Sooner than the next request would. Tokens of a file that cannot be read are refused, as at any time. */
  async reload(): Promise<string | null> {
    const before = this.#digest;
    // What was in the way may be gone without a trace at the file, and somebody asks for it now.
    if (this.#failure !== null) this.#dueMs = 0;
    await this.refresh();
    if (this.#failure !== null) throw new ConfigError(this.#failure.reason);
    return this.#digest === before ? null : `${this.#targets.size}`;
  }

  /**
   * Reads the files if they have changed. What is wrong with them goes to the log, once for each
   * change. A file that cannot be read is tried again when it has changed, or a second later if that may pass by itself.
   */
  refresh(): Promise<void> {
    if (this.#waiting !== null) return this.#waiting;
    if (this.#running !== null) {
      // That check may have begun before this caller asked; the next one serves all who wait.
      const next = (): Promise<void> => {
        this.#waiting = null;
        return this.refresh();
      };
      this.#waiting = this.#running.then(next, next);
      return this.#waiting;
    }
    this.#running = this.#look().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  async #look(): Promise<void> {
    const files = await findFiles(this.#path);
    const stamp = files.map((file) => `${file.path}\0${file.stamp}`).join('\0');
    const nowMs = this.#nowMs();
    if (stamp === this.#stamp) {
      if (nowMs < this.#dueMs) return;
    } else {
      this.#stamp = stamp;
      this.#sinceMs = nowMs;
    }
    // Times may be in the future.
    const isSettled = nowMs - this.#sinceMs > SETTLED_MS || files.every((file) => file.isSettled);
    const contents: Content[] = [];
    for (const file of files) contents.push(await readContent(file));
    if (contents.some(({ failure }) => PASSING.includes(failure ?? '')))
      this.#dueMs = nowMs + RETRY_MS;
    else this.#dueMs = isSettled ? Infinity : nowMs;
    const digest = digestOf(contents);
    if (digest === this.#digest) return;
    this.#digest = digest;
    await this.#take(contents);
  }

  async #take(contents: readonly Content[]): Promise<void> {
    const targets = new Map<string, Target>();
    let failed: Failure | null = null;
    for (const { path: file, bytes, failure } of contents) {
      if (failure === null) {
        await this.#readLines(file, bytes, targets);
        continue;
      }
      this.#log.error({ file, reason: failure }, 'token file cannot be read');
      failed = {
        reason: `token file ${file} cannot be read: ${failure}`,
        isOurs: OUT_OF_RESOURCES.includes(failure),
      };
    }
    this.#targets = targets;
    this.#failure = failed;
    this.#log.info({ file: this.#path, tokens: targets.size }, 'tokens read');
  }

  readonly #keyOf = (token: string): string =>
    tokenKey(this.#place.isCaseless ? token.toLowerCase() : token);

  async #readLines(file: string, bytes: Uint8Array, targets: Map<string, Target>): Promise<void> {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString();
    const faults = await readTokenLines(text, this.#parseTarget, targets, this.#keyOf);
    for (const { line, reason } of faults.first)
      this.#log.warn({ file, line, reason }, 'fault in the token file');
    if (faults.count > faults.first.length)
      this.#log.warn({ file, lines: faults.count }, 'more faults in the token file');
  }
}

function unreadableNow({ reason, isOurs }: Failure): HandshakeError {
  return new HandshakeError(isOurs ? 'exhausted' : 'internal', {}, { reason });
}

function unknown(reason: string): HandshakeError {
  return new HandshakeError('route', {}, { reason });
}

async function findFiles(path: string): Promise<readonly Seen[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [await look(path)];
    const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
    const files = await Promise.all(names.map((name) => look(`${path}/${name}`)));
    return files.filter(({ isDirectory }) => !isDirectory);
  } catch (error) {
    return [unreadable(path, nameOf(error))];
  }
}

async function look(path: string): Promise<Seen> {
  try {
    const stats = await stat(path, { bigint: true });
    const { dev, ino, size, mtimeNs, mtimeMs, ctimeNs } = stats;
    const isDirectory = stats.isDirectory();
    // A pipe or a device might keep its reader waiting forever.
    if (!isDirectory && !stats.isFile()) return unreadable(path, 'it is not a regular file');
    if (!isDirectory && size > MAX_FILE_BYTES) return unreadable(path, 'it is larger than 16 MiB');
    return {
      path,
      isDirectory,
      stamp: [dev, ino, size, mtimeNs, ctimeNs].join(),
      isSettled: Date.now() - Number(mtimeMs) > SETTLED_MS,
      failure: null,
    };
  } catch (error) {
    return unreadable(path, nameOf(error));
  }
}

function unreadable(path: string, failure: string): Seen {
  return { path, isDirectory: false, stamp: failure, isSettled: true, failure };
}

async function readContent({ path, failure }: Seen): Promise<Content> {
  if (failure !== null) return { path, bytes: new Uint8Array(0), failure };
  try {
    return { path, bytes: await readFile(path), failure: null };
  } catch (error) {
    return { path, bytes: new Uint8Array(0), failure: nameOf(error) };
  }
}

function digestOf(contents: readonly Content[]): string {
  const hash = createHash('sha256');
  for (const { path, bytes, failure } of contents)
    hash.update(JSON.stringify([path, failure, bytes.length])).update(bytes);
  return hash.digest('base64');
}

/** The system's name of an error, such as `ENOENT`. */
function nameOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code!;
}
