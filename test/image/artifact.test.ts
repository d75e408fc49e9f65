/** The image does what everything does that is called twist. */
import t from 'tap';
import { checkCore } from '../artifact/core-checks.js';
import { ATTACHED, IMAGE, PODMAN_ENV, hasImage, removeContainers } from './container.js';

t.setTimeout(300_000);

if (hasImage(t)) {
  t.teardown(removeContainers);
  await checkCore(t, ({ args, env, directory }) => ({
    command: [
      ...['podman', ...ATTACHED, '--network', 'host', '--volume', `${directory}:${directory}`],
      ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
      ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      IMAGE,
    ],
    args,
    env: PODMAN_ENV,
  }));
}
