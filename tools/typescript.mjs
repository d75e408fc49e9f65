/**
 * `node --import ./tools/typescript.mjs FILE.ts` runs a file of this repository. Under tap it stands in for
 * tap's own TypeScript plugin, which loads the compiler into every test process.
 */
import { register } from 'node:module';
import process from 'node:process';
import { isMainThread } from 'node:worker_threads';
// This and @tapjs/core come with tap.
import { load as listenForExit } from 'signal-exit';
import { load, resolve } from './typescript-hooks.mjs';

if (isMainThread) {
  // Without this, Node reads the source maps of all of tap's own modules.
  process.setSourceMapsEnabled(false);
  // Coverage is written when signal-exit sees the end of the process, by way of `process.emit`. Tap's core
  // puts back what it finds there when it is loaded, so signal-exit has to be there first.
  listenForExit();
  // Node has hooks of two kinds, and all of one kind run before the other. Ours must be of the kind that
  // tap chooses, because `t.mockImport` has to see an import before they do.
  /** @type {unknown} */
  const core = await import('@tapjs/core');
  process.setSourceMapsEnabled(true);
  const { registerHooks } = /** @type {{ registerHooks?: (hooks: object) => void }} */ (core);
  if (registerHooks === undefined) register('./typescript-hooks.mjs', import.meta.url);
  else registerHooks({ load, resolve });
  // Programs that a test starts run without it, and without the other one of this folder.
  const options = process.env['NODE_OPTIONS'];
  if (options !== undefined)
    process.env['NODE_OPTIONS'] = options.replaceAll(/--import=\S*\/tools\/\S+\.mjs/g, '').trim();
}
