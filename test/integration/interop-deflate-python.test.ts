/** permessage-deflate with Python's websockets. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import {
  USUAL_OFFER,
  testDeflateInterop,
  type DeflateReport,
} from '../fixtures/interop-deflate.js';
import { skipWithout } from '../fixtures/interop.js';
import { LineProcess } from '../fixtures/line-process.js';
import { startTwist } from '../fixtures/twist-process.js';

t.setTimeout(180_000);

/** An interpreter that can import websockets. */
const PYTHON = process.env['TWIST_PYTHON'] ?? 'python3';
const SCRIPT = fileURLToPath(new URL('../fixtures/python-peer.py', import.meta.url));

t.test("Python's websockets", async (t) => {
  const probe = spawnSync(PYTHON, ['-c', 'import websockets; print(websockets.__version__)']);
  if (probe.status !== 0) {
    skipWithout(t, `${PYTHON} cannot import websockets (TWIST_PYTHON names another interpreter)`);
    return;
  }
  t.comment(`websockets ${String(probe.stdout).trim()}`);
  const python = new LineProcess(t, PYTHON, [SCRIPT]);
  await testDeflateInterop(t, {
    run: async (run) => (await python.ask('run_corpus', run)) as DeflateReport,
    usualOffer: USUAL_OFFER,
    canOffer: () => true,
    canNameLargestWindow: true,
    // It declines such an answer, because Python's zlib refuses to.
    canCompressWith8Bits: false,
    canFragment: true,
  });
});

t.test('an iterable of many small parts, each of which is flushed', async (t) => {
  const probe = spawnSync(PYTHON, ['-c', 'import websockets']);
  if (probe.status !== 0) {
    skipWithout(t, `${PYTHON} cannot import websockets (TWIST_PYTHON names another interpreter)`);
    return;
  }
  const twist = await startTwist(t);
  const python = new LineProcess(t, PYTHON, [SCRIPT]);
  const exchange = async (count: number, bytes: number): Promise<unknown> => {
    const peer = `${count} x ${bytes}`;
    await python.ask('connect', { peer, url: twist.url, subprotocols: [] });
    return await python.ask('exchange_noise', { peer, count, bytes });
  };
  t.equal(await exchange(200_000, 80), true, '16,000,000 bytes, more than 16 MiB on the wire');
  t.equal(
    await exchange(250_000, 67),
    true,
    'nearly as many fragments and bytes as a message may have',
  );
  t.equal(
    await exchange(16_385, 1024),
    '1009 message is over the limit of 16777216 bytes',
    'and a fragment more',
  );
  t.equal(await twist.stop(), 0);
});
