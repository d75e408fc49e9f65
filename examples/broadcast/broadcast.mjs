/**
 * Broadcast: every line on standard input goes to every client. The server is part of this program, which goes
 * through its sessions.
 */
import { stdin, stdout } from 'node:process';
import { createInterface } from 'node:readline';
import { serve } from 'twist-server';

/** A client that has not read so much misses lines: they cost memory for each client. */
const MAX_BUFFERED_BYTES = 64 * 1024;

const server = await serve({
  listen: '127.0.0.1:0',
  // Clients only listen: what they send is read and dropped.
  mode: { name: 'news', message: () => undefined },
});
stdout.write(`${server.urls.join(' ')}\n`);

for await (const line of createInterface({ input: stdin })) {
  let missed = 0;
  for (const session of server.sessions) {
    if (session.bufferedAmount > MAX_BUFFERED_BYTES) missed++;
    else session.send(line);
  }
  stdout.write(`${server.sessions.size} clients, ${missed} of them too slow\n`);
}

// The input has ended: 1001 to all.
await server.stop();
