/**
 * What the inspector's page does while much comes, in Chromium without a window:
 *
 *     node bench/inspect-page.mjs [--rate 5000] [--seconds 60]     a server with traffic, the page open and following
 *     node bench/inspect-page.mjs --view FILE                      a recording, from the start of the command to its first rows
 *
 * Frames are those of `requestAnimationFrame`; a click is answered when the message that was clicked is in the page.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { clearInterval, setInterval } from 'node:timers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { WebSocket } from 'ws';

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '60' },
    view: { type: 'string' },
  },
});
const TOKEN = 'a-token-of-the-benchmark';
const STEP_MS = 10;

/** Clicks one of the last rows, and is done when that message is shown; then follows again. */
const CLICK = `new Promise((resolve) => {
  const rows = [...document.querySelectorAll('#messages .virtual-rows .message-row')];
  const row = rows[Math.floor(rows.length / 2)];
  const before = document.querySelector('#detail')?.textContent;
  const start = performance.now();
  row.click();
  const look = () => {
    const now = document.querySelector('#detail .json-view')?.textContent;
    if (now === undefined || document.querySelector('#detail').textContent === before) return requestAnimationFrame(look);
    resolve(performance.now() - start);
    [...document.querySelectorAll('button')].find((one) => one.textContent === 'Follow').click();
  };
  requestAnimationFrame(look);
})`;

/** @type {import('node:child_process').ChildProcess[]} */
const children = [];
const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
try {
  if (values.view === undefined) await measureTraffic(Number(values.rate), Number(values.seconds));
  else await measureView(values.view);
} finally {
  await browser.close();
  for (const child of children) child.kill();
}

/**
 * @param {number} rate messages that a client sends in a second, each of which comes back
 * @param {number} seconds
 */
async function measureTraffic(rate, seconds) {
  const twist = start('stderr', [
    ...['serve', '--echo', '--listen', '127.0.0.1:0', '--inspect', '0', '--inspect-token', TOKEN],
    ...['--log-format', 'json'],
  ]);
  /** @type {Map<string, string>} */
  const addresses = new Map();
  for await (const line of twist.lines) {
    /** @type {unknown} */
    const logged = JSON.parse(line);
    const { msg, address } = /** @type {{ msg: string, address: string }} */ (logged);
    addresses.set(msg, address);
    if (addresses.has('inspector') && addresses.has('listening')) break;
  }
  const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
  await page.goto(`${String(addresses.get('inspector'))}/?token=${TOKEN}`);
  await page.goto(`${String(addresses.get('inspector'))}/#/all`);
  await page.reload();
  const client = new WebSocket(String(addresses.get('listening')), { perMessageDeflate: false });
  await once(client, 'open');
  client.on('message', () => undefined);
  await page.locator('.message-row', { hasText: 'Open' }).waitFor();
  await page.evaluate(`(() => {
    const seen = { frames: 0, longest: 0, over50: 0, over100: 0, last: performance.now() };
    globalThis.seen = seen;
    const frame = (now) => {
      const took = now - seen.last;
      seen.last = now;
      seen.frames++;
      seen.longest = Math.max(seen.longest, took);
      if (took > 50) seen.over50++;
      if (took > 100) seen.over100++;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  })()`);
  const begin = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begin) / 1000) * rate);
    for (; sent < due; sent++) client.send(`{"id":${sent},"text":"message ${sent}"}`);
  }, STEP_MS);
  /** @type {number[]} */
  const clicks = [];
  for (let second = 1; second < seconds; second += 2) {
    await sleep(begin + second * 1000 - performance.now());
    clicks.push(await page.evaluate(CLICK));
  }
  await sleep(Math.max(0, begin + seconds * 1000 - performance.now()));
  clearInterval(timer);
  /** @type {Record<string, number>} */
  const frames = await page.evaluate('globalThis.seen');
  const rows = await page.locator('.count').textContent();
  const said = await page.locator('.banners').textContent();
  const sorted = clicks.toSorted((a, b) => a - b);
  report({
    sent,
    'messages a second, both ways': Math.round((2 * sent) / seconds),
    ...frames,
    'click, median ms': sorted[Math.floor(sorted.length / 2)],
    'click, longest ms': sorted.at(-1),
    rows,
    said,
    'memory of processes, MiB': memoryOf(twist.child.pid),
  });
  client.terminate();
}

/** @param {string} file */
async function measureView(file) {
  const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
  const begin = performance.now();
  const twist = start('stdout', ['view', file, '--listen', '0', '--no-open']);
  const since = () => Math.round(performance.now() - begin);
  /** @type {unknown[]} */
  const printed = await once(twist.lines, 'line');
  const listening = since();
  await page.goto(String(printed[0]));
  await page.locator('#sessions .virtual-rows > *').first().waitFor();
  const sessions = since();
  await page.getByRole('link', { name: 'All messages' }).click();
  await page.locator('#messages .message-row:not(:has(.muted:only-child))').nth(2).waitFor();
  const messages = since();
  await page.locator('.foot-progress').waitFor({ state: 'detached', timeout: 600_000 });
  report({
    'listening, ms': listening,
    'sessions, ms': sessions,
    'messages, ms': messages,
    'all read, ms': since(),
    rows: await page.locator('.count').textContent(),
    'memory, MiB': memoryOf(twist.child.pid),
  });
}

/**
 * @param {'stdout' | 'stderr'} output
 * @param {readonly string[]} args
 */
function start(output, args) {
  const child = spawn(process.execPath, ['bin/twist.js', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return { child, lines: createInterface(child[output]) };
}

/**
 * The most that a process and its child ever held.
 * @param {number | undefined} pid
 */
function memoryOf(pid) {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  const own = Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) / 1024;
  const below = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8');
  const others = below
    .trim()
    .split(' ')
    .filter(Boolean)
    .map((one) => {
      const text = readFileSync(`/proc/${one}/status`, 'utf8');
      return Number(/VmHWM:\s*(\d+)/.exec(text)?.[1]) / 1024;
    });
  return [own, ...others].map(Math.round).join(', ');
}

/** @param {Readonly<Record<string, unknown>>} figures */
function report(figures) {
  for (const [name, value] of Object.entries(figures))
    process.stdout.write(
      `${name}: ${typeof value === 'number' ? Math.round(value * 10) / 10 : String(value)}\n`,
    );
}
