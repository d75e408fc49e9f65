import t from 'tap';
import { hasColor, styled } from '../../../src/cli/output/style.js';

const write = (): void => undefined;

t.test('color is for terminals that have it, and people who want it', async (t) => {
  t.equal(hasColor({ write, isTTY: true }, {}), true);
  t.equal(
    hasColor({ write, isTTY: true }, { NO_COLOR: '', TERM: 'xterm' }),
    true,
    'an empty NO_COLOR says nothing',
  );
  t.equal(hasColor({ write, isTTY: true }, { NO_COLOR: '1' }), false);
  t.equal(hasColor({ write, isTTY: true }, { TERM: 'dumb' }), false);
  t.equal(hasColor({ write, isTTY: false }, {}), false);
  t.equal(hasColor({ write }, { FORCE_COLOR: '1' }), true);
  t.equal(hasColor({ write, isTTY: true }, { FORCE_COLOR: '1', TERM: 'dumb' }), true);
  t.equal(hasColor({ write }, { FORCE_COLOR: '1', NO_COLOR: '1' }), false);
  t.equal(hasColor({ write, isTTY: true }, { FORCE_COLOR: '' }), true);
  for (const FORCE_COLOR of ['0', 'false', '']) {
    t.equal(hasColor({ write }, { FORCE_COLOR }), false);
    if (FORCE_COLOR !== '') t.equal(hasColor({ write, isTTY: true }, { FORCE_COLOR }), false);
  }
});

t.test('text in a style', async (t) => {
  t.equal(styled('bold', 'x', true), '\u001b[1mx\u001b[22m');
  t.equal(styled('bold', 'x', false), 'x');
});
