import fc from 'fast-check';
import t from 'tap';
import { plainFlags } from '../../src/cli/plain-flags.js';
import { type Actions, runProgram } from '../../src/cli/program.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { flagOf, flagRows } from '../../src/config/options/option.js';
import type { Flags } from '../../src/config/text-sources.js';
import { fakeIo } from './fake-io.js';

/** What commander makes of it; null if it does not come to `serve`. */
async function flagsOfCommander(argv: readonly string[]): Promise<Flags | null> {
  let found: Flags | null = null;
  const other = (): Promise<void> => Promise.resolve();
  const actions: Actions = {
    serve: async (flags) => void (found = flags),
    printConfig: other,
    checkConfig: other,
    healthcheck: other,
    convert: other,
    view: other,
    completion: other,
  };
  await runProgram(fakeIo(argv), '1', actions);
  return found;
}

t.test('plain flags are read without commander', (t) => {
  const cases: [argv: string[], flags: Flags][] = [
    [[], {}],
    [['--echo'], { echo: true }],
    [['--no-deflate', '--echo'], { deflate: false, echo: true }],
    [['--listen', ':80', '--listen=unix:a=b'], { listen: [':80', 'unix:a=b'] }],
    [['-c', 'a.json', '--max-message', '1m'], { config: 'a.json', maxMessage: '1m' }],
    [['--max-message=a\nb'], { maxMessage: 'a\nb' }],
  ];
  for (const [words, flags] of cases)
    t.strictSame(plainFlags(['serve', ...words], OPTIONS), flags, words.join(' '));
  t.end();
});

t.test('everything else is left to commander', (t) => {
  const cases = [
    ['config', 'print'],
    [],
    ['serve', '--help'],
    ['serve', '-h'],
    ['serve', 'help'],
    ['serve', '--no-such-flag'],
    ['serve', '--toString'],
    ['serve', '--no-listen'],
    ['serve', '--maxMessage', '1m'],
    ['serve', '--echo=true'],
    ['serve', '--echo', '--echo'],
    ['serve', '--echo', '--no-echo'],
    ['serve', '--max-message', '1m', '--max-message', '2m'],
    ['serve', '--max-message'],
    ['serve', '--max-message='],
    ['serve', '--max-message', ''],
    ['serve', '--max-message', '-1'],
    ['serve', '-c=a.json'],
    ['serve', '-ca.json'],
    ['serve', '-c', '--echo'],
    ['serve', '--echo', '--'],
    ['serve', '-'],
    ['serve', ''],
  ];
  for (const argv of cases) t.equal(plainFlags(argv, OPTIONS), null, argv.join(' '));
  const hidden = Object.keys(OPTIONS).filter(
    (key) => !flagRows(OPTIONS).some(([row]) => row === key),
  );
  t.ok(hidden.length > 0);
  for (const key of hidden) t.equal(plainFlags(['serve', flagOf(key), 'a'], OPTIONS), null, key);
  t.end();
});

t.test('commander finds the same', async (t) => {
  const flags = flagRows(OPTIONS).map(([key]) => flagOf(key));
  const word = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...flags) },
    {
      weight: 2,
      arbitrary: fc.constantFrom('a', ':80', '-', '--', '-c', '-1', '', 'serve', 'help'),
    },
    fc.constantFrom(...flags).map((flag) => flag.replace('--', '--no-')),
    fc.constantFrom(...flags).map((flag) => `${flag}=a=b`),
    fc.string({ maxLength: 5 }),
  );
  let plain = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (words) => {
      const argv = ['serve', ...words];
      const found = plainFlags(argv, OPTIONS);
      if (found === null) return;
      plain++;
      t.strictSame({ ...(await flagsOfCommander(argv)) }, found, argv.join(' '));
    }),
    { numRuns: 300 },
  );
  t.ok(plain > 10, `${plain} of them were plain`);
});
