import t from 'tap';
import { optionName } from '../../../src/config/options/option-name.js';

t.test('an option as the user wrote it', async (t) => {
  const value = null;
  for (const [key, source, from, name] of [
    ['maxHead', 'flag', '--max-head', '--max-head'],
    ['maxHead', 'environment', 'TWIST_MAX_HEAD', 'TWIST_MAX_HEAD'],
    ['maxHead', 'file', 'twist.json', 'maxHead in twist.json'],
    ['maxHead', 'call', 'serve(options)', 'maxHead'],
    ['maxHead', 'preset', 'TWIST_DEFAULT_MAX_HEAD', 'TWIST_DEFAULT_MAX_HEAD'],
    ['route', 'flag', '--route', '--route'],
    ['route', 'environment', 'TWIST_ROUTE', 'TWIST_ROUTE'],
    ['route', 'file', 'twist.json', 'routes in twist.json'],
    ['maxHead', 'default', 'default', 'maxHead'],
  ] as const) {
    t.equal(optionName(key, { value, source, from }), name);
  }
});

t.test('one at its default, in the manner of the one that it is named with', async (t) => {
  const standing = { value: null, source: 'default', from: 'default' } as const;
  t.equal(optionName('tokenFile', standing, 'flag'), '--token-file');
  t.equal(optionName('tokenFile', standing, 'environment'), 'TWIST_TOKEN_FILE');
  t.equal(optionName('tokenFile', standing, 'file'), 'tokenFile');
  t.equal(optionName('tokenFile', standing, 'call'), 'tokenFile');
  const given = { value: 'a', source: 'file', from: 'twist.json' } as const;
  t.equal(optionName('tokenFile', given, 'flag'), 'tokenFile in twist.json');
});
