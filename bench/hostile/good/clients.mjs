/**
 * Good clients, by name. Each goes on all the time; its owner asks for what has happened since it asked last.
 */
import { Buffer } from 'node:buffer';
import { performance } from 'node:perf_hooks';
import { setInterval } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { constants, inflateRawSync } from 'node:zlib';
import { makeDocument } from '../../documents.mjs';
import { authorization } from '../attacks/attack.mjs';
import { deflated, frame } from '../attacks/payloads.mjs';
import { openSession } from './session.mjs';

/**
 * @typedef {object} GoodPlan
 * @property {keyof typeof CLIENTS} kind
 * @property {number} port
 * @property {boolean} [isTls]
 * @property {string} [path]
 * @property {number} [connections]
 * @property {number} [everyMs]
 * @property {string} [user] and password, `name:password`, of a session
 * @property {string} [password] of all users, who log in one after the other
 */

/**
 * @typedef {object} Tally what has happened so far
 * @property {number} sent messages, or attempts
 * @property {number} answered
 * @property {number} wrong answers that are not what was sent, or refusals
 * @property {number} lost that will never be answered
 * @property {number[]} latenciesMs
 * @property {Record<string, number>} notes
 */

export class Client {
  /** @type {Tally} */
  tally = emptyTally();
  /** Sent and not answered. */
  waiting = 0;
  /** What is sent later does not count: the attack is over. */
  untilMs = Infinity;

  /** @param {GoodPlan} plan */
  constructor(plan) {
    this.plan = plan;
  }

  /** @param {number} sentMs */
  answer(sentMs) {
    this.waiting--;
    this.tally.answered++;
    if (sentMs <= this.untilMs) this.tally.latenciesMs.push(performance.now() - sentMs);
  }

  send() {
    this.waiting++;
    this.tally.sent++;
  }

  /** @param {string} name */
  note(name) {
    this.tally.notes[name] = (this.tally.notes[name] ?? 0) + 1;
  }
}

/** @returns {Tally} */
export function emptyTally() {
  return { sent: 0, answered: 0, wrong: 0, lost: 0, latenciesMs: [], notes: {} };
}

/** @type {Readonly<Record<string, (client: Client) => Promise<void>>>} */
export const CLIENTS = { quiet, compressed, opening, login, 'slow-reader': slowReader, idle };

const QUIET_BYTES = 64;

/**
 * Little messages, one every `everyMs` on each connection, whether or not the last one has come back. What comes back
 * is taken as a stream: behind a proxy to TCP messages may be put together.
 * @param {Client} client
 */
async function quiet(client) {
  const { connections = 1, everyMs = 10 } = client.plan;
  const sessions = await Promise.all(Array.from({ length: connections }, () => quietOne(client)));
  let next = 0;
  // A timer has a millisecond at least.
  const tickMs = Math.max(1, everyMs / connections);
  setInterval(() => {
    for (let due = Math.round((tickMs * connections) / everyMs); due > 0; due--)
      sessions[next++ % connections]?.();
  }, tickMs);
}

/** @param {Client} client */
async function quietOne(client) {
  /** @type {{ sentMs: number, payload: Buffer }[]} */
  const waiting = [];
  let received = Buffer.alloc(0);
  let isClosed = false;
  const { status, socket } = await openSession({
    ...client.plan,
    headers: authorization(client.plan.user),
    onPayload: (payload) => {
      received = Buffer.concat([received, payload]);
      while (received.length >= QUIET_BYTES) {
        const answer = received.subarray(0, QUIET_BYTES);
        received = received.subarray(QUIET_BYTES);
        const question = waiting.shift();
        if (question === undefined) {
          client.tally.wrong++;
          continue;
        }
        if (!question.payload.equals(answer)) client.tally.wrong++;
        client.answer(question.sentMs);
      }
    },
    onClose: () => {
      isClosed = true;
      client.note('closed');
      client.tally.lost += waiting.length;
      client.waiting -= waiting.length;
      waiting.length = 0;
    },
  });
  if (status !== 101) throw new Error(`a good client was refused before the attack: ${status}`);
  let number = 0;
  return () => {
    client.send();
    if (isClosed) {
      client.waiting--;
      client.tally.lost++;
      return;
    }
    const payload = Buffer.alloc(QUIET_BYTES, number++ & 0x7f);
    payload.writeUInt32BE(number & 0x3f3f3f3f);
    waiting.push({ sentMs: performance.now(), payload });
    socket.write(frame(0x82, payload));
  };
}

const OFFER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const LARGE_BYTES = 200 * 1024;

/**
 * A compressed message of 200 KiB, one every `everyMs` or when the last one has come back.
 * @param {Client} client
 */
async function compressed(client) {
  const { everyMs = 500 } = client.plan;
  const message = makeDocument(LARGE_BYTES, counter());
  const bytes = frame(0xc2, deflated(message));
  /** @type {Buffer[]} */
  let pieces = [];
  let sentMs = 0;
  /** @type {() => void} */
  let wake = () => undefined;
  const { status, socket } = await openSession({
    ...client.plan,
    headers: [`Sec-WebSocket-Extensions: ${OFFER}`],
    onPayload: (payload) => pieces.push(Buffer.from(payload)),
    onFrame: (first) => {
      if ((first & 0x8f) !== 0x82) return;
      client.answer(sentMs);
      const wire = Buffer.concat([...pieces, Buffer.of(0, 0, 0xff, 0xff)]);
      pieces = [];
      const answer =
        (first & 0x40) === 0
          ? wire.subarray(0, -4)
          : inflateRawSync(wire, { finishFlush: constants.Z_SYNC_FLUSH });
      if (!answer.equals(message)) client.tally.wrong++;
      wake();
    },
    onClose: () => {
      client.note('closed');
      client.tally.lost += client.waiting;
      client.waiting = 0;
      wake();
    },
  });
  if (status !== 101) throw new Error(`a good client was refused before the attack: ${status}`);
  void (async () => {
    for (;;) {
      client.send();
      if (socket.destroyed) {
        client.waiting--;
        client.tally.lost++;
      } else {
        sentMs = performance.now();
        const done = new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
          wake = resolve;
        });
        socket.write(bytes);
        await done;
      }
      await sleep(Math.max(1, sentMs + everyMs - performance.now()));
    }
  })();
}

/** Numbers that are as good as chance for a text. */
function counter() {
  let state = 1;
  return () => (state = Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
}

/**
 * A new connection every `everyMs`, with one message to and fro.
 * @param {Client} client
 */
async function opening(client) {
  const { everyMs = 50 } = client.plan;
  setInterval(() => void openOnce(client), everyMs);
}

/**
 * @param {Client} client
 * @param {readonly string[]} [headers]
 */
async function openOnce(client, headers = []) {
  client.send();
  const sentMs = performance.now();
  let hasAnswer = false;
  const payload = Buffer.alloc(QUIET_BYTES, 0x61);
  /** @type {(has: boolean) => void} */
  let wake = () => undefined;
  const { status, socket } = await openSession({
    ...client.plan,
    headers,
    onFrame: (first) => {
      hasAnswer = first === 0x82;
      wake(hasAnswer);
    },
    onClose: () => {
      wake(false);
    },
  });
  client.note(`status ${status}`);
  if (status === 101) {
    socket.write(frame(0x82, payload));
    if (await new Promise((/** @type {(has: boolean) => void} */ resolve) => (wake = resolve))) {
      client.answer(sentMs);
      socket.write(frame(0x88, Buffer.from([0x03, 0xe8])));
      await sleep(20);
      socket.destroy();
      return;
    }
  }
  socket.destroy();
  client.waiting--;
  client.tally.wrong++;
}

/**
 * A login with the right password, one every `everyMs`, of another user each time: none is known yet.
 * @param {Client} client
 */
async function login(client) {
  const { everyMs = 500, password = '' } = client.plan;
  let number = 0;
  setInterval(() => {
    const credentials = Buffer.from(`user-${number++}:${password}`).toString('base64');
    void openOnce(client, [`Authorization: Basic ${credentials}`]);
  }, everyMs);
}

const SLOW_BYTES = 16 * 1024;
/** More than the system keeps on the way, in both directions. */
const SLOW_MESSAGES = 32;

/**
 * Sends messages that it then reads with 16 KiB a second, and asks for more when they are read. Each second of its
 * life counts as an answer.
 * @param {Client} client
 */
async function slowReader(client) {
  const { status, socket } = await openSession({
    ...client.plan,
    onClose: () => {
      client.note('closed');
    },
  });
  if (status !== 101) throw new Error(`a good client was refused before the attack: ${status}`);
  socket.pause();
  for (let count = 0; count < SLOW_MESSAGES; count++)
    socket.write(frame(0x82, Buffer.alloc(1024 * 1024)));
  setInterval(() => {
    client.tally.sent++;
    if (socket.destroyed || (socket.read(SLOW_BYTES) ?? socket.read()) === null)
      client.tally.lost++;
    else client.tally.answered++;
  }, 1000);
}

/** Nobody. */
async function idle() {
  await sleep(0);
}
