/**
 * Opens many connections, exchanges compressed messages on each and keeps them quiet, in a process of its own, until
 * its standard input ends.
 *
 *     node bench/deflate-idle-client.mjs --port 9001 --conns 5000 --messages 20
 *
 * All connections are open before the first message; then each sends its first one, each its second one and so on, a
 * few dozen at a time, so that all of them are in use until the end. No message is sent twice. Prints three lines of
 * JSON: when the connections are open, when all replies are there, and when all of them were inflated and compared.
 */
import { Buffer } from 'node:buffer';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { ClientConnection, describeFrame, fail, failWith } from './client-connection.mjs';
import { compress, encodeCompressedFrame } from './compressed-traffic.mjs';
import { makeDocument } from './documents.mjs';
import { FrameReader } from './frame-reader.mjs';
import { encodeFrame, xorshift } from './traffic.mjs';
import { verifyReplies } from './verify-replies.mjs';

/** Connections that are being opened, or that wait for a reply, at a time. */
const AT_ONCE = 64;
const TEXT = 0xc1;
const PING = 0x89;
const inbox = Buffer.alloc(64 * 1024);

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '' },
    conns: { type: 'string', default: '5000' },
    messages: { type: 'string', default: '20' },
    size: { type: 'string', default: '1024' },
  },
});
const port = Number(values.port);
const conns = Number(values.conns);
const messagesEach = Number(values.messages);
const sizeBytes = Number(values.size);

let wireInBytes = 0;
let wireOutBytes = 0;

class Lane {
  #index;
  #connection;
  #reader;
  /** @type {Buffer[]} */
  #kept = [];
  #isQuiet = false;
  /** @type {(() => void)[]} one for each message that is on its way: with few connections, a slow one has several */
  #waiting = [];

  /** @param {number} index */
  constructor(index) {
    this.#index = index;
    this.#connection = new ClientConnection({
      port,
      inbox,
      offersDeflate: true,
      onBytes: (length) => {
        if (inbox[0] === PING && inbox[1] === length - 2) this.#answerPing(length);
        else if (this.#isQuiet) fail('an idle connection got what nobody asked for');
        else this.#onBytes(length);
      },
    });
    this.#reader = new FrameReader((first, payloadBytes) => {
      if (first !== TEXT) fail(describeFrame(first));
      wireOutBytes += payloadBytes;
      const resolve = this.#waiting.shift();
      if (resolve === undefined) fail('more replies came than messages were sent');
      resolve();
    });
  }

  get opened() {
    return this.#connection.opened;
  }

  /** @param {number} number of the message on this connection */
  async exchange(number) {
    const payload = compress(this.#message(number));
    wireInBytes += payload.length;
    /** @type {Promise<void>} */
    const replied = new Promise((resolve) => this.#waiting.push(resolve));
    this.#connection.socket.write(encodeCompressedFrame(1, payload, 0x0a0b0c0d + number));
    await replied;
    this.#isQuiet = number === messagesEach - 1;
  }

  verify() {
    const count = verifyReplies(this.#kept, (number) => ({
      opcode: 1,
      payload: this.#message(number),
    }));
    if (count !== messagesEach) fail(`${count} replies came to ${messagesEach} messages`);
    this.#kept = [];
    return count;
  }

  reset() {
    this.#connection.reset();
  }

  /**
   * Made twice, to be sent and to be compared: all of them together would be large.
   * @param {number} number
   */
  #message(number) {
    const random = xorshift(1 + this.#index * messagesEach + number);
    // The first values of seeds that are close to each other are close as well.
    for (let round = 0; round < 20; round++) random();
    return makeDocument(sizeBytes, random);
  }

  /** @param {number} length */
  #onBytes(length) {
    this.#kept.push(Buffer.from(inbox.subarray(0, length)));
    this.#reader.read(inbox, length);
  }

  /**
   * A server may ask whether the connection is alive.
   * @param {number} length of what lies in the inbox
   */
  #answerPing(length) {
    this.#connection.socket.write(encodeFrame(10, inbox.subarray(2, length), 0x01020304));
  }
}

/** @type {Lane[]} */
const lanes = [];
await some(conns, async (index) => {
  const lane = new Lane(index);
  lanes.push(lane);
  await lane.opened;
});
print({ open: lanes.length });
await some(conns * messagesEach, async (step) => {
  await lanes[step % conns]?.exchange(Math.floor(step / conns));
});
const messages = conns * messagesEach;
print({
  messages,
  plainBytes: sizeBytes,
  wireInBytes: wireInBytes / messages,
  wireOutBytes: wireOutBytes / messages,
});
let verified = 0;
for (const lane of lanes) {
  try {
    verified += lane.verify();
  } catch (error) {
    failWith(error);
  }
}
print({ verified });

process.stdin.resume();
process.stdin.once('end', () => {
  for (const lane of lanes) lane.reset();
});

/**
 * Runs steps 0 to `count`, at most `AT_ONCE` at a time.
 * @param {number} count
 * @param {(step: number) => Promise<void>} run
 */
async function some(count, run) {
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) await run(next++);
    }),
  );
}

/** @param {object} line */
function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
