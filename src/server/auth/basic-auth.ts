/** HTTP Basic authentication of a handshake (RFC 7617). */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { ConfigError, HandshakeError, InvalidStateError } from '../../errors.js';
import { checkRegular } from '../../regular-file.js';
import { systemReason } from '../../system-reason.js';
import {
  type BasicCredentials,
  parseBasicCredentials,
  splitCredentials,
} from '../../handshake/basic-credentials.js';
import type { RequestHead } from '../../handshake/request-head.js';
import { BcryptVerifier } from './bcrypt-verifier.js';
import { type PasswordHashes, readPasswordFile } from './password-file.js';
import { Remembered } from './remembered.js';
import type { Log } from '../../log.js';
import type { Reloadable } from '../../reloadable.js';

/** Decides who may connect by the credentials of the request. */
export interface Authenticator {
  /** @throws {HandshakeError} `unauthorized`, or a rejection with it, when the request is refused */
  authorize(head: RequestHead): void | Promise<void>;
}

/** How long a password that was right needs no verification again, and how many of them are remembered. */
const REMEMBERED_MS = 60_000;
const MAX_REMEMBERED = 1000;

/** A request without credentials is answered with a demand for them: that is how browsers begin. */
function refusal(credentials: 'missing' | 'wrong'): HandshakeError {
  return new HandshakeError('unauthorized', {}, { credentials });
}

/** @throws {HandshakeError} `unauthorized` without well-formed credentials */
function credentialsOf({ headers }: RequestHead): BasicCredentials {
  const credentials = parseBasicCredentials(headers);
  if (credentials === null) throw refusal('missing');
  return credentials;
}

/**
 * Lets in one user.
 *
 * @param userPassword `user:password`, without control characters
 */
export function passwordAuthenticator(userPassword: string): Authenticator {
  const right = splitCredentials(userPassword);
  if (right === null) throw new InvalidStateError('no user:password');
  // Of equal length whatever was sent, and compared in a time that tells nothing about it.
  const user = sha256(right.user);
  const password = sha256(right.password);
  return {
    authorize: (head) => {
      const given = credentialsOf(head);
      const isUser = timingSafeEqual(sha256(given.user), user);
      const isPassword = timingSafeEqual(sha256(given.password), password);
      if (!isUser || !isPassword) throw refusal('wrong');
    },
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * Lets in the users of a file of bcrypt hashes. The file is read again when it has changed; when that fails,
 * the users before stay in force, and the log says so once.
 *
 * @throws {ConfigError} as a rejection, when the file cannot be read or holds something else
 */
export async function fileAuthenticator(
  path: string,
  log: Log,
): Promise<Authenticator & Reloadable> {
  const verifier = new BcryptVerifier();
  return new PasswordFileUsers(path, log, verifier, await readUsers(path, verifier, readFile));
}

class PasswordFileUsers implements Authenticator, Reloadable {
  readonly what = 'passwords';

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

  authorize(head: RequestHead): Promise<void> {
    return this.#authorize(credentialsOf(head));
  }

  async #authorize(given: BasicCredentials): Promise<void> {
    // Those that come meanwhile look together.
    this.#refreshed ??= this.#refresh().finally(() => {
      this.#refreshed = null;
    });
    await this.#refreshed;
    if (!(await this.#passwords.areRight(given))) throw refusal('wrong');
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
class KnownPasswords {
  readonly #hashes: PasswordHashes;
  readonly #verifier: BcryptVerifier;
  /** What an unknown user's password is verified against, so that it takes as long as a wrong one. */
  readonly #nobody: string;
  readonly #key = randomBytes(32);
  /** Keyed digests of user and password: of those that are being verified, and of those that were right. */
  readonly #verifying = new Map<string, Promise<boolean>>();
  readonly #right = new Remembered(REMEMBERED_MS, MAX_REMEMBERED);

  constructor(hashes: PasswordHashes, verifier: BcryptVerifier) {
    this.#hashes = hashes;
    this.#verifier = verifier;
    this.#nobody = `$2y$${hashes.cost}$${'.'.repeat(53)}`;
  }

  get userCount(): number {
    return this.#hashes.byUser.size;
  }

  async areRight({ user, password }: BasicCredentials): Promise<boolean> {
    const digest = createHmac('sha256', this.#key).update(`${user}:${password}`).digest('base64');
    if (this.#right.has(digest)) return true;
    let verifying = this.#verifying.get(digest);
    if (verifying === undefined) {
      verifying = this.#verify(user, password, digest);
      this.#verifying.set(digest, verifying);
    }
    return await verifying;
  }

  async #verify(user: string, password: string, digest: string): Promise<boolean> {
    const hash = this.#hashes.byUser.get(user);
    try {
      const isRight = await this.#verifier.verify(password, hash ?? this.#nobody);
      if (!isRight || hash === undefined) return false;
      this.#right.add(digest);
      return true;
    } finally {
      this.#verifying.delete(digest);
    }
  }
}
