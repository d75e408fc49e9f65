/** permessage-deflate with the npm package ws. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import t from 'tap';
import { WebSocket, type PerMessageDeflateOptions } from 'ws';
import { readCorpus } from '../fixtures/deflate-corpus.js';
import {
  USUAL_OFFER,
  testDeflateInterop,
  type DeflateOffer,
  type DeflateReport,
  type DeflateRun,
} from '../fixtures/interop-deflate.js';
import { Opcode } from '../../src/protocol/frame.js';

t.setTimeout(180_000);

/** The parameters by the names that ws has for them; it compresses whatever the size. */
function optionsOf(offer: DeflateOffer): PerMessageDeflateOptions {
  return {
    threshold: 0,
    ...(offer.server_no_context_takeover && { serverNoContextTakeover: true }),
    ...(offer.client_no_context_takeover && { clientNoContextTakeover: true }),
    serverMaxWindowBits: offer.server_max_window_bits ?? false,
    clientMaxWindowBits: offer.client_max_window_bits ?? false,
  } as PerMessageDeflateOptions;
}

/** Four parts and one that is empty. */
function fragmentsOf(payload: Buffer): Buffer[] {
  const quarter = payload.length >> 2;
  return [0, 1, 2]
    .map((part) => payload.subarray(part * quarter, (part + 1) * quarter))
    .concat(payload.subarray(0, 0), payload.subarray(3 * quarter));
}

async function run({ url, offer, corpus, isFragmented }: DeflateRun): Promise<DeflateReport> {
  const messages = readCorpus(corpus);
  const socket = new WebSocket(url, { perMessageDeflate: optionsOf(offer) });
  let extensions = '';
  socket.on('upgrade', ({ headers }: IncomingMessage) => {
    extensions = headers['sec-websocket-extensions'] ?? '';
  });
  await once(socket, 'open');
  const differing: number[] = [];
  let count = 0;
  const closed = new Promise<void>((resolve, reject) => {
    socket.on('message', (data, isBinary) => {
      const { opcode, payload } = messages[count]!;
      const isSame = isBinary === (opcode === Opcode.Binary) && payload.equals(data as Buffer);
      if (!isSame) differing.push(count);
      if (++count === messages.length) socket.close(1000);
    });
    socket.on('error', reject);
    socket.on('close', (code, reason) => {
      if (code === 1000) resolve();
      else reject(new Error(`closed with ${code} ${String(reason)} after ${count} messages`));
    });
  });
  for (const { opcode, payload } of messages) {
    const binary = opcode === Opcode.Binary;
    const parts = isFragmented ? fragmentsOf(payload) : [payload];
    for (const [index, part] of parts.entries()) {
      socket.send(part, { binary, fin: index === parts.length - 1 });
    }
  }
  await closed;
  return { extensions, count, differing };
}

t.test('ws', async (t) => {
  await testDeflateInterop(t, {
    run,
    usualOffer: USUAL_OFFER,
    canOffer: () => true,
    canNameLargestWindow: true,
    canCompressWith8Bits: true,
    canFragment: true,
  });
});
