/**
 * noVNC in a browser, served and connected by one port of the proxy, and the desktop of a real VNC
 * server behind it.
 *
 * `TWIST_VNC_SCREENSHOT=FILE` also saves a picture, which `docs/images/novnc.png` is. With
 * `TWIST_VNC_SECONDS=600` and `tap --timeout=800` the screen changes for ten minutes.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { launchChromium } from '../fixtures/browser-page.js';
import { MIB, STEADY_MEMORY, mib } from '../fixtures/memory-growth.js';
import { findCommands } from '../fixtures/service-process.js';
import { type LogLine, type TwistProcess, startServing } from '../fixtures/twist-process.js';
import {
  Desktop,
  HEIGHT,
  WIDTH,
  eventuallyOn,
  hasPixel,
  makeNovncSite,
  openNovnc,
  pixelAt,
} from '../fixtures/vnc-desktop.js';
import { eventually } from '../fixtures/within.js';

const SCREENSHOT = process.env['TWIST_VNC_SCREENSHOT'];
const SOAK_SECONDS = Number(process.env['TWIST_VNC_SECONDS'] ?? '20');

/** What the runtime takes while it warms up is not growth. */
const WARM_UP_SECONDS = 10;

/** Compiled code and garbage; what a leak in the pump would leave is a large part of all pictures. */
const GROWTH_BYTES = 8 * MIB;

/** Far less than a screen of random text makes; none would come if the page had stopped. */
const LEAST_BYTES_A_SECOND = 50_000;

const BACKGROUND = '#3366cc';
const BACKGROUND_PIXEL = [0x33, 0x66, 0xcc, 0xff];

/** Whoever types gets the terminal under the pointer: there is no window manager. */
const TERMINAL = { x: 40, y: 40, geometry: '58x20+40+40' };

/** What the page holds, beside the types of the DOM, which tests have not. */
interface NovncPage {
  readonly rfb: { disconnect(): void };
}

t.setTimeout((SOAK_SECONDS + 90) * 1000);

/** Types into a terminal that writes what it gets to a file. */
async function proveTyping(t: Test, page: Page, desktop: Desktop, xterm: string): Promise<void> {
  const file = path.join(desktop.directory, 'typed.txt');
  const script = [
    String.raw`printf '\033[1;34mA terminal on a desktop behind twist\033[0m\n\n'`,
    String.raw`printf '  twist serve --tcp localhost:5900 --static novnc\n\n'`,
    String.raw`printf 'What is typed in the browser arrives here:\n\n'`,
    `exec tee '${file}' > /dev/null`,
  ].join('; ');
  const colors = ['-bg', '#fdf6e3', '-fg', '#333333', '-bw', '0', '-b', '12'];
  const font = ['-fa', 'DejaVu Sans Mono', '-fs', '11', '-geometry', TERMINAL.geometry];
  desktop.start(xterm, ...colors, ...font, '-e', 'sh', '-c', script);
  const box = (await page.locator('canvas').boundingBox())!;
  const hasTerminal = (): Promise<boolean> =>
    hasPixel(page, TERMINAL.x + 4, TERMINAL.y + 4, [0xfd, 0xf6, 0xe3, 0xff]);
  await eventuallyOn(page, hasTerminal, 'the terminal on the canvas');
  await eventually(() => existsSync(file), 'the program in the terminal');
  await page.mouse.click(box.x + TERMINAL.x + 20, box.y + TERMINAL.y + 20);
  await page.keyboard.type('Hello, twist! "{[%&?]}" <1234>');
  await page.keyboard.press('Enter');
  const typed = (): string => readFileSync(file, 'utf8');
  await eventually(() => typed().endsWith('\n'), 'what was typed', typed);
  t.equal(typed(), 'Hello, twist! "{[%&?]}" <1234>\n', 'typing arrives');
}

/** Has the whole screen change all the time, and looks at the memory of the proxy meanwhile. */
async function proveMemory(t: Test, twist: TwistProcess, desktop: Desktop, xterm: string) {
  const noise = 'while :; do head -c 3000 /dev/urandom | od -An -tx1 -w32; sleep 0.03; done';
  const colors = ['-bg', '#102030', '-fg', '#80ff80', '-b', '0'];
  desktop.start(xterm, ...colors, '-geometry', '106x37+0+0', '-e', 'sh', '-c', noise);
  await sleep(WARM_UP_SECONDS * 1000);
  const before = twist.memory().rssBytes;
  let mostBytes = before;
  for (let second = 1; second <= SOAK_SECONDS; second++) {
    await sleep(1000);
    const { rssBytes } = twist.memory();
    mostBytes = Math.max(mostBytes, rssBytes);
    if (second % 60 === 0) t.comment(`after ${second} s: ${mib(rssBytes)}`);
  }
  const growth = mib(mostBytes - before);
  t.ok(mostBytes - before < GROWTH_BYTES, `${SOAK_SECONDS} s: ${mib(before)} grew by ${growth}`);
}

function isEndOf(session: number): (line: LogLine) => boolean {
  return (line) => line.msg === 'session ended' && line['session'] === session;
}

t.test('noVNC and a VNC server', async (t) => {
  const browser = await launchChromium(t);
  if (browser === null) return;
  const commands = findCommands(t, ['Xvnc', 'xsetroot', 'xterm']);
  if (commands === null) return;
  const [xvnc, xsetroot, xterm] = commands;
  const desktop = await Desktop.open(t, xvnc);
  await desktop.run(xsetroot, '-solid', BACKGROUND, '-cursor_name', 'left_ptr');
  const args = ['serve', '--tcp', desktop.target, '--static', makeNovncSite(t)];
  const twist = await startServing(t, {
    args: [...args, '--listen', '127.0.0.1:0', '--log-format', 'json'],
    nodeArgs: STEADY_MEMORY,
  });
  const page = await browser.newPage({ viewport: { width: WIDTH, height: HEIGHT + 37 } });

  await t.test('the picture arrives, of a page and a connection of one port', async (t) => {
    await openNovnc(page, twist.port);
    const hasBackground = (): Promise<boolean> => hasPixel(page, 600, 440, BACKGROUND_PIXEL);
    await eventuallyOn(page, hasBackground, 'the desktop on the canvas');
    t.strictSame(await pixelAt(page, 600, 440), BACKGROUND_PIXEL, 'a pixel of the desktop');
    await desktop.run(xsetroot, '-solid', '#ff8800');
    const isChanged = (): Promise<boolean> => hasPixel(page, 600, 440, [0xff, 0x88, 0, 0xff]);
    await eventuallyOn(page, isChanged, 'the new colour');
    t.pass('and its change');
    await desktop.run(xsetroot, '-solid', BACKGROUND);
    await eventuallyOn(page, hasBackground, 'the old colour');
  });

  await t.test('typing arrives', async (t) => {
    await proveTyping(t, page, desktop, xterm);
    if (SCREENSHOT !== undefined) await page.screenshot({ path: SCREENSHOT });
  });

  await t.test('an old noVNC, which offers the subprotocol binary', async (t) => {
    const other = await browser.newPage();
    await openNovnc(other, twist.port, '?subprotocol=binary');
    await eventuallyOn(other, (other) => hasPixel(other, 600, 440, BACKGROUND_PIXEL), 'a picture');
    await other.evaluate(() => {
      (globalThis as unknown as NovncPage).rfb.disconnect();
    });
    const line = await twist.waitForLog(({ subprotocol }) => subprotocol === 'binary');
    t.match(line, { msg: 'session ended', closedBy: 'client', target: desktop.target });
    await other.close();
  });

  await t.test('a page of another origin is refused', async (t) => {
    const other = await browser.newPage();
    const port = `${twist.port}`;
    await other.goto(`http://localhost:${port}/`);
    const opened = await other.evaluate(
      `new Promise((resolve) => {
        const socket = new WebSocket('ws://127.0.0.1:${port}/');
        socket.onopen = () => resolve(true);
        socket.onerror = () => resolve(false);
      })`,
    );
    t.equal(opened, false);
    t.match(await twist.waitForLog(({ rule }) => rule === 'origin'), { status: 403 });
    await other.close();
  });

  await t.test('a screen that changes all the time', { timeout: 0 }, async (t) => {
    await page.bringToFront();
    await proveMemory(t, twist, desktop, xterm);
    t.match(await page.textContent('#state'), /^connected/, 'it is the first session still');
    await page.close();
    const { in: received, out: sent } = await twist.waitForLog(isEndOf(1));
    t.comment(`session 1: ${JSON.stringify({ received, sent })}`);
    const { bytes } = sent as { readonly bytes: number };
    t.ok(bytes > SOAK_SECONDS * LEAST_BYTES_A_SECOND, `pictures of ${mib(bytes)} went through`);
  });
});
