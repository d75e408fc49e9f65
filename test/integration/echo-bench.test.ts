/**
 * The page of an echo server in a browser: each thing that it offers is done, by mouse or by keyboard, and looked at.
 * `TWIST_ECHO_PICTURES=docs/images` also saves the pictures of docs/echo.md.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { WebSocketServer } from 'ws';
import {
  SLOWDOWN,
  findBarriers,
  launchChromium,
  openWatched,
  says,
} from '../fixtures/browser-page.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { startTwist } from '../fixtures/twist-process.js';

t.setTimeout(300_000 * SLOWDOWN);

/** Opens the page of a server, by the address for WebSockets. */
const open = (t: Test, browser: Browser, url: string, options?: BrowserContextOptions) =>
  openWatched(t, browser, url.replace('ws', 'http'), {
    viewport: { width: 1600, height: 1000 },
    ...options,
  });

async function connect(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await page.getByText('Connected', { exact: true }).waitFor();
}

/** Rows of the log as they are read. */
const rows = (page: Page): Promise<string[]> => page.getByRole('option').allInnerTexts();

/** Waits until a button can not be pressed. */
const disabled = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true, disabled: true }).waitFor();

const textOfRow = (page: Page, text: string): ReturnType<Page['locator']> =>
  page.getByRole('option').filter({ hasText: text });

t.test('the page of an echo server', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const twist = await startTwist(t, ['--max-message', '1m']);

  await t.test('connects, and shows what was agreed on', async (t) => {
    const { page, faults } = await open(t, browser, `${twist.url}/chat`);
    t.equal(await page.title(), 'twist echo');
    t.equal(await page.getByLabel('URL').inputValue(), `${twist.url}/chat`);
    await page.getByLabel('Subprotocols to offer').fill('chat, v2');
    await connect(page);
    const agreed = page.getByRole('region', { name: 'Negotiated' });
    await agreed.getByText('permessage-deflate').waitFor();
    await says(
      t,
      () => agreed.innerText(),
      /Subprotocol\s+chat\s+Extensions\s+permessage-deflate\s/,
    );
    await says(t, () => agreed.innerText(), /WebSocket version 13/);
    await agreed.getByText('Your request, as the server sees it').click();
    await says(t, () => agreed.innerText(), /"remoteAddress": "127\.0\.0\.1"/);
    t.strictSame(faults, []);
  });

  await t.test('sends text, JSON, bytes and a file, and times each echo', async (t) => {
    const { page, faults } = await open(t, browser, twist.url);
    await connect(page);
    const send = page.getByRole('button', { name: 'Send' });
    await page.getByRole('textbox', { name: 'Text' }).fill('grüße');
    await send.click();
    await textOfRow(page, 'grüße').nth(1).waitFor();

    await page.getByRole('tab', { name: 'JSON' }).click();
    const json = page.getByRole('textbox', { name: 'JSON' });
    await json.fill('{"a":');
    // What is no JSON is not sent.
    await disabled(page, 'Send');
    await says(t, () => json.getAttribute('aria-invalid'), 'true');
    await json.fill('{"a":[1]}');
    await page.getByRole('button', { name: 'Format' }).click();
    await says(t, () => json.inputValue(), /^\{\n {2}"a": \[\n {4}1\n {2}\]\n\}$/);
    await json.press('Control+Enter');
    await textOfRow(page, '{ "a": [ 1 ] }').nth(1).waitFor();

    await page.getByRole('tab', { name: 'Hex' }).click();
    const hex = page.getByRole('textbox', { name: 'Bytes' });
    await hex.fill('00 f');
    await disabled(page, 'Send');
    await hex.fill('00 ff 7f');
    await send.click();
    await textOfRow(page, '00 ff 7f').nth(1).waitFor();

    await page.getByRole('tab', { name: 'File' }).click();
    const directory = makeTempDir(t);
    const [small, large] = [path.join(directory, 'small.bin'), path.join(directory, 'large.bin')];
    writeFileSync(small, Buffer.alloc(50_000, 1));
    writeFileSync(large, Buffer.alloc(1024 * 1024 + 1));
    await page.setInputFiles('input[type=file]', large);
    await page.getByText('the server takes 1').waitFor();
    await disabled(page, 'Send');
    await page.setInputFiles('input[type=file]', small);
    await send.click();
    await textOfRow(page, '48.8').nth(1).waitFor();

    await page.getByText('4 of 4 came back as sent').waitFor();
    const replies = (await rows(page)).filter((row) => row.includes('received'));
    t.equal(replies.length, 4);
    for (const reply of replies) t.match(reply, /\d\s(?:µs|ms)\s*$/, 'it was timed');
    const results = page.getByRole('region', { name: 'Round trips' });
    await says(t, () => results.innerText(), /4 of 4 came back as sent/);
    await results.getByRole('img', { name: '4 round trips' }).waitFor();

    await textOfRow(page, '48.8').first().click();
    const entry = page.getByRole('region', { name: 'The chosen line' });
    await says(t, () => entry.innerText(), /00000000 {2}01 01 01/);
    await says(t, () => entry.innerText(), /only its beginning was kept/);
    t.strictSame(faults, []);
  });

  await t.test('sends many at once, within bounds', async (t) => {
    const { page, faults } = await open(t, browser, twist.url);
    await connect(page);
    await page.getByRole('tab', { name: 'Many' }).click();
    await page.getByLabel('Messages').fill('100001');
    await page.getByText('From 1 to 100,000.').waitFor();
    await disabled(page, 'Start');
    await page.getByLabel('Messages').fill('3000');
    await page.getByLabel('In flight at a time').fill('100');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('3,000 of 3,000 came back in').waitFor();
    const results = page.getByRole('region', { name: 'Round trips' });
    await says(t, () => results.innerText(), /3,000 of 3,000 came back as sent/);
    await says(t, () => results.innerText(), /p50\s.*p90\s.*p99\s/s);
    t.equal((await rows(page)).length, 3, 'they do not fill the log');

    await page.getByText('Binary', { exact: true }).click();
    await page.getByLabel('A second').fill('20');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByText('; stopped').waitFor();
    t.strictSame(faults, []);
  });

  await t.test('closes with a code and a reason, and says how it ended', async (t) => {
    const { page, faults } = await open(t, browser, twist.url);
    await connect(page);
    await page.getByLabel('Close code').fill('1001');
    await disabled(page, 'Disconnect');
    await page.getByLabel('Close code').fill('4321');
    await page.getByLabel('Reason').fill('gr\u00fc\u00dfe');
    await page.getByRole('button', { name: 'Disconnect' }).click();
    await page.getByText('Not connected').waitFor();
    const last = async () => (await rows(page)).at(-1) ?? '';
    await says(t, last, /4321 “grüße” The application gives it its meaning\./);
    await says(t, () => page.getByRole('region', { name: 'Negotiated' }).innerText(), /4321/);
    t.match(await twist.waitForLog(({ code }) => code === 4321), { reason: 'grüße' });
    t.strictSame(faults, []);
  });

  await t.test('a URL elsewhere is refused before the browser does it', async (t) => {
    const { page, faults } = await open(t, browser, twist.url);
    await page.getByLabel('URL').fill('ws://example.com/');
    await page.getByText('This page may only connect to').waitFor();
    await disabled(page, 'Connect');
    await page.getByLabel('Subprotocols to offer').fill('a/b');
    await page.getByText('a/b is no token').waitFor();
    t.strictSame(faults, []);
  });

  await t.test('a server that echoes wrongly is found out', async (t) => {
    // The page comes from twist, and the sessions of it from a server that does as it likes.
    const other = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    t.teardown(() => {
      other.close();
    });
    await new Promise((resolve) => other.once('listening', resolve));
    other.on('connection', (socket) => {
      socket.send('greeting');
      socket.on('message', (data: Buffer, isBinary) => {
        if (String(data) !== 'lost') socket.send(String(data).toUpperCase(), { binary: isBinary });
      });
    });
    const { port } = other.address() as { port: number };
    const { page } = await open(t, browser, twist.url, { bypassCSP: true });
    await page.evaluate(
      `const Own = WebSocket; window.WebSocket = class extends Own { constructor(url, names) { super('ws://127.0.0.1:${port}/', names); } }`,
    );
    await connect(page);
    await textOfRow(page, 'greeting').getByText('unasked').waitFor();
    const text = page.getByRole('textbox', { name: 'Text' });
    for (const [sent, seen] of [
      ['hello', 'HELLO'],
      ['lost', null],
      ['SAME', 'SAME'],
    ] as const) {
      await text.fill(sent);
      await page.getByRole('button', { name: 'Send' }).click();
      if (seen !== null) await textOfRow(page, seen).last().waitFor();
    }
    await page.getByText('not everything came back as it was sent').waitFor();
    const results = page.getByRole('region', { name: 'Round trips' });
    await says(t, results, /1 message equals nothing that was sent/);
    await says(t, results, /1 message came unasked/);
    await says(t, results, /2 messages were passed over by later echoes/);
  });

  await t.test('has lines for other programs, with the URL in them', async (t) => {
    const { page, faults } = await open(t, browser, twist.url, {
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    await page.getByLabel('URL').fill(`${twist.url}/?a=1&b`);
    const lines = page.getByRole('region', { name: 'From elsewhere' });
    for (const [name, code] of [
      ['wscat', `npx wscat --connect '${twist.url}/?a=1&b'`],
      ['curl', `curl '${twist.url.replace('ws', 'http')}/?a=1&b'`],
    ] as const) {
      await lines.getByRole('tab', { name, exact: true }).click();
      await lines.getByRole('button', { name: 'Copy' }).click();
      await lines.getByText('Copied').waitFor();
      t.equal(await page.evaluate('navigator.clipboard.readText()'), code);
    }
    for (const name of ['websocat', 'handshake', 'Python', 'JavaScript']) {
      await lines.getByRole('tab', { name, exact: true }).click();
      await says(t, () => lines.locator('pre').innerText(), new URL(twist.url).host, name);
    }
    t.strictSame(faults, []);
  });

  await t.test('works by the keyboard alone', async (t) => {
    const { page, faults } = await open(t, browser, twist.url);
    const press = async (...keys: readonly string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const tabTo = async (name: string): Promise<void> => {
      for (let times = 0; times < 40; times++) {
        await press('Tab');
        const focused = await page.evaluate(
          "document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText ?? ''",
        );
        if (focused === name) return;
      }
      t.fail(`nothing leads to ${name}`);
    };
    await tabTo('Connect');
    await press('Enter');
    await page.getByText('Connected', { exact: true }).waitFor();
    await tabTo('Text');
    await press('ArrowRight', 'ArrowRight');
    await page.getByRole('tab', { name: 'Hex', selected: true }).waitFor();
    await tabTo('Send');
    await press('Enter');
    await textOfRow(page, '00 01 02 ff').nth(1).waitFor();
    await tabTo('Events');
    await press('Home', 'ArrowDown');
    await says(t, () => page.getByRole('option', { selected: true }).innerText(), '00 01 02 ff');
    await press('End');
    await says(t, () => page.getByRole('option', { selected: true }).innerText(), 'received');
    await press('Escape');
    await page.getByRole('region', { name: 'The chosen line' }).waitFor({ state: 'detached' });
    t.strictSame(faults, []);
  });

  await t.test('offers what the server can be asked for, where it can', async (t) => {
    const plain = await open(t, browser, twist.url);
    await connect(plain.page);
    t.equal(await plain.page.getByText('How the server behaves').count(), 0);
    const controlled = await startTwist(t, ['--echo-controls']);
    const { page, faults } = await open(t, browser, `${controlled.url}/?burst=2`);
    await page.getByText('How the server behaves').click();
    t.equal(await page.getByLabel('burst').inputValue(), '2', 'as the URL says');
    t.strictSame(await findBarriers(page), [], 'with controls');
    await page.getByLabel('greeting').fill('hi there');
    await page.getByLabel('no-pong').check();
    const wanted = `${controlled.url}/?burst=2&greeting=hi%20there&no-pong`;
    await says(t, () => page.getByLabel('URL').inputValue(), wanted);
    await connect(page);
    await textOfRow(page, 'hi there').getByText('unasked').waitFor();
    await page.getByRole('button', { name: 'Send' }).click();
    await textOfRow(page, 'hello').nth(2).waitFor();
    await says(t, async () => (await rows(page)).at(-1) ?? '', /unasked/, 'the second of one');
    t.strictSame(faults, []);
  });

  await t.test('is fit for everybody: axe, both themes, 400 to 1,600 pixels', async (t) => {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [400, 1024, 1600]) {
        const viewport = { width, height: 1000 };
        const { page, faults } = await open(t, browser, twist.url, { viewport, colorScheme });
        t.strictSame(await findBarriers(page), [], `${colorScheme}, ${width}, before`);
        await connect(page);
        for (const tab of ['JSON', 'Hex']) {
          await page.getByRole('tab', { name: tab }).click();
          await page.getByRole('button', { name: 'Send' }).click();
        }
        await textOfRow(page, '00 01 02 ff').nth(1).waitFor();
        await textOfRow(page, 'twist').first().click();
        await page.getByRole('tab', { name: 'Many' }).click();
        t.strictSame(await findBarriers(page), [], `${colorScheme}, ${width}, after`);
        const overflow = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        t.equal(overflow, 0, `nothing is wider than ${width} pixels`);
        t.strictSame(faults, []);
      }
  });

  const pictures = process.env['TWIST_ECHO_PICTURES'];
  if (pictures === undefined) return;
  for (const [name, width, height, colorScheme] of [
    ['echo-page.png', 1600, 960, 'light'],
    ['echo-dark.png', 1600, 960, 'dark'],
    ['echo-400.png', 400, 960, 'light'],
  ] as const) {
    const url = 'ws://127.0.0.1:9001';
    const shown = await startTwist(t, ['--listen', '127.0.0.1:9001']);
    const { page } = await open(t, browser, url, { viewport: { width, height }, colorScheme });
    await page.getByLabel('Subprotocols to offer').fill('chat, v2');
    await connect(page);
    const send = page.getByRole('button', { name: 'Send' });
    await send.click();
    await page.getByRole('tab', { name: 'Hex' }).click();
    await send.click();
    await page.getByRole('tab', { name: 'JSON' }).click();
    await send.click();
    await page.getByRole('tab', { name: 'Many' }).click();
    await page.getByLabel('Messages').fill('5000');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.getByText('5,000 of 5,000 came back in').waitFor();
    await textOfRow(page, 'twist').first().click();
    const isNarrow = width < 800;
    await page.screenshot({ path: path.join(pictures, name), fullPage: isNarrow });
    await page.close();
    await shown.stop();
  }
});
