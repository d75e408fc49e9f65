/** The server against the WebSocket of a browser. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { launchChromium } from '../fixtures/browser-page.js';
import { testInterop, type Message, type Peer, type PeerClose } from '../fixtures/interop.js';
import { startTwist } from '../fixtures/twist-process.js';

t.setTimeout(90_000);

const PAGE = readFileSync(new URL('../fixtures/browser-peer.html', import.meta.url));

type EncodedMessage = { readonly text: string } | { readonly base64: string };

/** Calls one of the page's actions. */
async function call(page: Page, action: string, ...args: readonly unknown[]): Promise<unknown> {
  const list = args.map((argument) => JSON.stringify(argument)).join(', ');
  return await page.evaluate(`actions.${action}(${list})`);
}

class BrowserPeer implements Peer {
  readonly subprotocol: string;
  readonly #page: Page;
  readonly #peer: number;

  constructor(page: Page, peer: number, subprotocol: string) {
    this.#page = page;
    this.#peer = peer;
    this.subprotocol = subprotocol;
  }

  async exchange(message: Message): Promise<Message> {
    const sent: EncodedMessage =
      typeof message === 'string'
        ? { text: message }
        : { base64: Buffer.from(message).toString('base64') };
    const answer = (await call(this.#page, 'exchange', this.#peer, sent)) as EncodedMessage;
    return 'text' in answer ? answer.text : Buffer.from(answer.base64, 'base64');
  }

  async exchangeBlocks(block: Uint8Array, count: number): Promise<string> {
    const base64 = Buffer.from(block).toString('base64');
    return String(await call(this.#page, 'exchangeBlocks', this.#peer, base64, count));
  }

  async close(code: number, reason: string): Promise<PeerClose> {
    return (await call(this.#page, 'close', this.#peer, code, reason)) as PeerClose;
  }

  async closed(): Promise<PeerClose> {
    return (await call(this.#page, 'closed', this.#peer)) as PeerClose;
  }
}

async function connectPeer(
  page: Page,
  url: string,
  subprotocols: readonly string[],
): Promise<BrowserPeer> {
  const connected = await call(page, 'connect', url, subprotocols);
  const { peer, subprotocol } = connected as { peer: number; subprotocol: string };
  return new BrowserPeer(page, peer, subprotocol);
}

/** Serves the page, so that it has an origin. */
async function servePage(t: Test): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8').end(PAGE);
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
  const origin = await servePage(t);
  t.comment(`Chromium ${browser.version()}`);
  const page = await browser.newPage();
  await page.goto(origin);

  await testInterop(t, (url, subprotocols) => connectPeer(page, url, subprotocols));

  await t.test('only pages of an allowed origin connect', async (t) => {
    const open = await startTwist(t, ['--origin', origin]);
    const peer = await connectPeer(page, open.url, []);
    t.equal(await peer.exchange('hello'), 'hello', 'its own origin is allowed');
    const closed = await startTwist(t, ['--origin', 'https://example.com']);
    await t.rejects(connectPeer(page, closed.url, []), 'another one is not');
    t.match(
      await closed.waitForLog(({ rule }) => rule === 'origin'),
      { status: 403 },
      'the log says so',
    );
  });

  await t.test('a page that goes away', async (t) => {
    const twist = await startTwist(t);
    const other = await browser.newPage();
    await other.goto(origin);
    await connectPeer(other, twist.url, []);
    await other.close();
    t.match(
      await twist.waitForLog(({ msg }) => msg === 'session ended'),
      { in: { messages: 0 } },
      'the log says so',
    );
  });
});
