/**
 * The whole path of compressed messages, without a network: request head, negotiation, frames,
 * extension, echo and back. What comes out is read by our own frame reader.
 */
import { Buffer } from 'node:buffer';
import { Connection } from '../../src/connection/connection.js';
import type { Extension } from '../../src/extensions/extension.js';
import type { PermessageDeflateOptions } from '../../src/extensions/permessage-deflate/permessage-deflate.js';
import { echoMode } from '../../src/modes/echo.js';
import { nextTurn } from '../fixtures/extensions.js';
import { FakeSocket } from '../fixtures/fake-socket.js';
import { readFrames, type ReadFrame } from '../fixtures/frames.js';
import { upgradeText } from '../fixtures/handshake.js';
import type { SeededRandom } from '../fixtures/seeded-random.js';
import { NO_KEEPALIVE, TestHost, arrivalOf } from '../fixtures/test-host.js';

export const MAX_MESSAGE_BYTES = 200_000;

/** Far more turns of the event loop than anything here takes. */
const MAX_TURNS = 20_000;

export const DEFAULT_DEFLATE: PermessageDeflateOptions = {
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  level: 3,
  thresholdBytes: 32,
  memoryBytes: 2 ** 28,
  maxRatio: 0,
};

/** What came of a connection. */
export interface PathResult {
  /** Text and binary messages that were sent, as they are on the wire. */
  readonly messages: readonly ReadFrame[];
  readonly pongs: readonly string[];
  /** Close code and reason; null when none was sent. */
  readonly close: { readonly code: number; readonly reason: string } | null;
  /** Which rule was broken, and what went wrong on our side, as the log has it. */
  readonly rule: string | null;
  readonly error: unknown;
}

/** A connection whose client is the test. */
export class DeflatePath {
  /** The answer's Sec-WebSocket-Extensions; null without one. */
  readonly extensions: string | null;

  readonly #socket = new FakeSocket();
  readonly #host: TestHost;

  /**
   * @param extension what connections share
   * @param offers value of the request's Sec-WebSocket-Extensions
   */
  constructor(extension: Extension, offers: string) {
    this.#host = new TestHost(echoMode, {
      limits: { ...NO_KEEPALIVE, maxMessage: MAX_MESSAGE_BYTES },
      extensions: [extension],
    });
    const socket = this.#socket.asSocket;
    new Connection(socket, arrivalOf(socket), this.#host).start();
    this.#receive(Buffer.from(upgradeText({ 'Sec-WebSocket-Extensions': offers })));
    const head = this.#socket.takeWritten().toString('latin1');
    this.extensions = /\r\nSec-WebSocket-Extensions: (.*)\r\n/.exec(head)?.[1] ?? null;
  }

  /**
   * Gives it the pieces, each when it reads, then the end of the input, and waits until it is through.
   *
   * @param random makes the socket block now and then; null for one that never does
   * @throws Error when it does not come to an end
   */
  async run(pieces: readonly Uint8Array[], random: SeededRandom | null): Promise<PathResult> {
    const socket = this.#socket;
    const waiting = pieces.filter(({ length }) => length > 0).reverse();
    let hasEnded = false;
    for (let turn = 0; !socket.calls.includes('end'); turn++) {
      if (turn > MAX_TURNS) throw new Error('it does not come to an end');
      if (random !== null) this.#moveOutput(random);
      if (socket.isPaused) {
        await nextTurn();
      } else if (waiting.length > 0) {
        this.#receive(waiting.pop()!);
      } else if (!hasEnded) {
        hasEnded = true;
        socket.emit('end');
      } else {
        await nextTurn();
      }
    }
    socket.drain();
    socket.destroy();
    await nextTurn();
    return this.#result();
  }

  /** One read; nobody may look at it afterwards. */
  #receive(bytes: Uint8Array): void {
    const read = Buffer.from(bytes);
    this.#socket.emit('data', read);
    read.fill(0xee);
  }

  #moveOutput(random: SeededRandom): void {
    const socket = this.#socket;
    if (socket.writableLength > 0) {
      if (random.below(4) === 0) socket.drain();
    } else {
      socket.isTaking = random.below(4) !== 0;
    }
  }

  #result(): PathResult {
    const frames = readFrames(new Uint8Array(this.#socket.written));
    const broken = frames.find(({ isMasked, isFinal }) => isMasked || !isFinal);
    if (broken !== undefined) throw new Error('a frame that is masked, or not the last one');
    const closes = frames.filter(({ opcode }) => opcode === 8);
    if (closes.length > 1 || (closes.length === 1 && frames.at(-1)!.opcode !== 8)) {
      throw new Error('something is sent behind a Close');
    }
    const close = closes.length === 0 ? null : Buffer.from(closes[0]!.payload);
    const { rule = null, error = null } = this.#host.ended[0] ?? {};
    return {
      messages: frames.filter(({ opcode }) => opcode < 8),
      pongs: frames
        .filter(({ opcode }) => opcode === 10)
        .map(({ payload }) => Buffer.from(payload).toString('hex')),
      close:
        close === null
          ? null
          : {
              code: close.length === 0 ? 1005 : close.readUInt16BE(),
              reason: close.toString('utf8', 2),
            },
      rule,
      error,
    };
  }
}
