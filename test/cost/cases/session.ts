/** What a session and a connection do with what comes. */
import { Buffer } from 'node:buffer';
import type { Message } from '../../../src/extensions/extension.js';
import { HttpTunnel } from '../../../src/http/tunnel.js';
import { TapFeed } from '../../../src/session/tap.js';
import type { CostTable } from '../case.js';

const nothing = (): void => undefined;

const observer = {
  watchesFrames: false,
  message: nothing,
  control: nothing,
  frame: nothing,
  target: nothing,
  closed: nothing,
};

export const SESSION: CostTable = {
  'session/tap': [
    {
      name: 'observed messages that wait for extensions, on their way in',
      count: 50_000,
      prepare: (count) => () => {
        const observation = new TapFeed(observer);
        const message: Message = { opcode: 2, rsv: 0, payload: Uint8Array.of(1) };
        for (let number = 0; number < count; number++) observation.decoding(1);
        for (let number = 0; number < count; number++) observation.decoded(message);
      },
    },
    {
      name: 'observed messages that wait for extensions, on their way out',
      count: 50_000,
      maxCopied: 8,
      prepare: (count) => () => {
        const observation = new TapFeed(observer);
        const message: Message = { opcode: 2, rsv: 0, payload: Uint8Array.of(1) };
        for (let number = 0; number < count; number++) {
          observation.encoding(message);
          observation.keepUnencoded();
        }
        for (let number = 0; number < count; number++) observation.encoded();
      },
    },
  ],
  'http/tunnel': [
    {
      name: 'a response in small writes, to a client that takes one at a time',
      count: 5000,
      prepare: (count) => async () => {
        const peer = { remoteAddress: '127.0.0.1', remotePort: 1 };
        const transport = {
          sendPieces: () => {
            setImmediate(() => {
              tunnel.drained();
            });
            return false;
          },
          responded: nothing,
          responseBroken: nothing,
        };
        const tunnel = new HttpTunnel(transport, peer, 'GET / HTTP/1.1\r\n\r\n');
        await new Promise<void>((resolve) => {
          for (let number = 1; number < count; number++) tunnel.write(Buffer.alloc(10));
          tunnel.write(Buffer.alloc(10), () => {
            resolve();
          });
        });
        tunnel.finish();
      },
    },
  ],
};
