import { existsSync } from 'node:fs';
import path from 'node:path';
import { URL } from 'node:url';

/**
 * A unit test covers the sources in the folder of the same name, so that tests of one thing may share its
 * parts, and no line is covered by accident from afar. A source directly in `src` has a test of its own
 * name. Those of `test/web` cover the folder in `web`, which is a page's model: browsers drive the rest of a page
 * (docs/adr/0047-web-pages.md). Other tests cover nothing.
 * @param {string} test path of a test file
 * @returns {string | null} the sources it covers
 */
export default (test) => {
  const { dir, name } = path.posix.parse(test);
  const folder = dir.startsWith('test/web/')
    ? dir.replace(/^test\//, '')
    : dir.replace(/^test/, 'src');
  const sources = folder === 'src' ? `src/${name.replace(/\.test$/, '.ts')}` : folder;
  if (!existsSync(new URL(`../${sources}`, import.meta.url))) return null;
  return folder === 'src' ? sources : `${sources}/*.ts`;
};
