/** The inspector's page with the real command: live traffic, the recording of the same traffic, and a session that is ended from the page. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { WebSocket } from 'ws';
import { findBarriers, launchChromium, openWatched } from '../fixtures/browser-page.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { startTwist } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

t.setTimeout(120_000);

const TOKEN = 'a-token-of-the-tests';

interface RecordLine {
  readonly ev: string;
  readonly dir?: string;
  readonly data?: string;
}

t.test('live', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const twist = await startTwist(t, [
    ...['--record', file, '--inspect', '127.0.0.1:0', '--inspect-token', TOKEN],
  ]);
  const { address } = await twist.waitForLog(({ msg }) => msg === 'inspector');
  const base = String(address);
  const { page, faults } = await openWatched(t, browser, `${base}/?token=${TOKEN}`);
  t.equal(page.url(), `${base}/`, 'the token is not left in the address');
  await page.getByText('No session yet').waitFor();

  const client = new WebSocket(`${twist.url}/chat`, ['json']);
  await once(client, 'open');
  for (let id = 1; id <= 20; id++) {
    client.send(JSON.stringify({ id, text: `message ${id}` }));
    await once(client, 'message');
  }
  await page.locator('#sessions .virtual-rows .session-row').click();
  await page.getByText('41 rows').first().waitFor();
  const shown = page.locator('#messages .message-row.of-text');
  await shown.nth(19).waitFor();
  // The file may be behind the page.
  const recorded = (): RecordLine[] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as RecordLine)
      .filter(({ ev }) => ev === 'msg');
  await eventually(() => recorded().length === 40, 'all messages in the file');
  const messages = recorded();
  const texts: readonly object[] = await page.evaluate(
    `[...document.querySelectorAll('#messages .message-row.of-text')].map((row) => ({
      at: Number(row.getAttribute('aria-rowindex')),
      arrow: row.querySelector('.cell-arrow').firstChild.data,
      text: row.querySelector('.cell-content').textContent,
    })).sort((a, b) => a.at - b.at).map(({ arrow, text }) => ({ arrow, text }))`,
  );
  t.strictSame(
    texts,
    messages
      .slice(-texts.length)
      .map(({ dir, data }) => ({ arrow: dir === 'in' ? '▲' : '▼', text: data })),
    'what the page shows is what was recorded',
  );
  t.strictSame(await findBarriers(page), []);

  const closed = once(client, 'close');
  await page.getByRole('button', { name: 'End…' }).click();
  await page.getByLabel('Close code').fill('4001');
  await page.getByLabel('Reason').fill('from the page');
  await page.getByRole('button', { name: 'End the session' }).click();
  const [code, reason] = (await closed) as [number, Buffer];
  t.equal(code, 4001);
  t.equal(String(reason), 'from the page');
  await page.locator('.close-text', { hasText: '4001' }).waitFor();
  t.strictSame(faults, [], 'nothing went wrong in the page');
});
