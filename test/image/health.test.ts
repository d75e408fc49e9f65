/** The image's health check: it finds the server however that was started, and tells when clients had better not come. */
import { once } from 'node:events';
import { writeFileSync, chmodSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { WebSocket } from 'ws';
import { HASH } from '../fixtures/password-hashes.js';
import { selfSigned } from '../fixtures/self-signed.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { eventually, within } from '../fixtures/within.js';
import { Container, HEALTH_CHECK, IMAGE, hasImage, podman, removeContainers } from './container.js';

t.setTimeout(300_000);

const READY = /^ready\n$/;
const CONNECTED = /takes connections/;

const ROWS: readonly (readonly [flags: string, command: string, said: RegExp])[] = [
  ['', '', READY],
  ['--init', 'serve --listen :8080', READY],
  ['', 'serve --echo --listen 127.0.0.1:8080 --health /up', READY],
  ['', 'serve --echo --admin 127.0.0.1:9090 --health off', READY],
  ['-e TWIST_HEALTH=off', '', CONNECTED],
  ['--tmpfs /run:mode=1777', 'serve --echo --listen unix:/run/twist.sock', READY],
  ['--tmpfs /run:mode=1777 -e TWIST_HEALTH=off -e TWIST_LISTEN=unix:/run/s', '', CONNECTED],
  ['', 'serve --echo --tls-cert /files/cert.pem --tls-key /files/key.pem', READY],
  [
    '',
    'serve --echo --tls-cert /files/cert.pem --tls-key /files/key.pem --tls-client-ca /files/cert.pem',
    CONNECTED,
  ],
  ['', 'serve --echo --auth-file /files/users', READY],
  ['', 'serve --echo --deny 0.0.0.0/0 --allowed-hosts example.org', READY],
  // Nobody is there, and nobody is asked for.
  ['', 'serve --tcp 192.0.2.1:5900', READY],
  ['', 'serve --echo --workers 2', READY],
];

/** What the rows name. */
function folderOfFiles(): string {
  const { cert, key } = selfSigned('localhost');
  const directory = makeTempDir(t);
  chmodSync(directory, 0o755);
  for (const [name, text] of [
    ['cert.pem', cert],
    ['key.pem', key],
    ['users', `zoë:${HASH}\n`],
  ] as const) {
    const file = path.join(directory, name);
    writeFileSync(file, text);
    chmodSync(file, 0o644);
  }
  return directory;
}

if (hasImage(t)) {
  t.teardown(removeContainers);
  const files = ['--volume', `${folderOfFiles()}:/files:ro`];

  t.test('it is what the image says', async (t) => {
    const format = '{{json .HealthCheck.Test}}';
    const { stdout } = podman('image', 'inspect', '--format', format, IMAGE);
    t.strictSame(JSON.parse(stdout), ['CMD', ...HEALTH_CHECK]);
  });

  t.test('a server that is well', async (t) => {
    for (const [flags, command, said] of ROWS) {
      const name = `docker run ${flags} twist ${command}`.replaceAll(/ +/g, ' ');
      const split = (text: string): string[] => text.split(' ').filter((word) => word !== '');
      const box = await Container.start(t, [...split(flags), ...files], split(command));
      await box.listens();
      t.match(box.health(), { status: 0, stdout: said, stderr: '' }, name);
      t.strictSame(
        box.process.log.filter(({ msg }) => /session|handshake|recording/.test(msg)),
        [],
        'it is no client',
      );
      await box.process.stop();
    }
  });

  t.test('a recording that cannot go on', async (t) => {
    const flags = ['--tmpfs', '/var/lib/twist:size=64k,mode=1777'];
    const box = await Container.start(t, flags, ['serve', '--echo', '--record', 'a.ndjson']);
    await box.listens();
    t.match(box.health(), { status: 0 });
    const client = new WebSocket(`ws://127.0.0.1:${box.port}`, { perMessageDeflate: false });
    await within(once(client, 'open'), 'the connection');
    const closed = once(client, 'close');
    client.send('x'.repeat(100_000));
    t.equal((await within(closed, 'the Close'))[0], 1013);
    await eventually(() => box.health().status === 1, 'a container that is not healthy');
    t.equal(await box.process.stop(), 0);
  });
}
