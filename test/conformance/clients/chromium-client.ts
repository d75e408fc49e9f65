/** A page in Chromium. What went wrong is told in the console only, not to scripts. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { type Case, type Client, END_MS, PROBE, QUIET_MS, type Seen, urlOf } from './cases.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** So many at a time: Chromium opens one connection to a host after the other. */
const AT_ONCE = 6;

const OBSERVE = `async (url, sends) => {
  const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  const seen = { opened: false, messages: [], error: null, code: null, isEarly: true, answers: null };
  let changedMs = performance.now();
  socket.onopen = () => {
    seen.opened = true;
    changedMs = performance.now();
    for (const text of sends) socket.send(text);
  };
  socket.onmessage = ({ data }) => {
    changedMs = performance.now();
    seen.messages.push(typeof data === 'string' ? data.slice(0, 20) : data.byteLength + ' bytes');
  };
  socket.onclose = ({ code }) => { seen.code = code; };
  const isQuiet = () => performance.now() - changedMs > (seen.opened ? ${QUIET_MS} : 15000);
  while (seen.code === null && !isQuiet()) await sleep(20);
  if (seen.code !== null) return seen;
  seen.isEarly = false;
  const before = seen.messages.length;
  socket.send(${JSON.stringify(PROBE)});
  for (let ms = 0; ms < 1000 && seen.code === null && seen.messages.length === before; ms += 20) await sleep(20);
  seen.answers = seen.messages.slice(before).includes(${JSON.stringify(PROBE)});
  socket.close(1000);
  for (let ms = 0; ms < ${END_MS} && seen.code === null; ms += 20) await sleep(20);
  return seen;
}`;

/** @returns null where there is no Chromium */
export async function chromiumClient(): Promise<Client | null> {
  if (!existsSync(CHROMIUM)) return null;
  const options = {
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  };
  const first = await chromium.launch(options);
  const version = first.version();
  await first.close();
  return {
    name: 'Chromium',
    version,
    async observe(url, cases) {
      const browser = await chromium.launch(options);
      try {
        const page = await browser.newPage();
        const told: string[] = [];
        page.on('console', (message) => told.push(message.text()));
        // The server's own address: a page must have an origin.
        const seen = new Map<string, Seen>();
        const waiting = [...cases];
        const work = async (): Promise<void> => {
          for (let one = waiting.shift(); one !== undefined; one = waiting.shift())
            seen.set(one.name, await observe(one));
        };
        const observe = async (one: Case): Promise<Seen> => {
          const at = urlOf(url, 'Chromium', one);
          const args = [at, one.sends].map((value) => JSON.stringify(value)).join(', ');
          const result: Seen = await page.evaluate(`(${OBSERVE})(${args})`);
          const lines = told.filter((text) => text.includes(`'${at}'`));
          const error = lines[0]?.replace(/^.*?' failed: /, '') ?? null;
          return { ...result, error };
        };
        await Promise.all(Array.from({ length: AT_ONCE }, work));
        return seen;
      } finally {
        await browser.close();
      }
    },
  };
}
