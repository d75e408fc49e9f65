import { Buffer } from 'node:buffer';
import { constants, inflateRawSync } from 'node:zlib';
import t from 'tap';
import { brokenBytes, deflatedZeros } from '../../../src/protocol/break/broken-bytes.js';
import {
  BOMB_BYTES,
  BREAK_NAMES,
  BROKEN_RULES,
  type BreakName,
  brokenRule,
  isBreakName,
} from '../../../src/protocol/break/broken-rules.js';
import { Endpoint } from '../../../src/protocol/endpoint.js';
import { OutputQueue } from '../../../src/protocol/output-queue.js';
import { SlabPool } from '../../../src/protocol/slabs/slab-pool.js';
import { hexOf } from '../../fixtures/hex.js';

/** What our own endpoint says to it as a client: a rule, or how it takes it. */
const FOUND: Readonly<Partial<Record<BreakName, string>>> = {
  'frame-masked': 'frame-masked',
  'reserved-bit-2': 'reserved-bit',
  'reserved-bit-3': 'reserved-bit',
  'reserved-opcode': 'reserved-opcode',
  'reserved-control-opcode': 'reserved-opcode',
  'length-not-minimal-16': 'length-not-minimal',
  'length-not-minimal-64': 'length-not-minimal',
  'length-top-bit': 'length-top-bit',
  'length-huge': 'message-too-big',
  'text-not-utf8': 'text-not-utf8',
  'fragment-not-utf8': 'text-not-utf8',
  'ping-fragmented': 'control-fragmented',
  'ping-too-long': 'control-too-long',
  'message-interleaved': 'message-interleaved',
  'continuation-unexpected': 'continuation-unexpected',
  'frame-truncated': 'waits',
  'close-one-byte': 'close-payload-length',
  'close-code-999': 'close-code',
  'close-code-1005': 'close-code',
  'close-code-1006': 'close-code',
  'close-code-1015': 'close-code',
  'close-code-5000': 'close-code',
  'close-reason-not-utf8': 'close-reason-not-utf8',
  'data-after-close': 'closed with 1000',
  'compressed-unasked': 'reserved-bit',
  'compressed-garbage': 'reserved-bit',
  bomb: 'reserved-bit',
};

/** What a strict client makes of some bytes. */
function judge(bytes: Uint8Array): string {
  const heard: string[] = [];
  const endpoint = new Endpoint(
    {
      role: 'client',
      delivery: 'messages',
      maxMessage: 1e6,
      maxFragments: 10,
      makeMaskingKey: () => 0,
    },
    {
      message: (opcode, data, start, end) => {
        heard.push(`message ${opcode} ${hexOf(data.subarray(start, end))}`);
      },
      chunk: () => undefined,
      pingReceived: () => undefined,
      pongReceived: () => undefined,
      peerClose: ({ code }) => {
        heard.push(`closed with ${code}`);
      },
      failed: (error) => {
        heard.push((error as { readonly rule: string }).rule);
      },
    },
    new OutputQueue(new SlabPool()),
  );
  endpoint.receive(Uint8Array.from(bytes), 0, bytes.length);
  return heard.join(', ') || 'waits';
}

t.test('a strict client finds each of them, and that rule', async (t) => {
  const inFrames = BREAK_NAMES.filter((name) => brokenRule(name).when === 'messages');
  t.strictSame(Object.keys(FOUND).sort(), [...inFrames].sort(), 'none is left out');
  for (const name of inFrames) t.equal(judge(brokenBytes(name).bytes), FOUND[name], name);
});

t.test('what is expected of a client fits what is sent', async (t) => {
  for (const name of BREAK_NAMES) {
    const { when, code, sends, client, section } = brokenRule(name);
    t.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
    t.match(section, /^RFC (6455|7692) \d/, name);
    for (const text of [sends, client]) t.match(text, /^[\x20-\x7e]*[^.]$/, name);
    if (when !== 'messages') {
      t.equal(code, null, name);
      t.throws(() => brokenBytes(name), { message: `${name} is not broken by bytes` });
      continue;
    }
    const { close, isLast } = brokenBytes(name);
    t.equal(close !== null, name.startsWith('close-') || name === 'data-after-close', name);
    t.equal(isLast, name === 'frame-truncated', name);
  }
});

t.test('the codes of a Close are those of its name', async (t) => {
  for (const name of BREAK_NAMES) {
    const [, code] = /^close-code-(\d+)$/.exec(name) ?? [];
    if (code === undefined) continue;
    const { bytes, close } = brokenBytes(name);
    t.equal(bytes.length, 4);
    t.equal(Buffer.from(bytes).readUInt16BE(2), Number(code));
    t.equal(close?.code, Number(code));
  }
});

t.test('names', async (t) => {
  t.ok(isBreakName('bomb'));
  t.notOk(isBreakName('toString'));
  t.equal(brokenRule('bomb'), BROKEN_RULES.bomb);
});

/** As a client that has agreed on permessage-deflate reads a message (RFC 7692 §7.2.2). */
function inflated(payload: Uint8Array): Buffer {
  const tail = Buffer.from('0000ffff', 'hex');
  return inflateRawSync(Buffer.concat([payload, tail]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}

t.test('zeros that take no compressor', async (t) => {
  for (const count of [0, 1, 5000, 10_000, 1_000_000]) {
    const zeros = inflated(deflatedZeros(count));
    t.ok(zeros.length >= count && zeros.length < count + 6200, `${count}: ${zeros.length}`);
    t.ok(
      zeros.every((byte) => byte === 0),
      'nothing but zeros',
    );
  }
});

t.test('the bomb is as large as the table says, on the wire and off it', async (t) => {
  const { bytes } = brokenBytes('bomb');
  t.equal(hexOf(bytes.subarray(0, 2)), 'c27f');
  t.match(brokenRule('bomb').sends, `${Math.round(bytes.length / 1000)} KB`);
  const { length } = inflated(bytes.subarray(10));
  t.ok(length >= BOMB_BYTES && length < BOMB_BYTES * 1.001, String(length));
});

t.test('garbage is not inflated', async (t) => {
  const { bytes } = brokenBytes('compressed-garbage');
  t.throws(() => inflated(bytes.subarray(2)), { code: 'Z_DATA_ERROR' });
  t.equal(inflated(brokenBytes('compressed-unasked').bytes.subarray(2)).toString(), 'Hello');
});
