/** What all attacks share: sockets by the dozen, handshakes, streams of bytes that never end, and an end for sure. */
import { Buffer } from 'node:buffer';
import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';

/** @typedef {import('node:net').Socket} Socket */

/**
 * @typedef {object} AttackPlan
 * @property {string} kind a name in `kinds.mjs`
 * @property {number} connections
 * @property {number} seconds how long it lasts at most
 * @property {number} port
 * @property {boolean} [isTls]
 * @property {string} [path] of the request, `/` by itself
 * @property {string} [user] and password, `name:password`, of an attacker who may log in
 * @property {string} [address] of the attacker; with a `*`, each connection has another one
 * @property {number} [processes] among which the connections are divided
 * @property {boolean} [isDeaf] never reads what comes back
 * @property {Readonly<Record<string, unknown>>} [with] what the kind wants to know beside this
 */

/**
 * @typedef {object} AttackStats
 * @property {number} connects that were tried
 * @property {number} opened handshakes that were accepted
 * @property {number} refused connections that ended before
 * @property {number} ended accepted ones that the server ended
 * @property {number} sentBytes
 * @property {number} receivedBytes
 * @property {number} answers messages or responses that the kind has waited for
 * @property {number} attempts of whatever the kind does over and over
 */

/** Connections that fail at once are not tried again in a loop. */
const PAUSE_MS = 20;
const HANDSHAKE_MS = 10_000;

export class Attack {
  /** @type {AttackStats} */
  stats = noStats();
  /** @type {Set<Socket>} */
  #sockets = new Set();
  /** Those that this side ends. @type {WeakSet<Socket>} */
  #dropped = new WeakSet();
  #deadlineMs = Infinity;

  /** @param {AttackPlan} plan */
  constructor(plan) {
    this.plan = plan;
  }

  start() {
    this.#deadlineMs = performance.now() + this.plan.seconds * 1000;
  }

  get isOver() {
    return performance.now() >= this.#deadlineMs;
  }

  get restMs() {
    return Math.max(0, this.#deadlineMs - performance.now());
  }

  /**
   * @param {string} name
   * @param {number} otherwise
   */
  number(name, otherwise) {
    const value = this.plan.with?.[name];
    return typeof value === 'number' ? value : otherwise;
  }

  /**
   * @param {string} name
   * @param {string} otherwise
   */
  text(name, otherwise) {
    const value = this.plan.with?.[name];
    return typeof value === 'string' ? value : otherwise;
  }

  /**
   * Does the same on every connection until the time is over, again after each end.
   * @param {(index: number) => Promise<void>} attempt
   */
  async onEach(attempt) {
    const all = Array.from({ length: this.plan.connections }, async (_, index) => {
      while (!this.isOver) {
        const beganMs = performance.now();
        this.stats.attempts++;
        await attempt(index);
        if (performance.now() - beganMs < PAUSE_MS) await sleep(PAUSE_MS);
      }
    });
    await Promise.all(all);
  }

  /**
   * The same, but all connections are there before the first one begins.
   * @param {(index: number) => Promise<Socket | null>} open
   * @param {(socket: Socket, index: number) => Promise<void>} act
   */
  async onEachOpen(open, act) {
    const indexes = Array.from({ length: this.plan.connections }, (_, index) => index);
    const sockets = await Promise.all(indexes.map(open));
    await this.onEach(async (index) => {
      const socket = sockets[index] ?? (await open(index));
      sockets[index] = null;
      if (socket === null) return;
      await act(socket, index);
      this.drop(socket);
    });
  }

  /** @param {number} ms or as long as it lasts */
  async pause(ms) {
    await sleep(Math.min(ms, this.restMs));
  }

  /**
   * @param {number} index of the connection
   * @returns {Promise<Socket | null>} null when nobody takes it
   */
  connect(index) {
    const { port, isTls, address } = this.plan;
    this.stats.connects++;
    const options = {
      host: '127.0.0.1',
      port,
      ...(address === undefined
        ? {}
        : { localAddress: address.replace('*', String(1 + (index % 250))) }),
    };
    return new Promise((resolve) => {
      const socket =
        isTls === true
          ? connectTls({ ...options, rejectUnauthorized: false })
          : connect({ ...options, noDelay: true });
      const timer = setTimeout(() => socket.destroy(), Math.min(HANDSHAKE_MS, this.restMs));
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearTimeout(timer);
        this.#sockets.delete(socket);
        this.stats.sentBytes += socket.bytesWritten;
        this.stats.receivedBytes += socket.bytesRead;
        resolve(null);
      });
      socket.once(isTls === true ? 'secureConnect' : 'connect', () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }

  /**
   * Connects and makes the opening handshake.
   * @param {number} index of the connection
   * @param {{ offers?: string, headers?: readonly string[], path?: string }} [options]
   * @returns {Promise<Socket | null>} null when the server refuses
   */
  async open(index, { offers, headers = [], path = this.plan.path ?? '/' } = {}) {
    const socket = await this.connect(index);
    if (socket === null) return null;
    const head = requestHead(path, [
      ...(offers === undefined ? [] : [`Sec-WebSocket-Extensions: ${offers}`]),
      ...authorization(this.plan.user),
      ...headers,
    ]);
    const isOpen = await new Promise((/** @type {(is: boolean) => void} */ resolve) => {
      let received = '';
      const timer = setTimeout(() => socket.destroy(), Math.min(HANDSHAKE_MS, this.restMs));
      const done = () => {
        clearTimeout(timer);
        resolve(false);
      };
      socket.once('close', done);
      const onData = (/** @type {Buffer} */ data) => {
        received += data.toString('latin1');
        if (!received.includes('\r\n\r\n')) return;
        clearTimeout(timer);
        socket.off('close', done);
        socket.off('data', onData);
        if (!received.startsWith('HTTP/1.1 101')) socket.destroy();
        resolve(received.startsWith('HTTP/1.1 101'));
      };
      socket.on('data', onData);
      socket.write(head);
    });
    if (!isOpen) {
      this.stats.refused++;
      return null;
    }
    this.stats.opened++;
    if (this.plan.isDeaf === true) socket.pause();
    else socket.on('data', () => undefined);
    return socket;
  }

  /**
   * Writes the same bytes again and again, as fast as they are taken, until the time is over or the socket is gone.
   * @param {Socket} socket
   * @param {Buffer} bytes
   * @param {number} [count] how often at most
   * @returns {Promise<void>}
   */
  pour(socket, bytes, count = Infinity) {
    return new Promise((resolve) => {
      let left = count;
      const timer = setTimeout(finish, this.restMs);
      const write = () => {
        while (left-- > 0 && !socket.destroyed && !this.isOver) if (!socket.write(bytes)) return;
        if (left < 0) finish();
      };
      const onClose = () => {
        if (!this.isOver) this.stats.ended++;
        finish();
      };
      function finish() {
        clearTimeout(timer);
        socket.off('drain', write);
        socket.off('close', onClose);
        resolve();
      }
      if (socket.destroyed) {
        onClose();
        return;
      }
      socket.on('drain', write);
      socket.once('close', onClose);
      write();
    });
  }

  /**
   * Waits for the end of a socket, or of the attack.
   * @param {Socket} socket
   * @returns {Promise<void>}
   */
  hold(socket) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.restMs);
      const done = () => {
        clearTimeout(timer);
        if (!this.isOver && !this.#dropped.has(socket)) this.stats.ended++;
        resolve();
      };
      if (socket.destroyed) done();
      else socket.once('close', done);
    });
  }

  /** @param {Socket} socket */
  drop(socket) {
    if (socket.destroyed) return;
    this.#dropped.add(socket);
    // A reset leaves no port waiting in the system. By TLS, Node has none.
    if (this.plan.isTls === true) socket.destroy();
    else socket.resetAndDestroy();
  }

  /** Ends all that is left, and counts it. */
  async finish() {
    for (const socket of this.#sockets) this.drop(socket);
    for (let waited = 0; this.#sockets.size > 0 && waited < 100; waited++) await sleep(10);
  }
}

/** @returns {AttackStats} */
export function noStats() {
  return {
    connects: 0,
    opened: 0,
    refused: 0,
    ended: 0,
    sentBytes: 0,
    receivedBytes: 0,
    answers: 0,
    attempts: 0,
  };
}

/** @param {string | undefined} user and password, `name:password` */
export function authorization(user) {
  return user === undefined ? [] : [`Authorization: Basic ${Buffer.from(user).toString('base64')}`];
}

/**
 * @param {string} path
 * @param {readonly string[]} headers beside those of a handshake
 */
export function requestHead(path, headers = []) {
  const lines = [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    ...headers,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
