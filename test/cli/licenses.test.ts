import t from 'tap';
import * as module from '../../src/cli/licenses.js';

const { licenses } = module;

t.test('from the sources, nothing is in it', async (t) => {
  t.equal(licenses(), 'twist runs from its sources here.\n');
});

t.test('what the build has put in', async (t) => {
  const place = globalThis as { TWIST_LICENSES?: string };
  place.TWIST_LICENSES = 'the licenses';
  t.teardown(() => delete place.TWIST_LICENSES);
  t.equal(licenses(), 'the licenses\n');
});

t.test('the single binary has Node in it as well', async (t) => {
  const inBinary = await t.mockImport<typeof module>('../../src/cli/licenses.js', {
    'node:sea': { isSea: () => true, getAsset: (name: string) => `the text of ${name}` },
  });
  t.match(inBinary.licenses(), `Node.js ${process.version}\n\nthe text of NODE_LICENSE\n`);
});
