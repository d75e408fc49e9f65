import { EventEmitter } from 'node:events';
import t from 'tap';
import type { openBrowser } from '../../../src/cli/view/browser.js';

t.test('the URL is opened by what the system has for that, if it has something', async (t) => {
  const spawned: unknown[][] = [];
  const child = Object.assign(new EventEmitter(), { unref: () => undefined });
  const { openBrowser: open } = await t.mockImport<{ openBrowser: typeof openBrowser }>(
    '../../../src/cli/view/browser.js',
    {
      'node:child_process': {
        spawn: (...given: unknown[]) => {
          spawned.push(given.slice(0, 2));
          return child;
        },
      },
    },
  );
  open('http://127.0.0.1:1/', 'linux');
  open('http://127.0.0.1:2/', 'darwin');
  open('http://127.0.0.1:3/', 'plan9');
  child.emit('error', new Error('there is no xdg-open'));
  t.strictSame(spawned, [
    ['xdg-open', ['http://127.0.0.1:1/']],
    ['open', ['http://127.0.0.1:2/']],
  ]);
});
