/** permessage-deflate with the WebSocket of a browser. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { launchChromium } from '../fixtures/browser-page.js';
import {
  USUAL_OFFER,
  testDeflateInterop,
  type DeflateReport,
  type DeflateRun,
} from '../fixtures/interop-deflate.js';

t.setTimeout(240_000);

const PAGE = readFileSync(new URL('../fixtures/browser-peer.html', import.meta.url));

/** Where the page finds the messages of the run that is on. */
const CORPUS_PATH = '/corpus';

/** Serves the page, and beside it a file. */
async function servePage(t: Test, corpus: () => string): Promise<string> {
  const server = createServer((request, response) => {
    response.setHeader('Cache-Control', 'no-store');
    if (request.url === CORPUS_PATH) response.end(readFileSync(corpus()));
    else response.setHeader('Content-Type', 'text/html; charset=utf-8').end(PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('Chromium', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  let file = '';
  const origin = await servePage(t, () => file);
  t.comment(`Chromium ${browser.version()}`);
  const page = await browser.newPage();
  await page.goto(origin);

  const run = async ({ url, corpus }: DeflateRun): Promise<DeflateReport> => {
    file = corpus;
    const call = `actions.runCorpus(${JSON.stringify(url)}, ${JSON.stringify(CORPUS_PATH)})`;
    return await page.evaluate<DeflateReport>(call);
  };

  await testDeflateInterop(t, {
    run,
    usualOffer: USUAL_OFFER,
    canOffer: (offer) => offer === USUAL_OFFER,
    canNameLargestWindow: false,
    canCompressWith8Bits: true,
    canFragment: false,
  });
});
