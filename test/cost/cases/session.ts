/** What a session and a connection do with what comes. */
import { Buffer } from 'node:buffer';
import type { Message } from '../../../src/extensions/extension.js';
import { Redaction } from '../../../src/handshake/redaction/redaction.js';
import { prefersHtml } from '../../../src/http/accept.js';
import { type ToldRequest, requestJson } from '../../../src/http/request-json.js';
import { HttpTunnel } from '../../../src/http/tunnel.js';
import { PendingEnds } from '../../../src/session/ending.js';
import { TapFeed } from '../../../src/session/tap/tap-feed.js';
import { serviceRequest } from '../../fixtures/service-request.js';
import type { CostTable } from '../case.js';

const SHOW_ALL = new Redaction({ headers: '*', query: '*' });

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
  'session/ending': [
    {
      name: 'what ends a session, many times, while the extensions are at work',
      count: 50_000,
      prepare: (count) => () => {
        const session = { isBusy: true };
        const parts = { transport: { scheduleFlush: nothing }, deadlines: { ending: nothing } };
        const ends = new PendingEnds(
          session,
          parts as unknown as ConstructorParameters<typeof PendingEnds>[1],
        );
        for (let number = 0; number < count; number++) ends.add(nothing);
        session.isBusy = false;
        ends.run();
      },
    },
  ],
  'session/tap/tap-feed': [
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
  'http/accept': [
    {
      name: 'Accept: ranges and weights',
      count: 5000,
      prepare: (count) => {
        const names = Array.from({ length: count }, (_, number) => `a/${number};b=c;q=0.5`);
        return () => prefersHtml([names.join(','), ...names]);
      },
    },
  ],
  'http/request-json': [
    {
      name: 'a request as JSON: headers of one name, and of many, all of which is escaped',
      count: 5000,
      prepare: (count) => {
        const headers = Array.from({ length: count }, (_, number) => [
          { name: 'via', value: '<\x9b>' },
          { name: `x-${number}`, value: '&\xff' },
        ]).flat();
        const told: ToldRequest = {
          method: 'GET',
          path: '/<>'.repeat(count),
          query: '&<'.repeat(count),
          httpVersion: '1.1',
          host: 'h',
          scheme: 'http',
          headers,
          tls: null,
        };
        return () => requestJson(told, { remoteAddress: '127.0.0.1', remotePort: 1 }, SHOW_ALL);
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
        const tunnel = new HttpTunnel(
          transport,
          peer,
          serviceRequest('GET / HTTP/1.1\r\nHost: h\r\n\r\n'),
        );
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
