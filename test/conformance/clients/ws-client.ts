/** The npm package ws, as it comes. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { type Case, type Client, END_MS, PROBE, QUIET_MS, type Seen, urlOf } from './cases.js';

const FILE = new URL('../../../node_modules/ws/package.json', import.meta.url);

export function wsClient(): Client {
  const { version } = JSON.parse(readFileSync(FILE, 'utf8')) as { version: string };
  return {
    name: 'ws',
    version,
    async observe(url, cases) {
      const seen = await Promise.all(
        cases.map(async (one): Promise<[string, Seen]> => [one.name, await observe(url, one)]),
      );
      return new Map(seen);
    },
  };
}

async function observe(url: string, one: Case): Promise<Seen> {
  const messages: string[] = [];
  let error: string | null = null;
  let code: number | null = null;
  let opened = false;
  let changedMs = performance.now();
  const changed = (): void => {
    changedMs = performance.now();
  };
  const socket = new WebSocket(urlOf(url, 'ws', one));
  socket.on('open', () => {
    opened = true;
    changed();
    for (const text of one.sends) socket.send(text);
  });
  socket.on('message', (data, isBinary) => {
    changed();
    const bytes = data as Buffer;
    messages.push(isBinary ? `${bytes.length} bytes` : bytes.toString().slice(0, 20));
  });
  socket.on('error', ({ message }) => {
    error ??= message;
  });
  socket.on('close', (closeCode) => {
    code = closeCode;
  });
  const isClosed = (): boolean => code !== null;
  while (!isClosed() && performance.now() - changedMs < QUIET_MS) await sleep(20);
  const isEarly = isClosed();
  let answers: boolean | null = null;
  if (!isEarly) {
    const before = messages.length;
    socket.send(PROBE);
    for (let ms = 0; ms < 1000 && !isClosed() && messages.length === before; ms += 20)
      await sleep(20);
    answers = messages.slice(before).includes(PROBE);
    socket.close(1000);
    for (let ms = 0; ms < END_MS && !isClosed(); ms += 20) await sleep(20);
  }
  const result = { opened, messages, error, code, isEarly, answers };
  socket.terminate();
  return result;
}
