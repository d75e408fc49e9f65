import { Buffer } from 'node:buffer';
import t from 'tap';
import { BREAK_NAMES, brokenRule } from '../../../src/protocol/break/broken-rules.js';
import { brokenAnswer } from '../../../src/handshake/break/broken-answer.js';
import { acceptKey, upgradeResponse } from '../../../src/handshake/response.js';
import { ACCEPT, KEY } from '../../fixtures/handshake.js';

const ASKED = { key: KEY, subprotocols: [], extensionOffers: [] } as const;

const headOf = (subprotocol: string | null = null, extensions: string | null = null): Uint8Array =>
  Buffer.from(upgradeResponse(KEY, subprotocol, extensions));

t.test('the accept of another key, and nothing else', async (t) => {
  const head = headOf('chat');
  const text = Buffer.from(brokenAnswer('wrong-accept', head, ASKED)).toString();
  const wrong = acceptKey(`not ${KEY}`);
  t.equal(text, Buffer.from(head).toString().replace(ACCEPT, wrong));
  t.not(wrong, ACCEPT);
});

t.test('what was not offered is added, once', async (t) => {
  const cases = [
    ['unasked-extension', 'Sec-WebSocket-Extensions', headOf(null, 'permessage-deflate')],
    ['unasked-subprotocol', 'Sec-WebSocket-Protocol', headOf('chat')],
  ] as const;
  for (const [name, header, with_] of cases) {
    for (const head of [headOf(), with_]) {
      const text = Buffer.from(brokenAnswer(name, head, ASKED)).toString();
      const lines = text.split('\r\n').filter((line) => line.startsWith(`${header}:`));
      t.strictSame(lines, [`${header}: x-unasked`], name);
      t.match(text, /[^\n]\r\n\r\n$/, 'the head still ends once');
    }
  }
});

t.test('a client that offers the very name gets another one', async (t) => {
  const asked = {
    ...ASKED,
    subprotocols: ['x-unasked', 'x-unasked-2'],
    extensionOffers: [{ name: 'x-unasked', params: [] }],
  };
  const subprotocol = brokenAnswer('unasked-subprotocol', headOf(), asked);
  t.match(Buffer.from(subprotocol).toString(), 'Sec-WebSocket-Protocol: x-unasked-3\r\n');
  const extension = brokenAnswer('unasked-extension', headOf(), asked);
  t.match(Buffer.from(extension).toString(), 'Sec-WebSocket-Extensions: x-unasked-2\r\n');
});

t.test(
  'rules of the handshake are those that it knows; for all others the answer is right',
  async (t) => {
    const head = headOf();
    for (const name of BREAK_NAMES) {
      const isChanged = brokenAnswer(name, head, ASKED) !== head;
      t.equal(isChanged, brokenRule(name).when === 'handshake', name);
    }
  },
);
