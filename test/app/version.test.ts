import t from 'tap';
import { version } from '../../src/app/version.js';

t.test('the version is that of the build, or dev', async (t) => {
  t.equal(version(), 'dev');
  // What the build replaces by a text is a global variable to everyone else.
  const globals = globalThis as { TWIST_VERSION?: string };
  t.teardown(() => delete globals.TWIST_VERSION);
  globals.TWIST_VERSION = '1.2.3';
  t.equal(version(), '1.2.3');
});
