/**
 * Verifies passwords against bcrypt hashes (docs/adr/0008-password-hashes.md). One verification is a tenth of a
 * second of work and more, so it runs in a thread of its own; the event loop never waits for it.
 */
import { Worker } from 'node:worker_threads';
import { HandshakeError } from '../../errors.js';

/** Put in place by the build: the library's own code, for a bundle has no modules that a thread could load. */
declare const BCRYPT_LIBRARY: string | undefined;

const MAX_AT_ONCE = 2;
/** About what can be done before the handshakes that wait time out. */
const MAX_WAITING = 64;

/** bcrypt looks at no more of a password; `htpasswd` cuts it too. */
const MAX_PASSWORD_BYTES = 72;

/** What the thread runs. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads');
hashwasm.bcryptVerify(workerData).then((isRight) => parentPort.postMessage(isRight));
`;

export class BcryptVerifier {
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /**
   * Whether a password is that of a hash. Two are verified at a time, the others wait in order. An empty
   * password is never right.
   *
   * @param hash well-formed
   * @throws {HandshakeError} `full`, as a rejection, when too many wait already
   */
  async verify(password: string, hash: string): Promise<boolean> {
    if (password === '') return false;
    if (this.#running < MAX_AT_ONCE) this.#running += 1;
    else await this.#turn();
    try {
      return await verifyInThread(password, hash);
    } finally {
      const next = this.#waiting.shift();
      // Whoever waits longest takes over the place.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  async #turn(): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) throw new HandshakeError('full');
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}

function verifyInThread(password: string, hash: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(libraryCode() + PROGRAM, {
      eval: true,
      execArgv: [],
      env: {},
      workerData: {
        password: new TextEncoder().encode(password).slice(0, MAX_PASSWORD_BYTES),
        hash,
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
