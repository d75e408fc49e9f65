/** Tells the service manager that the server is ready, as systemd asks for with `Type=notify`. */
import { spawn } from 'node:child_process';
import type { Log } from '../../log.js';
import { systemReason } from '../../system-reason.js';

/**
 * Node has no datagram sockets but those of UDP, so it is systemd's own command that sends it; the unit has `NotifyAccess=all` for
 * that. It waits until systemd has read it.
 *
 * @param command what sends it; systemd's own by default
 * @returns once it is sent; a failure is a line of the log, since the server serves all the same
 */
export async function notify(
  { NOTIFY_SOCKET, PATH }: Readonly<Record<string, string | undefined>>,
  log: Pick<Log, 'warn'>,
  command = 'systemd-notify',
): Promise<void> {
  const failure = await new Promise<string | null>((resolve) => {
    const child = spawn(command, ['--ready'], { env: { NOTIFY_SOCKET, PATH }, stdio: 'ignore' });
    child.on('error', (error) => {
      resolve(systemReason(error));
    });
    child.on('exit', (code) => {
      resolve(code === 0 ? null : `it ended with ${code}`);
    });
  });
  if (failure !== null)
    log.warn({}, `the service manager does not know that twist is ready: ${command}: ${failure}`);
}
