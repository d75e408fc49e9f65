/** Where passwords come from: one user's from the environment, or a file of bcrypt hashes. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { ConfigError, InvalidStateError } from '../../errors.js';
import { checkRegular } from '../../regular-file.js';
import { systemReason } from '../../system-reason.js';
import { type BasicCredentials, splitCredentials } from '../../handshake/basic-credentials.js';
import type { Authenticator } from './authenticator.js';
import { BcryptVerifier } from './bcrypt-verifier.js';
import { Logins, type Passwords, type Turn, type Verdict } from './logins.js';
import { type PasswordHashes, costOf, readPasswordFile } from './password-file.js';
import { Remembered } from './remembered.js';
import type { ClientLog, Log } from '../../log.js';
import type { Reloadable } from '../../reloadable.js';

/** How long a password that was right needs no verification again, and how many of them are remembered. */
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 1000;

/**
 * Lets in one user.
 *
 * @param userPassword `user:password`, without control characters
 * @param maxLoginFailures how many logins of one address may fail in a minute; 0 for no limit
 */
export function passwordAuthenticator(
  userPassword: string,
  maxLoginFailures: number,
  log: Log,
  clientLog?: ClientLog,
): Authenticator {
  const right = splitCredentials(userPassword);
  if (right === null) throw new InvalidStateError('no user:password');
  // Of equal length whatever was sent, and compared in a time that tells nothing about it.
  const user = sha256(right.user);
  const password = sha256(right.password);
  const check = (given: BasicCredentials): Verdict => {
    const isUser = timingSafeEqual(sha256(given.user), user);
    const isPassword = timingSafeEqual(sha256(given.password), password);
    return isUser && isPassword ? 'right' : 'wrong';
  };
  return new Logins({ check }, maxLoginFailures, log, clientLog);
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * Lets in the users of a file of bcrypt hashes. The file is read again when it has changed; when that fails,
 * the users before stay in force, and the log says so once.
 *
 * @param maxLoginFailures how many logins of one address may fail in a minute; 0 for no limit
 * @throws {ConfigError} as a rejection, when the file cannot be read or holds something else
 */
export async function fileAuthenticator(
  path: string,
  maxLoginFailures: number,
  log: Log,
  clientLog?: ClientLog,
): Promise<Authenticator & Reloadable> {
  const verifier = new BcryptVerifier();
  const users = new PasswordFileUsers(
    path,
    log,
    verifier,
    await readUsers(path, verifier, readFile),
  );
  return new FileLogins(users, maxLoginFailures, log, clientLog);
}

class FileLogins extends Logins implements Reloadable {
  readonly what = 'passwords';
  readonly #users: PasswordFileUsers;

  constructor(users: PasswordFileUsers, ...rest: [number, Log, ClientLog?]) {
    super(users, ...rest);
    this.#users = users;
  }

  reload(): Promise<string | null> {
    return this.#users.reload();
  }
}

class PasswordFileUsers implements Passwords {
  readonly #path: string;
  readonly #log: Log;
  readonly #verifier: BcryptVerifier;
  #passwords: KnownPasswords;
  /** What was last read, or could not be: a file of another version is tried again. */
  #version: string;
  /** The version that the log said cannot be read. */
  #told = '';
  #refreshed: Promise<void> | null = null;

  constructor(path: string, log: Log, verifier: BcryptVerifier, users: FileUsers) {
    this.#path = path;
    this.#log = log;
    this.#verifier = verifier;
    this.#passwords = users.passwords;
    this.#version = users.version;
  }

  async check(given: BasicCredentials, turn: Turn): Promise<Verdict> {
    // Those that come meanwhile look together.
    this.#refreshed ??= this.#refresh().finally(() => {
      this.#refreshed = null;
    });
    await this.#refreshed;
    return await this.#passwords.check(given, turn);
  }

  /** Sooner than the next request would, and whatever was said about this version before. */
  async reload(): Promise<string | null> {
    const users = await readUsers(this.#path, this.#verifier, readAgain);
    // Unless the file has changed, those who were let in lately stay known.
    if (users.version === this.#version && users.version !== this.#told) return null;
    this.#take(users);
    return counted(users.passwords.userCount, 'user');
  }

  #take({ passwords, version }: FileUsers): void {
    this.#passwords = passwords;
    this.#version = version;
    this.#told = '';
  }

  async #refresh(): Promise<void> {
    const version = await versionOf(this.#path);
    if (version === this.#version) return;
    try {
      this.#take(await readUsers(this.#path, this.#verifier, readAgain));
      this.#log.info({ file: this.#path }, 'password file read again');
    } catch (error) {
      const { message, cause } = error as ConfigError;
      // Without a descriptor it is tried again for the next request: a user may be gone from the file.
      if (!isOutOfResources(cause)) this.#version = version;
      if (this.#told === version) return;
      this.#told = version;
      this.#log.error({ error: message }, 'password file not read again: the old one stays');
    }
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** What was read from a password file, and which version of it. */
interface FileUsers {
  readonly passwords: KnownPasswords;
  readonly version: string;
}

type Read = (path: string) => Promise<Buffer>;

async function readAgain(path: string): Promise<Buffer> {
  checkRegular(await stat(path));
  return await readFile(path);
}

/** @throws {ConfigError} as a rejection */
async function readUsers(path: string, verifier: BcryptVerifier, read: Read): Promise<FileUsers> {
  // Before the reading: a change meanwhile is seen next time.
  const version = await versionOf(path);
  const hashes = readPasswordFile(await readText(path, read), path);
  return { passwords: new KnownPasswords(hashes, verifier), version };
}

async function readText(path: string, read: Read): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await read(path));
  } catch (error) {
    throw new ConfigError(`${path}: ${systemReason(error, READ_FAULTS)}`, { cause: error });
  }
}

async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true });
    return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
  } catch {
    return 'missing';
  }
}

/** It is not the file that cannot be read: this process or the machine has nothing left to read it by. */
function isOutOfResources(error: unknown): boolean {
  const codes: readonly unknown[] = ['EMFILE', 'ENFILE', 'ENOMEM'];
  return codes.includes((error as NodeJS.ErrnoException | undefined)?.code);
}

const READ_FAULTS: Readonly<Record<string, string>> = {
  EACCES: 'permission to read it is denied',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8',
};

/** The users of one version of the file, and those recently let in, with the password they gave. */
class KnownPasswords implements Passwords {
  readonly #hashes: PasswordHashes;
  readonly #verifier: BcryptVerifier;
  readonly #key = randomBytes(32);
  readonly #verifying = new Map<string, Verification>();
  /** Keyed digests of user and password of those that were right. */
  readonly #right = new Remembered(REMEMBERED_MS, MAX_REMEMBERED);

  constructor(hashes: PasswordHashes, verifier: BcryptVerifier) {
    this.#hashes = hashes;
    this.#verifier = verifier;
  }

  get userCount(): number {
    return this.#hashes.byUser.size;
  }

  check(given: BasicCredentials, turn: Turn): Verdict | Promise<Verdict> {
    const digest = createHmac('sha256', this.#key)
      .update(`${given.user}:${given.password}`)
      .digest('base64');
    if (this.#right.has(digest)) return 'remembered';
    if (turn.signal.aborted) return 'abandoned';
    // Those that come from one address at once, as after a restart, share a verification.
    const name = `${digest} ${turn.group}`;
    let verification = this.#verifying.get(name);
    if (verification === undefined) {
      const made = new Verification((shared) => this.#verify(given, digest, shared), turn);
      this.#verifying.set(name, made);
      made.onEnd(() => {
        if (this.#verifying.get(name) === made) this.#verifying.delete(name);
      });
      verification = made;
    }
    return verification.join(turn.signal);
  }

  async #verify(
    { user, password }: BasicCredentials,
    digest: string,
    turn: Turn,
  ): Promise<Verdict> {
    const { byUser, cost: most } = this.#hashes;
    const hash = byUser.get(user);
    const result = await this.#verifier.verify(
      password,
      hash ?? hashOf(most),
      turn,
      decoys(hash, most),
    );
    if (result === null) return 'abandoned';
    if (!result || hash === undefined) return 'wrong';
    this.#right.add(digest);
    return 'right';
  }
}

/** A hash of that cost that no password has. */
function hashOf(cost: number): string {
  return `$2y$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;
}

/**
 * What else a wrong password is verified against, so that it takes as long as one of a user with the most costly hash.
 * Each step of the cost doubles the work: with one of each cost from that of the hash on, the sum is exactly that of
 * the largest.
 */
function decoys(hash: string | undefined, most: number): string[] {
  const cost = hash === undefined ? most : costOf(hash);
  return Array.from({ length: most - cost }, (_, index) => hashOf(cost + index));
}

/** A verification that several clients may wait for; it is given up when all of them have left. */
class Verification {
  readonly #verdict: Promise<Verdict>;
  readonly #allLeft = new AbortController();
  #waiting = 0;

  constructor(verify: (turn: Turn) => Promise<Verdict>, turn: Turn) {
    this.#verdict = verify({
      group: turn.group,
      isPreferred: turn.isPreferred,
      signal: this.#allLeft.signal,
      assertAllowed: () => {
        turn.assertAllowed();
      },
    });
  }

  /** It has its verdict or none, or nobody waits for it any more: nobody else should join. */
  onEnd(end: () => void): void {
    this.#verdict.then(end, end);
    this.#allLeft.signal.addEventListener('abort', end);
  }

  join(signal: AbortSignal): Promise<Verdict> {
    this.#waiting++;
    const leave = (): void => {
      if (--this.#waiting === 0) this.#allLeft.abort();
    };
    signal.addEventListener('abort', leave);
    return this.#verdict;
  }
}
