/** A file of users and password hashes, as `htpasswd -B` writes it. */
import { ConfigError } from '../../errors.js';
import { splitCredentials } from '../../handshake/basic-credentials.js';

/** Version, cost, and salt and digest in bcrypt's own base64. `2x` is a defect of old PHP. */
const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

const MIN_COST = 4;
/** Each step doubles the work; this one takes a second or two. */
const MAX_COST = 14;

/** Users and their bcrypt hashes. */
export interface PasswordHashes {
  readonly byUser: ReadonlyMap<string, string>;
  /** The largest cost of a hash: each step doubles the work. */
  readonly cost: number;
}

/**
 * Reads lines of `user:hash`; empty ones and those that begin with `#` are left out.
 *
 * @param name of the file, for the messages, which never show what is in it
 * @throws {ConfigError} naming the line that is wrong
 */
export function readPasswordFile(text: string, name: string): PasswordHashes {
  const byUser = new Map<string, string>();
  let cost = 0;
  for (const [index, untrimmed] of text.split('\n').entries()) {
    const line = untrimmed.trimEnd();
    if (line === '' || line.startsWith('#')) continue;
    const refuse = (clause: string): never => {
      throw new ConfigError(`${name}, line ${index + 1}: ${clause}`);
    };
    const { user, password: hash } = splitCredentials(line) ?? refuse('it must be user:hash');
    if (byUser.has(user)) refuse('this user has a line before');
    if (!BCRYPT.test(hash)) refuse('only bcrypt hashes are taken ($2y$, htpasswd -B)');
    const itsCost = costOf(hash);
    if (itsCost < MIN_COST || itsCost > MAX_COST)
      refuse(`the cost of a bcrypt hash must be from ${MIN_COST} to ${MAX_COST}`);
    byUser.set(user, hash);
    cost = Math.max(cost, itsCost);
  }
  if (byUser.size === 0) throw new ConfigError(`${name}: it holds no user`);
  return { byUser, cost };
}

/** The cost of a well-formed bcrypt hash. */
export function costOf(hash: string): number {
  return Number(hash.slice('$2y$'.length, '$2y$10'.length));
}
