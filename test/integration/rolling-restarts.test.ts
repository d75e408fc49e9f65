/**
 * Two servers behind HAProxy are restarted in turn while clients are connected: nobody sees more of it than a Close
 * with 1001. The configuration is that of docs/operations.md.
 */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import t from 'tap';
import { ReturningClient } from '../fixtures/returning-client.js';
import { type Service, findCommands, startService } from '../fixtures/service-process.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

t.setTimeout(300_000);

const CLIENTS = 200;
const RESTARTS = 20;
const PACE_MS = 100;

/** Ports that nobody listens on now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** What docs/operations.md says, with the ports of this test. */
function configuration(
  port: number,
  ports: readonly number[],
  adminPorts: readonly number[],
): string {
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const [, text] = /```haproxy\n(global[^]*?)```/.exec(page)!;
  const places: Readonly<Record<string, number>> = {
    '*:80': port,
    '10.0.0.1:9001': ports[0]!,
    '10.0.0.2:9001': ports[1]!,
  };
  let made = text!;
  for (const [place, its] of Object.entries(places)) made = made.replace(place, `127.0.0.1:${its}`);
  let index = 0;
  return made.replace(/port 9090/g, () => `port ${adminPorts[index++]!}`);
}

t.test('20 rolling restarts, and every number comes back', async (t) => {
  const commands = findCommands(t, ['haproxy']);
  if (commands === null) return;
  const ports = await freePorts(2);
  const adminPorts = await freePorts(2);
  const start = (index: number): Promise<TwistProcess> =>
    startServing(t, {
      args: [
        ...['serve', '--echo', '--log-format', 'json', '--listen', `127.0.0.1:${ports[index]!}`],
        ...['--admin', `127.0.0.1:${adminPorts[index]!}`],
        // Checks are 200 ms apart, and two have to fail.
        ...['--drain-delay', '1s', '--drain-timeout', '3s', '--close-timeout', '1s'],
      ],
    });
  const servers = [await start(0), await start(1)];
  const haproxy: Service = await startService(t, {
    command: commands[0],
    arrange: (port, directory) => {
      const file = path.join(directory, 'haproxy.cfg');
      writeFileSync(file, configuration(port, ports, adminPorts));
      return ['-db', '-f', file];
    },
    ready: /one (?:succeeded|is UP)|Health check for server twist\/one succeeded/,
  });
  const clients = Array.from(
    { length: CLIENTS },
    () => new ReturningClient(`ws://127.0.0.1:${haproxy.port}/`, PACE_MS),
  );
  t.teardown(() => {
    for (const client of clients) client.terminate();
  });
  await eventually(() => clients.every(({ echoed }) => echoed.length > 0), 'every client');
  const count = (text: string): number => haproxy.process.output.split(text).length - 1;
  for (let restart = 0; restart < RESTARTS; restart++) {
    const index = restart % 2;
    const name = ['one', 'two'][index]!;
    const ups = count(`Server twist/${name} is UP`);
    t.equal(await servers[index]!.stop(), 0, 'it ends as asked');
    servers[index] = await start(index);
    await eventually(() => count(`Server twist/${name} is UP`) > ups, 'HAProxy to see it');
  }
  await Promise.all(clients.map((client) => client.end()));
  let numbers = 0;
  let connections = 0;
  for (const { echoed, codes, faults, ...client } of clients) {
    numbers += echoed.length;
    connections += client.connections;
    t.strictSame(faults, []);
    t.ok(
      echoed.every((number, index) => number === index),
      'every number came back once',
    );
    t.ok(
      codes.every((code) => code === 1001),
      `codes ${[...new Set(codes)].join()}`,
    );
  }
  t.ok(connections > CLIENTS + RESTARTS, `${connections} connections, ${numbers} numbers`);
  t.comment(`${connections} connections, ${numbers} numbers`);
});
