/** The built image, run by podman as `docker run` would run it: `node tools/image.mjs` makes it. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import path from 'node:path';
import type { Test } from 'tap';
import { skipWithout } from '../fixtures/interop.js';
import { TwistProcess } from '../fixtures/twist-process.js';

/** What tools/image.mjs calls it on this machine. */
export const IMAGE = `localhost/twist:${process.arch === 'arm64' ? 'arm64' : 'amd64'}`;

/** Podman runs with the settings that the image was built with. */
export const PODMAN_ENV: Readonly<Record<string, string>> = {
  PATH: process.env['PATH'] ?? '',
  CONTAINERS_CONF: path.resolve('tools/image/containers.conf'),
};

/** By which the containers of one test process are found again. */
const LABEL = `twist-test=${process.pid}`;

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where this image or what runs it is missing, the test fails in CI and is skipped elsewhere. */
export function hasImage(t: Test): boolean {
  const { status } = podman('image', 'exists', IMAGE);
  if (status !== 0) skipWithout(t, `there is no image ${IMAGE}: run node tools/image.mjs`);
  return status === 0;
}

export function podman(...args: readonly string[]): Ran {
  const { status, stdout, stderr } = spawnSync('podman', args, {
    encoding: 'utf8',
    env: PODMAN_ENV,
    maxBuffer: 256 * 1024 * 1024,
    // It is seldom slow, and hangs at times.
    timeout: 60_000,
  });
  return { status, stdout, stderr: withoutSystemd(stderr) };
}

/** What an attached container needs: it goes when it ends, or with {@link removeContainers}. */
export const ATTACHED = ['run', '--rm', '--no-healthcheck', '--label', LABEL] as const;

/** Runs the image to the end of its command. @param flags of `podman run` */
export function runImage(flags: readonly string[], args: readonly string[]): Ran {
  return podman(...ATTACHED, ...flags, IMAGE, ...args);
}

/** Removes whatever this test has started and not removed. */
export function removeContainers(): void {
  const ids = podman('ps', '--all', '--quiet', '--filter', `label=${LABEL}`).stdout.trim();
  if (ids !== '') podman('rm', '--force', '--time', '0', ...ids.split('\n'));
}

/** A running container. Signals to its process reach the server, and its end is that of the server. */
export class Container {
  readonly name: string;
  readonly process: TwistProcess;
  /** Where the published port is on this machine. */
  readonly port: number;

  static #count = 0;

  private constructor(flags: readonly string[], args: readonly string[], port: number) {
    this.name = `twist-test-${process.pid}-${++Container.#count}`;
    this.port = port;
    const command = ['podman', ...ATTACHED, '--name', this.name, ...flags, IMAGE];
    this.process = new TwistProcess({ command, args, env: PODMAN_ENV });
  }

  /**
   * @param flags of `podman run`
   * @param args what stands behind the name of the image
   * @param inside the port that is published
   */
  static async start(
    t: Test,
    flags: readonly string[],
    args: readonly string[] = [],
    inside = 9001,
  ): Promise<Container> {
    const port = await freePort();
    const published = ['--publish', `127.0.0.1:${port}:${inside}`];
    const made = new Container([...published, ...flags], args, port);
    t.teardown(async () => {
      if (!made.process.isRunning) return;
      podman('rm', '--force', '--time', '0', made.name);
      await made.process.ended;
    });
    return made;
  }

  /** Waits until the server listens. */
  async listens(): Promise<void> {
    await this.process.waitForLog(({ msg }) => msg === 'listening');
  }

  /** The process of the container's command, as this machine counts. */
  get pid(): number {
    return Number(podman('inspect', '--format', '{{.State.Pid}}', this.name).stdout);
  }

  get address(): string {
    const format = '{{.NetworkSettings.IPAddress}}';
    return podman('inspect', '--format', format, this.name).stdout.trim();
  }

  /** What the health check of the image says, and its exit status. */
  health(): Ran {
    return podman('exec', this.name, ...HEALTH_CHECK);
  }
}

/** What the image has an engine run; podman needs systemd to run it by itself. */
export const HEALTH_CHECK = ['twist', 'healthcheck', '--pid', '1'] as const;

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Podman wants to leave health checks to systemd, and says so where there is none. */
function withoutSystemd(text: string): string {
  return text.replaceAll(/^time=.*systemd connection.*\n/gm, '');
}
