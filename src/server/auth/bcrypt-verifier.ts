/**
 * Verifies passwords against bcrypt hashes (docs/adr/0008-password-hashes.md). One verification is a tenth of a
 * second of work and more, so it runs in a thread of its own; the event loop never waits for it.
 */
import { Worker } from 'node:worker_threads';
import { HandshakeError } from '../../errors.js';
import { FairQueue } from './fair-queue.js';
import type { Turn } from './logins.js';

/** Put in place by the build: the library's own code, for a bundle has no modules that a thread could load. */
declare const BCRYPT_LIBRARY: string | undefined;

const MAX_AT_ONCE = 2;
/** About what can be done before the handshakes that wait time out. */
const MAX_WAITING = 64;

/** bcrypt looks at no more of a password; `htpasswd` cuts it too. */
const MAX_PASSWORD_BYTES = 72;

/** What the thread runs. */
const PROGRAM = `
const { parentPort, workerData: { password, hash, decoys } } = require('node:worker_threads');
(async () => {
  const isRight = await hashwasm.bcryptVerify({ password, hash });
  if (!isRight) for (const decoy of decoys) await hashwasm.bcryptVerify({ password, hash: decoy });
  parentPort.postMessage(isRight);
})();
`;

/** One that waits for its turn. */
interface Waiting {
  readonly group: string;
  begin(): void;
  giveWay(): void;
}

export class BcryptVerifier {
  readonly #preferred: FairQueue<Waiting>;
  readonly #others: FairQueue<Waiting>;
  #running = 0;

  /** @param maxWaiting how many may wait, those that come first and the others apart */
  constructor(maxWaiting = MAX_WAITING) {
    this.#preferred = new FairQueue(maxWaiting);
    this.#others = new FairQueue(maxWaiting);
  }

  /**
   * Whether a password is that of a hash. Two are verified at a time, for the others see {@link Turn}. One whose
   * turn has not come when nobody waits for it any more is never verified. An empty password is never right.
   *
   * @param hash well-formed
   * @param decoys what a wrong password is verified against besides, for the time that takes
   * @returns null when it was not verified
   * @throws {HandshakeError} `logins-busy`, as a rejection, when too many wait already
   */
  async verify(
    password: string,
    hash: string,
    turn: Turn,
    decoys: readonly string[] = [],
  ): Promise<boolean | null> {
    if (password === '') return false;
    if (this.#running < MAX_AT_ONCE) this.#running++;
    else if (!(await this.#wait(turn))) return null;
    try {
      if (turn.signal.aborted) return null;
      turn.assertAllowed();
      return await verifyInThread(password, hash, decoys);
    } finally {
      const next = this.#preferred.shift() ?? this.#others.shift();
      // Whoever is next takes over the place.
      if (next === null) this.#running--;
      else next.begin();
    }
  }

  /** @returns false when nobody waits for it any more */
  async #wait({ group, isPreferred, signal }: Turn): Promise<boolean> {
    const queue = isPreferred ? this.#preferred : this.#others;
    return await new Promise<boolean>((resolve, reject) => {
      const waiting: Waiting = {
        group,
        begin: () => {
          resolve(true);
        },
        giveWay: () => {
          reject(new HandshakeError('logins-busy'));
        },
      };
      signal.addEventListener('abort', () => {
        queue.delete(waiting);
        resolve(false);
      });
      queue.add(waiting)?.giveWay();
    });
  }
}

function verifyInThread(
  password: string,
  hash: string,
  decoys: readonly string[],
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(libraryCode() + PROGRAM, {
      eval: true,
      execArgv: [],
      env: {},
      workerData: {
        password: new TextEncoder().encode(password).slice(0, MAX_PASSWORD_BYTES),
        hash,
        decoys,
      },
    });
    // Nobody waits for an answer once the server has stopped.
    worker.unref();
    let isRight: boolean | null = null;
    worker.once('message', (result: boolean) => {
      isRight = result;
    });
    worker.once('error', reject);
    // Not before, or more threads than two would be there.
    worker.once('exit', () => {
      if (isRight === null) reject(new Error('a thread that verifies passwords has no result'));
      else resolve(isRight);
    });
  });
}

/** Code that makes `hashwasm`. */
function libraryCode(): string {
  if (typeof BCRYPT_LIBRARY !== 'string')
    return "const hashwasm = require('hash-wasm/dist/bcrypt.umd.min.js');";
  return `const hashwasm = {}; ((exports, module) => { ${BCRYPT_LIBRARY}\n })(hashwasm, {});`;
}
