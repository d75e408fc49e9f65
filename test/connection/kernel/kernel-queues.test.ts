import { once } from 'node:events';
import { fstatSync, openSync, writeFileSync } from 'node:fs';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { KernelQueues } from '../../../src/connection/kernel/kernel-queues.js';
import { descriptorOf } from '../../../src/connection/node-internals.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const onLinux = { skip: process.platform !== 'linux' && 'needs /proc' };

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

function ask(queues: KernelQueues, descriptor: number): Promise<number | null> {
  return new Promise((resolve) => {
    queues.ask({ kernelHolds: resolve }, descriptor);
  });
}

/** Both ends of a connection; the client reads nothing. */
async function pair(t: Test, host = '127.0.0.1'): Promise<{ server: Socket; client: Socket }> {
  const listener = createServer();
  listener.listen({ port: 0, host });
  await once(listener, 'listening');
  const client = connect({ port: (listener.address() as AddressInfo).port, host });
  client.pause();
  const [server] = (await once(listener, 'connection')) as [Socket];
  t.teardown(() => {
    for (const socket of [client, server]) socket.destroy();
    listener.close();
  });
  return { server, client };
}

t.test('what a client has not acknowledged, and what it has', onLinux, async (t) => {
  const queues = new KernelQueues(undefined, 1);
  const { server, client } = await pair(t);
  t.equal(await ask(queues, descriptorOf(server)), 0);
  server.write(Buffer.alloc(16 * 1024 ** 2));
  let bytes: number | null = 0;
  while (bytes! < 1000) bytes = await ask(queues, descriptorOf(server));
  t.ok(bytes! >= 1000, 'bytes wait');
  client.resume();
  while (bytes! > 0) bytes = await ask(queues, descriptorOf(server));
  t.equal(bytes, 0, 'none waits');
});

t.test('several at once, some of them gone', onLinux, async (t) => {
  const queues = new KernelQueues(undefined, 1);
  const [one, other] = [await pair(t), await pair(t)];
  const file = openSync('/dev/null', 'r');
  t.strictSame(
    await Promise.all([
      ask(queues, descriptorOf(one.server)),
      ask(queues, descriptorOf(other.server)),
      ask(queues, file),
      ask(queues, 1_000_000),
      ask(queues, -1),
    ]),
    [0, 0, null, null, null],
  );
});

t.test('a table that is another one tells nothing, and one that is not there', async (t) => {
  const directory = makeTempDir(t);
  const table = path.join(directory, 'tcp');
  const file = openSync('/dev/null', 'r');
  for (const text of [
    '',
    'sl inode tx_queue\n 0: 1 2 3 4 5\n',
    HEAD.replace('timeout', 'time'),
    `${HEAD}   0: 0100007F:1 0100007F:2 01 zzz:0 00:0 0 0 0 1 1 x\n`,
  ]) {
    writeFileSync(table, text);
    t.equal(await ask(new KernelQueues([table, path.join(directory, 'tcp6')], 1), file), null);
  }
});

t.test('a table that has the socket tells its bytes, unless they are no number', async (t) => {
  const table = path.join(makeTempDir(t), 'tcp');
  const file = openSync('/dev/null', 'r');
  const { ino } = fstatSync(file);
  for (const [queue, bytes] of [
    ['0000001F', 31],
    ['zzz', null],
  ] as const) {
    const line = `   0: 0100007F:1 0100007F:2 01 ${queue}:0 00:0 0 0 0 ${ino} 1 x\n`;
    writeFileSync(table, `${HEAD}${line}`);
    t.equal(await ask(new KernelQueues([table], 1), file), bytes, queue);
  }
});
