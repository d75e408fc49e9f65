/**
 * Targets by token, from Redis: whoever hands out a token writes it there, with a time to live.
 *
 *     SET twist:SHA256 10.0.0.7:5900 EX 60
 *
 * The key has the SHA-256 of the token in hex digits, so that nobody who can read Redis has a token.
 *
 *     REDIS_URL=redis://127.0.0.1:6379 \
 *       twist serve --token-file examples/tokens-redis/tokens.mjs --target-allow 10.0.0.0/8
 */
import { createHash } from 'node:crypto';
import process from 'node:process';

// Why `@redis/client`: Redis's own, and it takes an AbortSignal.
import { createClient } from '@redis/client';

const client = createClient({
  url: process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379',
  // While Redis is away a client is told so at once, instead of waiting in a queue.
  disableOfflineQueue: true,
  socket: { connectTimeout: 2000, reconnectStrategy: (retries) => Math.min(100 * retries, 2000) },
});

// Without a listener an error would end the process. Each handshake says what is wrong.
client.on('error', () => undefined);

// twist starts whether or not Redis is there.
void client.connect();

/** @type {import('twist-server').FindTarget} */
export async function findTarget({ token, signal }) {
  if (token === null) return null;
  const key = `twist:${createHash('sha256').update(token).digest('hex')}`;
  // The target as it was written, or null. With `getDel` in place of `get` each token is good for one connection.
  return await client.withAbortSignal(signal).get(key);
}
