/** What an endpoint sends past its own rules, for whoever breaks them on purpose. */
import { Buffer } from 'node:buffer';
import t from 'tap';
import { Endpoint } from '../../src/protocol/endpoint.js';
import { OutputQueue } from '../../src/protocol/output-queue.js';
import { SlabPool } from '../../src/protocol/slabs/slab-pool.js';
import { closeFrame, encodeFrames, pingFrame, textFrame } from '../fixtures/frames.js';
import { hexOf } from '../fixtures/hex.js';

function makeEndpoint(): { endpoint: Endpoint; heard: string[]; sent: () => string } {
  const heard: string[] = [];
  const endpoint = new Endpoint(
    { role: 'server', delivery: 'messages', maxMessage: 1000, maxFragments: 10 },
    {
      message: () => heard.push('message'),
      chunk: () => undefined,
      pingReceived: () => heard.push('ping'),
      pongReceived: () => undefined,
      peerClose: ({ code }) => heard.push(`close ${code}`),
      failed: () => heard.push('failed'),
    },
    new OutputQueue(new SlabPool()),
  );
  const sent = (): string => {
    const hex = hexOf(Buffer.concat(endpoint.output.take()));
    endpoint.output.release();
    return hex;
  };
  return { endpoint, heard, sent };
}

function receive(endpoint: Endpoint, ...frames: Parameters<typeof encodeFrames>[0]): void {
  const bytes = encodeFrames(frames, true);
  endpoint.receive(bytes, 0, bytes.length);
}

const BROKEN = Buffer.from('8101', 'hex');

t.test(
  'bytes leave as they are, in their order, and no watcher takes them for frames',
  async (t) => {
    const { endpoint, sent } = makeEndpoint();
    const watched: number[] = [];
    endpoint.watcher = {
      frameReceived: () => undefined,
      controlReceived: () => undefined,
      frameSent: (first) => watched.push(first),
    };
    endpoint.sendMessage(2, Buffer.from('a'), 0, 1);
    t.ok(endpoint.sendRaw(BROKEN, null));
    endpoint.sendMessage(2, Buffer.from('b'), 0, 1);
    t.equal(sent(), '820161' + '8101' + '820162');
    t.strictSame(watched, [0x82, 0x82]);
  },
);

t.test(
  'a Close in them is ours: no other one follows, and the one of the peer ends it',
  async (t) => {
    const { endpoint, heard, sent } = makeEndpoint();
    t.ok(endpoint.sendRaw(Buffer.from('880103', 'hex'), { code: 1005, reason: '' }));
    t.strictSame(endpoint.sentClose, { code: 1005, reason: '' });
    t.notOk(endpoint.canSend);
    t.notOk(endpoint.sendRaw(BROKEN, null), 'nothing more');
    receive(endpoint, closeFrame(1002));
    t.ok(endpoint.isClosed);
    t.strictSame(heard, ['close 1002']);
    t.equal(sent(), '880103');
  },
);

t.test('it ends without a Close, whatever it has heard', async (t) => {
  for (const frames of [[], [closeFrame(1000)]]) {
    const { endpoint, sent } = makeEndpoint();
    receive(endpoint, ...frames);
    endpoint.abandon();
    t.ok(endpoint.isClosed);
    t.notOk(endpoint.sendClose(1000));
    receive(endpoint, textFrame('late'));
    t.equal(sent(), '');
  }
});

t.test('Pings without an answer are heard all the same', async (t) => {
  const { endpoint, heard, sent } = makeEndpoint();
  receive(endpoint, pingFrame('a'));
  t.equal(sent(), '8a0161');
  endpoint.isOutputBlocked = true;
  receive(endpoint, pingFrame('b'));
  endpoint.withholdsPongs = true;
  receive(endpoint, pingFrame('c'));
  endpoint.isOutputBlocked = false;
  endpoint.sendOwedPong();
  receive(endpoint, pingFrame('d'));
  t.equal(sent(), '');
  t.strictSame(heard, ['ping', 'ping', 'ping', 'ping']);
});
