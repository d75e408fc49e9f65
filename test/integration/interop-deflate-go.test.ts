/** permessage-deflate with two libraries of Go: gws and gorilla/websocket. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import {
  NO_TAKEOVER_OFFER,
  USUAL_OFFER,
  testDeflateInterop,
  type DeflateReport,
} from '../fixtures/interop-deflate.js';
import { skipWithout } from '../fixtures/interop.js';
import { LineProcess } from '../fixtures/line-process.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

// Building comes first; where nothing is cached yet it takes a minute.
t.setTimeout(240_000);

/** Go 1.18 or newer. */
const GO = process.env['TWIST_GO'] ?? 'go';
const SOURCE = fileURLToPath(new URL('../fixtures/go-peer/', import.meta.url));

/** @throws Error with what the compiler says */
function buildPeer(t: Test): string {
  const binary = path.join(makeTempDir(t), 'go-peer');
  // No C compiler is needed, and no word from the repository around it.
  const { status, stderr } = spawnSync(GO, ['build', '-buildvcs=false', '-o', binary, '.'], {
    cwd: SOURCE,
    env: { ...process.env, CGO_ENABLED: '0', NODE_OPTIONS: '' },
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`go build: ${stderr}`);
  return binary;
}

t.test('Go', async (t) => {
  const probe = spawnSync(GO, ['version'], { encoding: 'utf8' });
  if (probe.status !== 0) {
    skipWithout(t, `${GO} cannot be run (TWIST_GO names another path)`);
    return;
  }
  t.comment(probe.stdout.trim());
  const go = new LineProcess(t, buildPeer(t));

  await t.test('gws', async (t) => {
    await testDeflateInterop(t, {
      run: async (run) => (await go.ask('gws', run)) as DeflateReport,
      usualOffer: USUAL_OFFER,
      // It offers client_max_window_bits without a value if, and only if, it may have takeover.
      canOffer: ({ client_max_window_bits: bits, client_no_context_takeover: isForgetful }) =>
        typeof bits === 'number' || (bits === true) === (isForgetful !== true),
      canNameLargestWindow: false,
      canCompressWith8Bits: true,
      canFragment: true,
    });
  });

  await t.test('gorilla/websocket', async (t) => {
    await testDeflateInterop(t, {
      run: async (run) => (await go.ask('gorilla', run)) as DeflateReport,
      usualOffer: NO_TAKEOVER_OFFER,
      canOffer: (offer) => offer === NO_TAKEOVER_OFFER,
      canNameLargestWindow: false,
      canCompressWith8Bits: true,
      canFragment: true,
    });
  });
});
