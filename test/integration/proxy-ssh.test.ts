/** SSH through the proxy: the banner, and a session of the real client. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { WebSocket } from 'ws';
import { BackgroundProcess, findCommands, startService } from '../fixtures/service-process.js';
import { startServing } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

const PROXY_COMMAND = fileURLToPath(new URL('../fixtures/ssh-proxy-command.mjs', import.meta.url));
const FILE_BYTES = 4 * 1024 ** 2;

const execute = promisify(execFile);

t.test('SSH', async (t) => {
  const commands = findCommands(t, ['sshd', 'ssh', 'ssh-keygen']);
  if (commands === null) return;
  const [sshd, ssh, keygen] = commands;
  const directory = t.testdir();
  const hostKey = path.join(directory, 'host-key');
  const userKey = path.join(directory, 'user-key');
  for (const key of [hostKey, userKey]) {
    await execute(keygen, ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  }
  // As root it wants a directory that an init script makes, where there is one.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const service = await startService(t, {
    command: sshd,
    arrange: (port, directory) => {
      const config = path.join(directory, 'sshd_config');
      const lines = [
        `ListenAddress 127.0.0.1:${port}`,
        `HostKey ${hostKey}`,
        `AuthorizedKeysFile ${userKey}.pub`,
        // The directory of a test is below one that everybody may write to.
        'StrictModes no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password',
        'UsePAM no',
        'PidFile none',
      ];
      writeFileSync(config, lines.map((line) => `${line}\n`).join(''));
      return ['-D', '-e', '-f', config];
    },
    ready: /Server listening on/,
  });
  const args = ['serve', '--tcp', service.address, '--listen', '127.0.0.1:0'];
  const twist = await startServing(t, { args: [...args, '--log-format', 'json'] });

  await t.test('the banner', async (t) => {
    const socket = new WebSocket(twist.url);
    const arrived = once(socket, 'message') as Promise<[Buffer, boolean]>;
    const [banner, isBinary] = await within(arrived, 'the banner');
    t.match(banner.toString(), /^SSH-2\.0-OpenSSH/);
    t.equal(isBinary, true);
    socket.terminate();
  });

  await t.test('a session of the real client', async (t) => {
    const proxyCommand = `env -i '${process.execPath}' '${PROXY_COMMAND}' ${twist.url}`;
    const run = async (command: string): Promise<string> => {
      const client = new BackgroundProcess(
        ssh,
        [
          ...['-F', 'none', '-i', userKey, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
          ...['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null'],
          ...['-o', 'LogLevel=ERROR', '-o', `ProxyCommand=${proxyCommand}`],
          ...[`${userInfo().username}@twist`, command],
        ],
        service.directory,
      );
      t.teardown(() => client.stop());
      await within(client.ended, `the end of ssh, which runs ${command}`);
      return client.output;
    };
    t.equal(await run('echo hello'), 'hello\n');

    const file = path.join(directory, 'file');
    const bytes = randomBytes(FILE_BYTES);
    writeFileSync(file, bytes);
    const sum = createHash('sha256').update(bytes).digest('hex');
    // Encoded, so that it is text here; it is encrypted on its way.
    const received = Buffer.from(await run(`base64 '${file}'`), 'base64');
    t.equal(createHash('sha256').update(received).digest('hex'), sum, '4 MiB arrive as they are');
    t.match(await twist.waitForLog(({ out }) => isAbove(out, FILE_BYTES)), {
      msg: 'session ended',
    });
  });
});

function isAbove(counts: unknown, bytes: number): boolean {
  return ((counts ?? { bytes: 0 }) as { readonly bytes: number }).bytes > bytes;
}
