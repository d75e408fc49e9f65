import t from 'tap';
import * as module from '../../src/cli/licenses.js';

const { licenses } = module;

const nothing = (file: string): string => t.fail(file) as never;

t.test('from the sources, nothing is in it', async (t) => {
  t.equal(licenses(nothing), 'twist runs from its sources here.\n');
});

t.test('what the build has put in', async (t) => {
  const place = globalThis as { TWIST_LICENSES?: string };
  place.TWIST_LICENSES = 'the licenses';
  t.teardown(() => delete place.TWIST_LICENSES);
  t.equal(licenses(nothing), 'the licenses\n');
});

t.test('the single binary has Node in it as well', async (t) => {
  const inBinary = await t.mockImport<typeof module>('../../src/cli/licenses.js', {
    'node:sea': { isSea: () => true, getAsset: (name: string) => `the text of ${name}` },
  });
  t.match(inBinary.licenses(nothing), `Node.js ${process.version}\n\nthe text of NODE_LICENSE\n`);
});

t.test('the image has files for what it holds beside twist', async (t) => {
  const place = globalThis as { TWIST_NOTICE_FILES?: readonly string[] };
  place.TWIST_NOTICE_FILES = ['/doc/node', '/doc/libc6'];
  t.teardown(() => delete place.TWIST_NOTICE_FILES);
  const text = licenses((file) => `the text of ${file}`);
  t.match(text, /^twist runs[^]*\n-+\n\n\/doc\/node\n\nthe text of \/doc\/node\n\n-+\n/);
  t.match(text, /\/doc\/libc6\n\nthe text of \/doc\/libc6\n$/);
});
