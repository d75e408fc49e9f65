/**
 * Answers to an opening handshake that break a rule on purpose. Only the mode of `--echo-controls` may import this file,
 * and test/architecture.test.ts holds that.
 */
import { Buffer } from 'node:buffer';
import type { BreakName } from '../../protocol/break/broken-rules.js';
import type { UpgradeRequest } from '../request.js';
import { acceptKey } from '../response.js';

type Asked = Pick<UpgradeRequest, 'key' | 'subprotocols' | 'extensionOffers'>;

/** What of it an answer is made of; nothing of the client's but the key gets into it. */
const BREAKS: Readonly<
  Partial<Record<BreakName, (head: string, asked: Asked) => readonly [from: string, to: string]>>
> = {
  'wrong-accept': (_head, { key }) => [acceptKey(key), acceptKey(`not ${key}`)],
  'unasked-extension': (head, { extensionOffers }) => {
    const name = unasked(
      'x-unasked',
      extensionOffers.map((offer) => offer.name),
    );
    return added(head, 'Sec-WebSocket-Extensions', name);
  },
  'unasked-subprotocol': (head, { subprotocols }) =>
    added(head, 'Sec-WebSocket-Protocol', unasked('x-unasked', subprotocols)),
};

const END = '\r\n\r\n';

/**
 * @param head the whole head of a right answer
 * @returns the same, but for the rule; as it is for a rule that is broken later
 */
export function brokenAnswer(name: BreakName, head: Uint8Array, asked: Asked): Uint8Array {
  const change = BREAKS[name];
  if (change === undefined) return head;
  const text = Buffer.from(head).toString('latin1');
  const [from, to] = change(text, asked);
  return Buffer.from(text.replace(from, to), 'latin1');
}

/** Puts another one in the place of a header that is there, or adds it: one header twice would break one more rule. */
function added(head: string, name: string, value: string): readonly [from: string, to: string] {
  const line = head.split('\r\n').find((one) => one.startsWith(`${name}: `));
  if (line !== undefined) return [line, `${name}: ${value}`];
  return [END, `\r\n${name}: ${value}${END}`];
}

/** A name that the client has not offered, however many it offers. */
function unasked(name: string, offered: readonly string[]): string {
  const taken = new Set(offered);
  let other = name;
  for (let number = 2; taken.has(other); number++) other = `${name}-${number}`;
  return other;
}
