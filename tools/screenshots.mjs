/**
 * Makes the pictures of the inspector in docs/images, with traffic that is made up and the same each time:
 * `node --import ./tools/typescript.mjs tools/screenshots.mjs`. It needs Debian's chromium, or what CHROMIUM names.
 */
import { mkdirSync } from 'node:fs';
import process from 'node:process';
import { chromium } from 'playwright-core';
import { FakeInspector } from '../test/fixtures/fake-inspector.js';
import { addTraffic } from '../test/fixtures/fake-traffic.js';

const FOLDER = 'docs/images';
const CHAT = '#/s/01JCHAT0000000000000000001';

/**
 * @typedef {{
 *   name: string,
 *   hash: string,
 *   width?: number,
 *   height?: number,
 *   colorScheme?: 'light' | 'dark',
 *   prepare?: (page: import('playwright-core').Page) => Promise<void>,
 * }} Picture
 */

/** @type {readonly Picture[]} */
const PICTURES = [
  { name: 'inspect-list', hash: '#/' },
  { name: 'inspect-session', hash: `${CHAT}?record=10` },
  { name: 'inspect-dark', hash: `${CHAT}?record=10`, colorScheme: 'dark' },
  {
    name: 'inspect-strip',
    hash: CHAT,
    height: 460,
    prepare: async (page) => {
      const box = await page.locator('.u-over').boundingBox();
      if (box === null) throw new Error('there is no strip');
      const y = box.y + box.height / 2;
      await page.mouse.move(box.x + box.width * 0.3, y);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * 0.55, y, { steps: 5 });
      await page.mouse.up();
      await page.mouse.move(5, 5);
    },
  },
  {
    name: 'inspect-hex',
    hash: `${CHAT}?kinds=binary&record=84`,
    prepare: async (page) => {
      await page.locator('#messages .message-row', { hasText: 'Binary' }).nth(1).click();
      await page.getByRole('tab', { name: 'Hex' }).click();
    },
  },
  { name: 'inspect-400', hash: CHAT, width: 400, height: 800 },
];

const page = await import('twist:page/inspect');
const inspector = new FakeInspector(page);
addTraffic(inspector, Date.now() / 1000);
await inspector.listen();
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
mkdirSync(FOLDER, { recursive: true });
try {
  for (const picture of PICTURES) await take(picture);
} finally {
  await browser.close();
  inspector.close();
}

/** @param {Picture} picture */
async function take({ name, hash, width = 1600, height = 900, colorScheme = 'light', prepare }) {
  const tab = await browser.newPage({ viewport: { width, height }, colorScheme });
  await tab.goto(`${inspector.url}${hash}`);
  await tab.locator('.virtual-rows > *').first().waitFor();
  if (hash !== '#/') await tab.locator('.u-over').waitFor();
  await prepare?.(tab);
  // What is asked for after a change has come by then.
  await tab.waitForTimeout(700);
  await tab.screenshot({ path: `${FOLDER}/${name}.png` });
  await tab.close();
  process.stdout.write(`${FOLDER}/${name}.png\n`);
}
