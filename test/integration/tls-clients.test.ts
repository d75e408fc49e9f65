/** Other people's TLS: Python's, Java's, and a browser's that trusts a private CA. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { hasChromium, launchChromium } from '../fixtures/browser-page.js';
import { CertificateAuthority } from '../fixtures/certificates.js';
import { findCommands, startService } from '../fixtures/service-process.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startServing, startTwist } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

// A browser and a virtual machine start.
t.setTimeout(180_000);

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

interface Served {
  readonly ca: CertificateAuthority;
  readonly twist: TwistProcess;
}

async function serveEcho(t: Test): Promise<Served | null> {
  const ca = CertificateAuthority.make(t);
  if (ca === null) return null;
  const { cert, key } = ca.issue('localhost', { isChained: true });
  return { ca, twist: await startTwist(t, ['--tls-cert', cert, '--tls-key', key]) };
}

function run(command: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
  return stdout + stderr;
}

t.test('Python', async (t) => {
  const commands = findCommands(t, ['python3']);
  const served = await serveEcho(t);
  if (commands === null || served === null) return;
  const { ca, twist } = served;
  const lines = run(commands[0], fixture('tls_echo.py'), String(twist.port), ca.file).split('\n');
  t.strictSame(lines, [
    'TLSv1.3 http/1.1',
    'HTTP/1.1 101 Switching Protocols',
    'the same',
    '880203e8',
    'unwrapped',
    '',
  ]);
  t.match(await twist.waitForLog(({ msg }) => msg === 'session ended'), { code: 1000 });
});

t.test('Java', async (t) => {
  const commands = findCommands(t, ['java', 'javac']);
  const served = await serveEcho(t);
  if (commands === null || served === null) return;
  const { ca, twist } = served;
  const url = `wss://localhost:${twist.port}/`;
  t.equal(run(commands[0], fixture('TlsEcho.java'), url, ca.file), 'the same\n1000\n');
  const other = CertificateAuthority.make(t, 'Another CA')!;
  t.match(run(commands[0], fixture('TlsEcho.java'), url, other.file), /certification path/);
  // Java does not always send its alert before it leaves.
  await twist.waitForLog(({ msg }) => msg.startsWith('TLS handshake failed: the client '));
});

t.test('noVNC in Chromium, with a private CA', async (t) => {
  if (!hasChromium(t)) return;
  const commands = findCommands(t, ['Xvnc', 'certutil']);
  const ca = CertificateAuthority.make(t);
  if (commands === null || ca === null) return;
  const [xvnc, certutil] = commands;
  const desktop = await startService(t, {
    command: xvnc,
    arrange: (port) => [
      ...['-displayfd', '1', '-rfbport', `${port}`, '-localhost', '-SecurityTypes', 'None'],
      ...['-geometry', '320x240', '-depth', '24', '-desktop', 'a desktop'],
    ],
    ready: /^(\d+)$/m,
  });
  const site = makeTempDir(t);
  for (const name of ['core', 'vendor'])
    cpSync(
      fileURLToPath(new URL(`../../node_modules/@novnc/novnc/${name}`, import.meta.url)),
      path.join(site, name),
      {
        recursive: true,
      },
    );
  cpSync(fixture('novnc.html'), path.join(site, 'index.html'));
  const { cert, key } = ca.issue('localhost', { isChained: true });
  const tls = ['--tls-cert', cert, '--tls-key', key];
  const twist = await startServing(t, {
    args: [
      ...['serve', '--tcp', desktop.address, '--static', site, ...tls],
      ...['--listen', '127.0.0.1:0', '--log-format', 'json'],
    ],
  });
  const home = makeTempDir(t);
  const database = path.join(home, '.pki', 'nssdb');
  mkdirSync(database, { recursive: true });
  const trust = ['-d', `sql:${database}`];
  execFileSync(certutil, [...trust, '-N', '--empty-password']);
  execFileSync(certutil, [...trust, '-A', '-t', 'C,,', '-n', 'Test CA', '-i', ca.file]);
  const titleAt = async (directory: string): Promise<string> => {
    const browser = await launchChromium(t, { env: { ...process.env, HOME: directory } });
    if (browser === null) throw new Error('there is no browser any more');
    const page = await browser.newPage();
    await page.goto(`https://localhost:${twist.port}/`);
    const connected = async (): Promise<string> => {
      for (;;) {
        const text = (await page.textContent('#state')) ?? '';
        if (text.startsWith('connected') || text === 'lost') return text;
        await sleep(50);
      }
    };
    return await within(connected(), 'noVNC to be connected');
  };
  t.equal(await titleAt(home), `connected: a desktop at wss://localhost:${twist.port}/`);
  await t.rejects(titleAt(makeTempDir(t)), /ERR_CERT_AUTHORITY_INVALID/, 'without the CA');
  await twist.waitForLog(({ msg }) => msg.startsWith('TLS handshake failed: the client does not '));
});
