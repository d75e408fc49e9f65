/** Python's websockets, in a process of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type Client, END_MS, PROBE, QUIET_MS, type Seen, urlOf } from './cases.js';

/** An interpreter that can import websockets. */
const PYTHON = process.env['TWIST_PYTHON'] ?? 'python3';
const SCRIPT = fileURLToPath(new URL('python-client.py', import.meta.url));

/** @returns null where there is no such interpreter */
export function pythonClient(): Client | null {
  const { status, stdout } = spawnSync(PYTHON, [SCRIPT, '--version'], { encoding: 'utf8' });
  if (status !== 0) return null;
  return {
    name: 'websockets',
    version: stdout.trim(),
    async observe(url, cases) {
      const child = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
      const asked = cases.map((one) => ({
        ...{ name: one.name, sends: one.sends, url: urlOf(url, 'websockets', one) },
        ...{ quietMs: QUIET_MS, endMs: END_MS, probe: PROBE },
      }));
      child.stdin.end(JSON.stringify(asked));
      const seen = JSON.parse(await text(child.stdout)) as Record<string, Seen>;
      return new Map(Object.entries(seen));
    },
  };
}
