/** A recording whose every text was written by somebody who means harm, on the real page in Chromium. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { findBarriers, launchChromium, openWatched, says } from '../fixtures/browser-page.js';
import { FILE, RecordedLines } from '../fixtures/recorded-lines.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { TwistProcess } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

t.setTimeout(150_000);

const HTML =
  '"><img src=x onerror="window.hit=1"><script>window.hit=1</script><svg onload="window.hit=1"><a href="javascript:window.hit=1">go</a>';
const TURNED = '\u202egpj.exe\u2066\u200b';
const SCREEN = '\u001b[2J\u001b]0;title\u0007\u0000\r';
const LONG_WORD = 'w'.repeat(20_000);
const HOSTILE = `${HTML}${TURNED}${SCREEN}`;

function writeRecording(file: string): void {
  const lines = new RecordedLines('S<b>1</b>');
  const records = [
    FILE,
    lines.open({
      url: `/${encodeURI(HTML)}${HTML}${LONG_WORD}`,
      remote: `${HTML}:1`,
      mode: `tcp:${HTML}`,
      subprotocol: HTML,
      extensions: `${HTML}${TURNED}`,
      headers: { host: HTML, 'user-agent': `${HOSTILE}${LONG_WORD}` },
    }),
    lines.message({ data: `${HOSTILE}${LONG_WORD}` }),
    lines.message({ data: JSON.stringify({ [HOSTILE]: [HOSTILE, LONG_WORD], __proto__: 1 }) }),
    lines.message({ data: 'of two\r\nlines' }),
    lines.close('client', { code: 4000, reason: `${HOSTILE}${'w'.repeat(120)}` }),
  ];
  writeFileSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
}

t.test(
  'nothing of it runs, leaves the page, turns text around or makes the page wider',
  async (t) => {
    const browser = await launchChromium(t);
    if (browser === null) return;
    const file = path.join(makeTempDir(t), 'hostile.ndjson');
    writeRecording(file);
    const viewer = new TwistProcess({ args: ['view', file, '--no-open'] });
    t.teardown(() => viewer.kill());
    await eventually(() => viewer.stdout.endsWith('\n'), 'a URL');
    const { page, faults } = await openWatched(t, browser, viewer.stdout.trim());
    for (const width of [1600, 400]) {
      await page.setViewportSize({ width, height: 900 });
      const holds = async (where: string): Promise<void> => {
        t.equal(await page.evaluate('window.hit'), undefined, `${where}: no script of others`);
        t.equal(await page.evaluate('document.documentElement.scrollWidth'), width, where);
        const text = (await page.locator('body').innerText()).replaceAll(/[\n\t]/g, '');
        t.notMatch(text, /[\p{Cc}\p{Bidi_Control}\u200b]/u, `${where}: nothing hidden`);
        t.strictSame(await findBarriers(page), [], where);
      };
      const listed = page.locator('#sessions .virtual-rows .session-row');
      await listed.waitFor();
      await holds('the list');
      await listed.click();
      const rows = page.locator('#messages .message-row');
      const inDetail = async (text: string, tabs: readonly string[]): Promise<void> => {
        await rows.filter({ hasText: text }).first().click();
        for (const tab of tabs) {
          await page.getByRole('tab', { name: tab }).click();
          await page.locator(`#tab-panel[aria-labelledby="tab-${tab.toLowerCase()}"]`).waitFor();
          await holds(`${tab} of ${text}`);
        }
        if (width === 400) await page.getByRole('button', { name: 'Close the message' }).click();
      };
      await rows.filter({ hasText: 'of two' }).waitFor();
      await holds('the messages');
      await inDetail('Text', ['Text', 'Hex', 'Record']);
      await inDetail('{"', ['JSON', 'Text']);
      await inDetail('Open', ['Record']);
      await inDetail('End', ['Record']);
      await rows.filter({ hasText: 'of two' }).click();
      await page.getByRole('tab', { name: 'Text' }).click();
      await says(t, page.locator('.text-view pre'), /^of two\nlines$/, 'lines end where they do');
      await page.goto(new URL('/#/', page.url()).href);
    }
    t.strictSame(faults, [], 'nothing was asked of others, nothing broke the policy');
    t.equal(await viewer.stop('SIGINT'), 0);
  },
);
