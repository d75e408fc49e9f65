import t from 'tap';
import { HelpPage, helpWidth } from '../../../src/cli/help/help-page.js';

const ESCAPES = /\u001b\[\d+m/g; // eslint-disable-line no-control-regex

const write = (): void => undefined;

t.test('the width is that of the terminal, or of COLUMNS, within reason', async (t) => {
  for (const [columns, COLUMNS, width] of [
    [undefined, undefined, 80],
    [undefined, '', 80],
    [undefined, 'wide', 80],
    [undefined, '72.5', 80],
    [undefined, '-60', 80],
    [undefined, '60', 60],
    [90, '60', 90],
    [0, undefined, 80],
    [20, undefined, 40],
    [240, undefined, 100],
  ] as const)
    t.equal(helpWidth({ write, columns }, { COLUMNS }), width, `${columns} ${COLUMNS}`);
});

const ITEMS = [
  { term: '--a', text: 'some words that do not all fit into one line' },
  { term: '--much-longer', text: 'short', detail: 'and below' },
];

const page = (width: number, isStyled = false): string =>
  new HelpPage(width, isStyled)
    .usage('twist read [OPTIONS]')
    .paragraph('Reads what there is to be read, and more than fits into a line.')
    .list('Options', ITEMS, 'what can be chosen')
    .list('None', [], '', 13)
    .examples([
      ['twist read --a', 'one of them'],
      ['twist read --much-longer with-words', 'the other'],
    ])
    .toString();

t.test('blocks in order, wrapped at words', async (t) => {
  t.equal(
    page(60),
    [
      'Usage: twist read [OPTIONS]',
      '',
      'Reads what there is to be read, and more than fits into a',
      'line.',
      '',
      'Options: what can be chosen',
      '  --a            some words that do not all fit into one',
      '                 line',
      '  --much-longer  short',
      '                 and below',
      '',
      'None:',
      '',
      'Examples:',
      '  twist read --a                       one of them',
      '  twist read --much-longer with-words  the other',
      '',
    ].join('\n'),
  );
});

t.test(
  'on a narrow terminal descriptions go below, and commands go on in the next line',
  async (t) => {
    const lines = page(40).split('\n');
    t.same(lines.slice(5, 12), [
      'Options: what can be chosen',
      '  --a',
      '      some words that do not all fit',
      '      into one line',
      '  --much-longer',
      '      short',
      '      and below',
    ]);
    t.same(lines.slice(15, 21), [
      'Examples:',
      '  twist read --a',
      '      one of them',
      '  twist read --much-longer \\',
      '      with-words',
      '      the other',
    ]);
  },
);

t.test('color changes nothing but the color', async (t) => {
  for (const width of [40, 60]) {
    t.match(page(width, true), ESCAPES);
    t.equal(page(width, true).replace(ESCAPES, ''), page(width));
  }
});
