/** The inspector's page in Chromium, by mouse and by keyboard, with a server that says what the test wants to see. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import type { PageRequest, RowFilter } from '../../src/inspect/page-protocol.js';
import {
  SLOWDOWN,
  findBarriers,
  launchChromium,
  openWatched,
  says,
} from '../fixtures/browser-page.js';
import { FakeInspector, type FakePage } from '../fixtures/fake-inspector.js';
import { addChat, addTraffic } from '../fixtures/fake-traffic.js';
import { eventually } from '../fixtures/within.js';

t.setTimeout(300_000 * SLOWDOWN);

const CHAT = '01JCHAT0000000000000000001';
const BROKEN = '01JCHAT0000000000000000003';

const pageTexts = (await import('twist:page/inspect')) as FakePage;
const browser = await launchChromium(t);

/** A server with traffic in it. */
async function startFake(t: Test): Promise<FakeInspector> {
  const fake = new FakeInspector(pageTexts);
  addTraffic(fake, Date.now() / 1000);
  await fake.listen();
  t.teardown(() => {
    fake.close();
  });
  return fake;
}

interface Opened {
  readonly page: Page;
  readonly fake: FakeInspector;
}

/** A test of what a page at that address does; whatever goes wrong in the page fails it. */
function testPage(
  name: string,
  hash: string,
  options: Parameters<typeof openWatched>[3],
  run: (t: Test, opened: Opened) => Promise<void>,
  parent: Test = t,
): Promise<unknown> {
  return parent.test(name, async (t) => {
    if (browser === null) return;
    const fake = await startFake(t);
    const { page, faults } = await openWatched(t, browser, `${fake.url}${hash}`, options);
    await run(t, { page, fake });
    // Some tests take the server away.
    const isRefused = (fault: string): boolean => /^WebSocket connection to .*failed/.test(fault);
    t.strictSame(
      faults.filter((fault) => !isRefused(fault)),
      [],
      'nothing went wrong in the page',
    );
  });
}

/** Waits for what an expression says in the page, whose policy lets Playwright's own way evaluate nothing. */
async function until(page: Page, expression: string): Promise<void> {
  while (!(await page.evaluate<boolean>(expression))) await page.waitForTimeout(20);
}

/** The filter that the page asked for last. */
function lastFilter(fake: FakeInspector): RowFilter {
  const views = fake.asked.filter(
    (request): request is Extract<PageRequest, { ask: 'view' }> => request.ask === 'view',
  );
  return views.at(-1)?.filter ?? {};
}

const row = (page: Page, text: string | RegExp) =>
  page.locator('#messages .message-row', { hasText: text });
const activeRow = (page: Page) => page.locator('#messages .message-row.is-active');

testPage('the list of sessions: filter, order, and what ended', '#/', {}, async (t, { page }) => {
  const sessions = page.locator('#sessions .virtual-rows > [role=row]');
  await page.getByText('43 sessions').first().waitFor();
  await says(t, sessions.first(), '#43');
  await page
    .getByRole('columnheader', { name: /To client/ })
    .getByRole('button')
    .click();
  await says(t, sessions.first(), '/vnc/desk-4', 'most bytes first');
  await page
    .locator('[role=columnheader][aria-sort=descending]', { hasText: 'To client' })
    .waitFor();
  await page.getByLabel('Filter the sessions').fill('control-too');
  await page.getByText('1 of 43 sessions').waitFor();
  const text = await sessions.first().textContent();
  for (const part of ['#3', '/echo', 'echo', '1002 control-too-long', '▲ 1 · 5 B'])
    t.match(text?.replaceAll('\u00a0', ' '), part);
  await page.getByLabel('Filter the sessions').fill('no such thing');
  await page.getByText('No session passes the filter').waitFor();
  await page.getByRole('button', { name: 'Show all 43' }).click();
  await page.getByText('Ended', { exact: true }).click();
  await page.getByText('15 of 43 sessions').waitFor();
  t.match(page.url(), /#\/\?status=ended&sort=-out$/, 'the address has it all');
});

testPage(
  'a session: its messages, one of them as JSON, text, hex and record',
  `#/s/${CHAT}`,
  {},
  async (t, { page }) => {
    await page.getByText('1,217 rows').first().waitFor();
    await row(page, '"id":600,"result"').waitFor();
    t.ok(
      (await page.locator('#messages .message-row').count()) < 60,
      'only what is seen has elements',
    );
    await row(page, '"id":600,"result"').click();
    await page.getByRole('tree', { name: 'The message as JSON' }).waitFor();
    await page.locator('.json-row', { hasText: 'history' }).click();
    const tree = page.locator('.json-view');
    await says(t, tree, 'history: [{from: "user0"', 'what is closed shows its beginning');
    await says(t, tree, 'big: 12345678901234567890', 'every digit');
    await page.getByRole('tab', { name: 'Text' }).click();
    await says(t, page.locator('.text-view'), '{"id":600,"result":{"history"');
    await page.getByRole('tab', { name: 'Hex' }).click();
    await says(t, page.locator('.hex-row').nth(1), '0000001074 22 3a 7b 22 68 69 73');
    await page.getByRole('tab', { name: 'Record' }).click();
    await says(t, page.locator('#detail .json-view'), 'ev: "msg"');
    await says(t, page.locator('#detail'), 'Answers what came');
    await page.getByRole('button', { name: 'Go to the request' }).click();
    await page.getByText('Answered after').waitFor();
    await says(t, activeRow(page), '"id":600,"method"', 'and back to the request');
    await page.goBack();
    await page.getByText('Answers what came').waitFor();
    await page.getByRole('button', { name: 'Handshake' }).click();
    await page.locator('#detail', { hasText: 'user-agent' }).waitFor();
  },
);

testPage(
  'each condition of the filter reaches the server, and the address',
  '#/all',
  {},
  async (t, { page, fake }) => {
    await page.getByText('1,217 rows').first().waitFor();
    t.notOk(lastFilter(fake).kinds?.includes('ping'), 'pings are hidden at first');
    await page.getByRole('button', { name: 'Pings' }).click();
    await page.getByText('1,265 rows').first().waitFor();
    await page.getByRole('button', { name: 'Frames' }).click();
    await page.getByRole('radio', { name: 'From the client' }).check();
    await page.getByLabel('Least size').fill('96');
    await page.getByLabel('Largest size').fill('1k');
    await page.getByLabel('Only messages with this text').fill('message 5');
    await page
      .getByText(/^111 rows/)
      .first()
      .waitFor();
    t.match(lastFilter(fake), {
      direction: 'in',
      minLength: 96,
      maxLength: 1024,
      text: 'message 5',
      isCaseSensitive: false,
    });
    t.equal(lastFilter(fake).kinds, undefined, 'all kinds');
    const filterBar = page.getByRole('group', { name: 'Filter the messages' });
    await filterBar.getByRole('button', { name: 'Regular expression' }).click();
    await page.getByLabel('Only messages with this text').fill('message 5(');
    await page.getByText('This is no regular expression').waitFor();
    await page.getByLabel('Only messages with this text').fill('message 5[67] ');
    await page.getByText('2 rows').first().waitFor();
    const address = page.url();
    await page.getByLabel('Least size').fill('much');
    await page.getByText('“much” is no size').waitFor();
    await filterBar.getByRole('button', { name: 'Clear' }).click();
    await page.getByText('1,217 rows').first().waitFor();
    await page.goto('about:blank');
    await page.goto(address);
    await page.getByText('2 rows').first().waitFor();
    t.equal(await page.getByLabel('Largest size').inputValue(), '1k', 'the address leads back');
  },
);

testPage('search goes from match to match, and around', `#/s/${CHAT}`, {}, async (t, { page }) => {
  await row(page, '"id":600,"result"').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('message 30');
  await page.keyboard.press('Enter');
  await activeRow(page)
    .filter({ hasText: /message 30 / })
    .waitFor();
  t.equal(await activeRow(page).locator('mark').textContent(), 'message 30');
  await page.keyboard.press('Enter');
  await activeRow(page)
    .filter({ hasText: /message 300 / })
    .waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Shift+N');
  await activeRow(page)
    .filter({ hasText: /message 30 / })
    .waitFor();
  await page.keyboard.press('Shift+N');
  await page.getByText('Went on from the end').waitFor();
  await activeRow(page)
    .filter({ hasText: /message 309 / })
    .waitFor();
  await page.getByLabel('Search the messages').fill('nowhere');
  await page.getByRole('button', { name: 'The next match' }).click();
  await page.getByText('Not found').waitFor();
});

testPage(
  'a search goes on from where the one before it leads, however fast the keys',
  `#/s/${CHAT}`,
  {},
  async (t, { page }) => {
    await row(page, '"id":600,"result"').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('message 30');
    await page.keyboard.press('Escape');
    // In one turn of the page: no answer can be there between them.
    await page.evaluate(`for (let count = 0; count < 2; count++)
      document.querySelector('#messages').dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true }))`);
    await activeRow(page)
      .filter({ hasText: /message 300 / })
      .waitFor();
    t.pass('the second');
  },
);

testPage(
  'a search ends when somebody goes elsewhere, or looks for something else',
  `#/s/${CHAT}`,
  {},
  async (t, { page, fake }) => {
    const found = () => fake.asked.filter(({ ask }) => ask === 'find').length;
    await row(page, '"id":600,"result"').waitFor();
    fake.hold('find');
    await page.keyboard.press('/');
    await page.keyboard.type('message 30');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await eventually(() => found() === 1, 'the first search');
    await page.getByLabel('Search the messages').fill('message 31');
    t.equal(fake.release(), 1);
    await page.getByText('Searching…').waitFor({ state: 'detached' });
    t.equal(await activeRow(page).count(), 0, 'it leads nowhere');
    t.equal(found(), 1, 'and nothing comes behind it');

    fake.hold('find');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    await eventually(() => found() === 2, 'another one');
    await page.getByRole('link', { name: 'All messages' }).click();
    await page.getByText('in the order in which they came').waitFor();
    await row(page, '"id":600,"result"').waitFor();
    t.equal(fake.release(), 1);
    await page.getByText('Searching…').waitFor({ state: 'detached' });
    t.equal(await activeRow(page).count(), 0);
    t.equal(found(), 2);
  },
);

testPage('follow and pause', `#/s/${CHAT}`, {}, async (t, { page, fake }) => {
  const more = (): void => {
    addChat(fake, CHAT, Date.now() / 1000, 30);
    fake.tellAll();
  };
  await row(page, '"id":600,"result"').waitFor();
  const follow = page.getByRole('button', { name: 'Follow' });
  t.equal(await follow.getAttribute('aria-pressed'), 'true');
  more();
  await row(page, '"id":30,"result"').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  more();
  await page.getByText(/62 more since the pause/).waitFor();
  t.equal(await follow.getAttribute('aria-pressed'), 'false');
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByText('1,341 rows').first().waitFor();
  await page.mouse.move(700, 600);
  await page.mouse.wheel(0, -3000);
  await page.locator('button[aria-pressed=false]', { hasText: 'Follow' }).waitFor();
  await page.keyboard.press('f');
  await page.locator('button[aria-pressed=true]', { hasText: 'Follow' }).waitFor();
  await row(page, '"id":30,"result"').waitFor();
});

testPage(
  'what is scrolled while the page is drawn is not taken back',
  `#/s/${CHAT}`,
  {},
  async (t, { page }) => {
    await row(page, '"id":600,"result"').waitFor();
    const scrollTo = async (top: number): Promise<number> =>
      // In the same frame, before the browser tells of it, the page is drawn for another reason.
      await page.evaluate(`(async () => {
        const list = document.querySelector('#messages');
        const input = document.querySelector('#search');
        const frame = () => new Promise(requestAnimationFrame);
        requestAnimationFrame(() => { list.scrollTop = ${top}; });
        input.dispatchEvent(new Event('input', { bubbles: true }));
        for (let count = 0; count < 5; count++) await frame();
        return list.scrollTop;
      })()`);
    t.equal(await scrollTo(4800), 4800, 'while it follows');
    await page.locator('button[aria-pressed=false]', { hasText: 'Follow' }).waitFor();
    const top = await scrollTo(240);
    t.equal(top, 240);
    await row(page, '"id":6,"method"').waitFor();
  },
);

testPage(
  'times: of day, of the session, since the last one',
  `#/s/${CHAT}`,
  {},
  async (t, { page }) => {
    const reply = row(page, '"id":600,"result"').locator('.cell-time');
    await reply.waitFor();
    await says(t, reply, /^\d\d:\d\d:\d\d\.\d{3}$/);
    await page.getByText('Session', { exact: true }).click();
    await says(t, reply, /^21\d\.\d{3}$/);
    await page.getByText('Δ', { exact: true }).click();
    await says(t, reply, /^\+\d.*ms$/);
  },
);

testPage(
  'a range in the strip is dragged, moved by keyboard, and taken away',
  `#/s/${CHAT}`,
  {},
  async (t, { page, fake }) => {
    const chart = page.locator('.u-over');
    await chart.waitFor();
    const box = (await chart.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
    const middle = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width / 4, middle);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, middle, { steps: 5 });
    await page.mouse.up();
    await page.mouse.move(5, 5);
    await page.locator('.handle.is-set').first().waitFor();
    await eventually(() => lastFilter(fake).since !== undefined, 'the range in a filter');
    const { since = 0, until: end = 0 } = lastFilter(fake);
    const whole = fake.records.at(-1)!.row.t - fake.records[0]!.row.t;
    t.ok(Math.abs((end - since) / whole - 0.25) < 0.02, 'a quarter of the time');
    await says(t, page.locator('.reading'), /15\d messages/);
    await page.locator('#messages .cell-content', { hasText: '"result"' }).first().waitFor();
    const start = page.getByRole('slider', { name: 'Show messages from' });
    await start.focus();
    await page.keyboard.press('ArrowLeft');
    await eventually(() => (lastFilter(fake).since ?? since) < since, 'an earlier beginning');
    await until(page, `!location.hash.includes('since=${since}')`);
    await page.keyboard.press('Delete');
    await page.getByText('1,217 rows').first().waitFor();
    t.equal(lastFilter(fake).since, undefined);
    await says(t, page.locator('.reading'), 'records are missing');
  },
);

testPage('recording gaps are rows', `#/s/${BROKEN}`, {}, async (t, { page }) => {
  await page.locator('.of-gap', { hasText: '128 records are missing here' }).waitFor();
  const rule = 'Rule control-too-long: A control frame has more than 125 bytes. RFC 6455 §5.5';
  await says(t, page.locator('.session-head'), rule);
  t.match(
    await page.getByRole('link', { name: 'RFC 6455' }).getAttribute('href'),
    'rfc6455.html#section-5.5',
  );
});

testPage(
  'some messages are marked and exported, or all that pass the filter',
  `#/s/${CHAT}`,
  {},
  async (t, { page, fake }) => {
    await row(page, '"id":600,"result"').click();
    await page.locator('#messages').focus();
    await page.keyboard.press('Space');
    await page.keyboard.press('Shift+ArrowUp');
    await page.locator('.message-row.is-marked').nth(1).waitFor();
    for (const [format, of] of [
      ['HAR', 'first'],
      ['pcapng', 'first'],
      ['NDJSON', 'last'],
    ] as const) {
      await page.getByRole('button', { name: 'Export (2)' }).click();
      const download = page.waitForEvent('download');
      const button = page.getByRole('button', { name: new RegExp(`^${format}`) });
      await (of === 'first' ? button.first() : button.last()).click();
      const file = await download;
      t.equal(file.suggestedFilename(), `twist.${format.toLowerCase()}`);
      const lines = readFileSync(await file.path(), 'utf8')
        .trim()
        .split('\n');
      t.equal(lines.length, 1217, 'all that the server sent');
      t.equal((JSON.parse(lines[0]!) as { ev: string }).ev, 'open');
    }
    const exports = fake.asked.filter((request) => request.ask === 'export');
    t.strictSame(
      exports.map(({ format, records }) => [format, records?.length]),
      [
        ['har', 2],
        ['pcapng', 2],
        ['ndjson', undefined],
      ],
    );
  },
);

testPage(
  'a message is copied as text, hex, and a line for websocat',
  `#/s/${CHAT}`,
  {
    permissions: ['clipboard-read', 'clipboard-write'],
  },
  async (t, { page }) => {
    await row(page, '"id":599,"method"').click();
    const copied = async (form: string, said: string): Promise<string> => {
      await page.getByRole('button', { name: `Copy as ${form}` }).click();
      await page.getByText(`${said} is copied.`).waitFor();
      return await page.evaluate('navigator.clipboard.readText()');
    };
    t.match(await copied('text', 'The text'), '{"id":599,"method":"say"');
    t.match(await copied('hex', 'The bytes as hex'), /^7b 22 69 64 22 3a/);
    t.match(
      await copied('websocat', 'A line for websocat'),
      /^printf '%s\\n' '\{"id":599.*' \| websocat -n1 --protocol 'json' 'ws:\/\/chat\.example\.com\/chat\?room=lobby'$/,
    );
  },
);

testPage(
  'a session is ended only after a question',
  `#/s/${CHAT}`,
  {},
  async (t, { page, fake }) => {
    const ended = () => fake.asked.filter((request) => request.ask === 'end');
    await page.getByRole('button', { name: 'End…' }).click();
    const dialog = page.getByRole('dialog', { name: 'End session #1?' });
    await dialog.getByRole('button', { name: 'Let it live' }).click();
    t.equal(ended().length, 0);
    await page.locator('#messages').focus();
    await page.keyboard.press('e');
    await dialog.getByLabel('Close code').fill('1005');
    await dialog.getByText('is no code that a server may send').waitFor();
    t.equal(await dialog.getByRole('button', { name: 'End the session' }).isDisabled(), true);
    await dialog.getByLabel('Close code').fill('4001');
    await dialog.getByLabel('Reason').fill('enough');
    fake.endFault = 'the session is over already';
    await dialog.getByRole('button', { name: 'End the session' }).click();
    await dialog.getByText('the session is over already').waitFor();
    fake.endFault = null;
    await dialog.getByRole('button', { name: 'End the session' }).click();
    await page.getByText('Session #1 gets a Close with 4001.').waitFor();
    t.match(ended().at(-1), { session: CHAT, code: 4001, reason: 'enough' });
    t.equal(await dialog.count(), 0);
  },
);

testPage(
  'what is lost is said, and a connection is made again',
  '#/all',
  {},
  async (t, { page, fake }) => {
    await page.getByText('1,217 rows').first().waitFor();
    fake.tell({ ...fake.state, records: 1265, forgotten: 12_000, lost: 128 });
    await page
      .getByText(
        '12,000 older records had to make room; 128 records came faster than the inspector could take.',
      )
      .waitFor();
    fake.dropPages();
    await page.getByText('The connection to twist is lost.').waitFor();
    await page.getByText('The connection to twist is lost.').waitFor({ state: 'detached' });
    await page.getByText('1,217 rows').first().waitFor();
    t.match(page.url(), '#/all', 'it is where it was');
    fake.tell({ ...fake.state, hasEnded: true });
    await page.getByText('The server has stopped: nothing more comes.').waitFor();
    await page.getByText('Not live').waitFor();
  },
);

t.test('a recording that is being read', async (t) => {
  if (browser === null) return;
  const fake = await startFake(t);
  fake.hello = {
    news: 'hello',
    version: 'twist/1.0.0',
    source: 'file',
    canEndSessions: false,
    file: { name: 'traffic.ndjson', bytes: 1024 ** 3 },
  };
  fake.state = { ...fake.state, progress: 0.25 };
  fake.sessions.clear();
  const { page, faults } = await openWatched(t, browser, fake.url);
  await page.getByText('Reading the recording…').waitFor();
  await page.getByText('Reading: 25 %').waitFor();
  await says(t, page.locator('.source'), 'traffic.ndjson 1');
  fake.tell({ ...fake.state, progress: 1 });
  await page.getByText('There is no session in this recording').waitFor();
  await page.getByRole('link', { name: 'All messages' }).click();
  await page.getByText('1,217 rows').first().waitFor();
  t.equal(await page.getByRole('button', { name: 'Follow' }).count(), 0, 'nothing comes');
  t.strictSame(faults, []);
});

t.test('before anything has come', async (t) => {
  if (browser === null) return;
  const fake = new FakeInspector(pageTexts);
  await fake.listen();
  t.teardown(() => {
    fake.close();
  });
  const { page, faults } = await openWatched(t, browser, fake.url);
  await page.getByText('No session yet').waitFor();
  await page.getByText('Connect a client to twist').waitFor();
  await page.getByRole('link', { name: 'All messages' }).click();
  await page.getByText('It appears here as soon as one does.').waitFor();
  t.strictSame(faults, []);
});

testPage('by keyboard alone', '#/', {}, async (t, { page }) => {
  await page.getByText('43 sessions').first().waitFor();
  await until(page, `document.activeElement.id === 'sessions'`);
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await until(page, `document.activeElement.id === 'messages'`);
  await row(page, '"id":600,"result"').waitFor();
  await page.keyboard.press('Home');
  await page.keyboard.press('j');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('k');
  await activeRow(page).filter({ hasText: '"id":1,"method"' }).waitFor();
  await page.keyboard.press('p');
  await activeRow(page).filter({ hasText: '"id":1,"result"' }).waitFor();
  await page.keyboard.press('Enter');
  await until(page, `document.activeElement.getAttribute('role') === 'tab'`);
  await page.keyboard.press('ArrowRight');
  await until(page, `document.activeElement.id === 'tab-text'`);
  await page.keyboard.press('ArrowLeft');
  await page.getByRole('tree').waitFor();
  await page.keyboard.press('Tab');
  for (let step = 0; step < 4 && !(await isInTree(page)); step++) await page.keyboard.press('Tab');
  t.ok(await isInTree(page), 'into the tree');
  await page.keyboard.press('ArrowLeft');
  await says(t, page.locator('.json-row').first(), '▸');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await says(t, page.locator('.json-row.is-active'), 'id: 1');
  await page.keyboard.press('Escape');
  await page.locator('#detail').waitFor({ state: 'detached' });
  await until(page, `document.activeElement.id === 'messages'`);
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await until(page, `document.activeElement.id === 'messages'`);
  await page.keyboard.press('t');
  await until(page, `document.activeElement.id === 'filter-text'`);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await until(page, `document.activeElement.id === 'sessions'`);
  // Whatever has the focus shows it.
  const hidden: string[] = [];
  for (let step = 0; step < 25; step++) {
    await page.keyboard.press('Tab');
    const sight: string = await page.evaluate(
      `(() => { const { activeElement: e } = document; const s = getComputedStyle(e.closest('label') ?? e);
        return s.outlineStyle !== 'none' || e.id === 'sessions' || e === document.body ? '' : e.outerHTML; })()`,
    );
    if (sight !== '') hidden.push(sight);
  }
  t.strictSame(hidden, []);
});

testPage(
  'the focus goes into a message as soon as it is here, unless one has gone elsewhere',
  `#/s/${CHAT}`,
  {},
  async (t, { page, fake }) => {
    await row(page, '"id":600,"result"').waitFor();
    await until(page, `document.activeElement.id === 'messages'`);
    const asked = () => fake.asked.filter(({ ask }) => ask === 'record').length;
    fake.hold('record');
    await row(page, '"id":600,"result"').click();
    await page.keyboard.press('Enter');
    await eventually(() => asked() > 0, 'a question');
    await until(page, `document.activeElement.id === 'messages'`);
    t.ok(fake.release() > 0);
    await until(page, `document.activeElement.getAttribute('role') === 'tab'`);

    await page.getByRole('button', { name: 'Go to the request' }).click();
    await page.getByText('Answered after').waitFor();
    await until(page, `document.activeElement.getAttribute('role') === 'tab'`);
    t.pass('what had the focus has left with the message before');

    await page.keyboard.press('Escape');
    await page.locator('#detail').waitFor({ state: 'detached' });
    fake.hold('record');
    const before = asked();
    await page.keyboard.press('Home');
    await page.locator('.message-row.is-active[aria-rowindex="2"] .cell-kind').waitFor();
    await page.keyboard.press('Enter');
    await page.keyboard.press('End');
    await eventually(() => asked() === before + 2, 'questions for the first one and the last');
    t.equal(fake.release(), 2);
    await page.locator('#detail .detail-title').waitFor();
    t.equal(await page.evaluate('document.activeElement.id'), 'messages', 'it stays in the list');

    await page.keyboard.press('Escape');
    fake.hold('record');
    const asking = asked();
    await row(page, '"id":600,"result"').click();
    await page.keyboard.press('Enter');
    await page.keyboard.press('/');
    await eventually(() => asked() > asking, 'a question');
    t.ok(fake.release() > 0);
    await page.getByText('Answers what came').waitFor();
    t.equal(await page.evaluate('document.activeElement.id'), 'search', 'nor from who types');
    await page.keyboard.press('Escape');

    // Its row is not even here: rows in the middle have not been seen.
    await page.evaluate(`document.querySelector('#messages').scrollTop = 14_000`);
    await page.keyboard.press('PageUp');
    for (let count = 0; count < 9; count++) await page.keyboard.press('PageUp');
    await page.keyboard.press('Enter');
    await until(page, `document.activeElement.getAttribute('role') === 'tab'`);
    t.pass('it goes into a message whose row comes later');
  },
);

async function isInTree(page: Page): Promise<boolean> {
  return await page.evaluate(`document.activeElement.getAttribute('role') === 'tree'`);
}

testPage(
  'one pane at a time on a narrow screen',
  '#/',
  { viewport: { width: 400, height: 800 }, hasTouch: true },
  async (t, { page }) => {
    const fits = async (what: string): Promise<void> => {
      t.equal(
        await page.evaluate('document.documentElement.scrollWidth'),
        400,
        `${what}: no wider`,
      );
    };
    await page.locator('#sessions .session-row', { hasText: '203.0.113.59' }).waitFor();
    await fits('sessions');
    await page.getByLabel('Filter the sessions').fill('room=lobby');
    await page.getByText('1 of 43 sessions').waitFor();
    await page.locator('#sessions .virtual-rows .session-row').click();
    await row(page, '"id":600,"result"').waitFor();
    await fits('messages');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByRole('radio', { name: 'To the client' }).check();
    await page.getByRole('button', { name: 'Filter (1)' }).click();
    await row(page, '"id":600,"result"').click();
    await page.getByRole('tree').waitFor();
    t.equal(await page.locator('#messages').count(), 0);
    await fits('a message');
    await page.getByRole('tab', { name: 'Hex' }).click();
    await fits('hex');
    await page.getByRole('button', { name: 'Close the message' }).click();
    await page.locator('#messages').waitFor();
    await page.getByRole('button', { name: 'Back to the sessions' }).click();
    await page.locator('#sessions').waitFor();
  },
);

testPage(
  'colors follow the system until somebody chooses',
  '#/',
  { colorScheme: 'dark' },
  async (t, { page }) => {
    const ground = async (): Promise<string> =>
      await page.evaluate('getComputedStyle(document.documentElement).backgroundColor');
    t.equal(await ground(), 'rgb(18, 22, 28)');
    await page.getByRole('button', { name: 'Colors: as the system' }).click();
    t.equal(await ground(), 'rgb(255, 255, 255)');
    await page.reload();
    await page.getByRole('button', { name: 'Colors: light' }).click();
    t.equal(await ground(), 'rgb(18, 22, 28)');
    await page.emulateMedia({ colorScheme: 'light' });
    t.equal(await ground(), 'rgb(18, 22, 28)');
    await page.getByRole('button', { name: 'Colors: dark' }).click();
    t.equal(await ground(), 'rgb(255, 255, 255)', 'the system again');
  },
);

t.test('axe-core finds no barrier', async (t) => {
  for (const colorScheme of ['light', 'dark'] as const)
    for (const [name, hash, key, width] of [
      ['list', '#/', '', 1600],
      ['session', `#/s/${CHAT}?record=12`, '', 1600],
      ['session with a rule', `#/s/${BROKEN}`, '', 1600],
      ['dialog', `#/s/${CHAT}`, 'e', 1600],
      ['help', `#/s/${CHAT}?record=12`, '?', 1000],
      ['narrow list', '#/', '', 400],
      ['narrow message', `#/s/${CHAT}?record=12`, '', 400],
    ] as const)
      await testPage(
        `${name}, ${colorScheme}`,
        hash,
        { colorScheme, viewport: { width, height: 900 } },
        async (t, { page }) => {
          await page.locator('.virtual-rows > *').first().waitFor();
          if (key !== '') {
            await page.keyboard.press(key);
            await page.getByRole('dialog').waitFor();
          }
          t.strictSame(await findBarriers(page), []);
        },
        t,
      );
});
