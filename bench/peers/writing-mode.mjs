/**
 * The echo that writes a line of JSON for each message, both ways, as one would write it: with a stream, or
 * with a write and an `fdatasync` for each message before it is answered. `globalThis.writingMode` says which.
 */
import { performance } from 'node:perf_hooks';
import { createWriteStream, fdatasyncSync, openSync, writeSync } from 'node:fs';

const { write, file } = /** @type {{ writingMode: { write: 'stream' | 'sync', file: string } }} */ (
  /** @type {unknown} */ (globalThis)
).writingMode;

const stream = write === 'stream' ? createWriteStream(file, { flags: 'a' }) : null;
const fd = write === 'sync' ? openSync(file, 'a') : -1;

export default {
  name: `writing-${write}`,
  /**
   * @param {import('../../src/index.js').Session} session
   * @param {Buffer} payload
   * @param {boolean} isBinary
   */
  message(session, payload, isBinary) {
    const s = String(session.id).padStart(26, '0');
    const record = {
      ev: 'msg',
      s,
      t: 0,
      dir: 'in',
      op: isBinary ? 2 : 1,
      len: payload.length,
      wire: 0,
    };
    const content = isBinary
      ? { b64: payload.toString('base64') }
      : { data: payload.toString('utf8') };
    const now = (performance.timeOrigin + performance.now()) / 1000;
    const received = `${JSON.stringify({ ...record, t: now, ...content })}\n`;
    const sent = `${JSON.stringify({ ...record, t: now, dir: 'out', ...content })}\n`;
    if (stream !== null) {
      stream.write(received);
      stream.write(sent);
    } else {
      writeSync(fd, received + sent);
      fdatasyncSync(fd);
    }
    session.send(payload, isBinary);
  },
};
