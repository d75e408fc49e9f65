/** compose.yaml: it can be read, and twist takes what it is given there. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { skipWithout } from '../fixtures/interop.js';
import { PODMAN_ENV, hasImage, removeContainers, runImage } from './container.js';

t.setTimeout(300_000);

const COMPOSE = path.resolve('.venv/bin/podman-compose');

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** It writes YAML, and what goes with it reads that. */
const TO_JSON = `import json, sys, yaml
print(json.dumps(yaml.safe_load(sys.stdin)))`;

const USES = { autobahn: 'echo', vnc: 'novnc', mqtt: 'mqtt' } as const;

if (!existsSync(COMPOSE)) skipWithout(t, `there is no ${COMPOSE}`);
else if (hasImage(t)) {
  t.teardown(removeContainers);
  for (const [profile, name] of Object.entries(USES)) {
    t.test(profile, async (t) => {
      const args = ['--in-pod', 'false', '--profile', profile, 'config'];
      const read = spawnSync(COMPOSE, args, { encoding: 'utf8', env: PODMAN_ENV });
      t.equal(read.status, 0, read.stderr);
      const python = path.resolve('.venv/bin/python');
      const json = spawnSync(python, ['-c', TO_JSON], { input: read.stdout, encoding: 'utf8' });
      const { services } = JSON.parse(json.stdout) as { services: Record<string, Service> };
      const { image, command = ['serve'], environment = {} } = services[name]!;
      t.equal(image, 'twist');
      const flags = Object.entries(environment).flatMap(([key, value]) => [
        '-e',
        `${key}=${value}`,
      ]);
      const [verb, ...options] = command;
      t.equal(verb, 'serve');
      // What the volume holds is not there.
      const given = options.map((word) => (word === '/srv/novnc' ? '/usr/share' : word));
      t.match(runImage(flags, ['config', 'check', ...given]), {
        status: 0,
        stdout: /^configuration is valid/,
        stderr: '',
      });
    });
  }
}
