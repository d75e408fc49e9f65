/** The inspector's URL as people come to it: by a link on another site, a chat program in the browser for instance. */
import { once } from 'node:events';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { launchChromium } from '../fixtures/browser-page.js';
import { newestUrl } from '../fixtures/inspector-page.js';
import { startTwist } from '../fixtures/twist-process.js';

t.setTimeout(150_000);

/** Another site, whatever its port: a browser tells sites apart by their host names. */
async function otherSite(t: Test, html: (path: string) => string): Promise<string> {
  const server: Server = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(html(request.url!));
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://localhost:${(server.address() as AddressInfo).port}/`;
}

const isShown = async (page: Page): Promise<void> => {
  await page.locator('main').first().waitFor();
};

const linkTo = (url: string): string => `<a href="${url}">the traffic</a>`;

async function follow(browser: Browser, site: string): Promise<Page> {
  const context = browser.contexts()[0] ?? (await browser.newContext());
  const page = await context.newPage();
  await page.goto(site);
  await page.getByRole('link').click();
  return page;
}

t.test('a link on another site opens the page, with a token and again without', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const twist = await startTwist(t, ['--inspect', '0']);
  const url = await newestUrl(twist);
  const { origin, host } = new URL(url);
  const site = await otherSite(t, (path) => linkTo(path === '/' ? url : `${origin}/`));
  const page = await follow(browser, site);
  await page.waitForURL(`${origin}/`);
  await isShown(page);
  t.equal(await page.locator('.fault').count(), 0);
  // The cookie is there now, and a link without a token is enough.
  const second = await follow(browser, `${site}again`);
  await isShown(second);
  t.equal(await second.title(), await page.title());
  t.match(await second.title(), /twist/);

  // What the other site does in the same browser, with whatever cookies that takes along, gets it nothing.
  const evil = await page.context().newPage();
  await evil.goto(site);
  const opened = await evil.evaluate(
    `new Promise((resolve) => {
      const socket = new WebSocket('ws://${host}/ws', 'twist-inspect.1');
      socket.onopen = () => resolve('open');
      socket.onerror = () => resolve('refused');
    })`,
  );
  t.equal(opened, 'refused', 'no WebSocket of another origin');
  const read = await evil.evaluate(
    `fetch('${origin}/', { credentials: 'include' }).then(() => 'read', () => 'refused')`,
  );
  t.equal(read, 'refused', 'nothing is read');
  const [response] = await Promise.all([
    evil.waitForResponse(`${origin}/`),
    evil.evaluate(
      `void fetch('${origin}/', { credentials: 'include', mode: 'no-cors' }).catch(() => null)`,
    ),
  ]);
  t.equal(response.status(), 403, 'no cookie comes along but with a link that is followed');
  const [framed] = await Promise.all([
    evil.waitForResponse(`${origin}/`),
    evil.evaluate(
      `document.body.append(Object.assign(document.createElement('iframe'), { src: '${origin}/' }))`,
    ),
  ]);
  t.equal(framed.status(), 403, 'nor in a frame');
  const [posted] = await Promise.all([
    evil.waitForResponse(`${origin}/`),
    evil.evaluate(
      `(() => {
        const form = Object.assign(document.createElement('form'), { method: 'post', action: '${origin}/' });
        document.body.append(form);
        form.submit();
      })()`,
    ),
  ]);
  t.ok(posted.status() >= 400, `no form: ${posted.status()}`);
});
