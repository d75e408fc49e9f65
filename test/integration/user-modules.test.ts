/** A user's own modes and extensions, loaded by the built command from files. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { runTwist } from '../fixtures/twist-process.js';

t.setTimeout(120_000);

const MODE = 'default { name: "mute", message() {} };';
const EXTENSION = `{ name: 'x-one', create: () => ({ enabled: false, init() {}, response() {},
  reserveRsv() {}, decode() {}, encode() {}, close() {} }) }`;

/** Makes files in a new directory. @returns what finds them */
function folderOf(t: Test, files: Readonly<Record<string, string>>): (name: string) => string {
  const folder = makeTempDir(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  return (name) => path.join(folder, name);
}

t.test('what Node cannot load is one sentence', async (t) => {
  const at = folderOf(t, {
    'syntax.mjs': '\nexport default {;',
    'syntax.cjs': '\nmodule.exports = {;',
    'nested.mjs': `import './syntax.mjs'; export ${MODE}`,
    'throws.mjs': '\n\nthrow new TypeError("not now\\nbecause");',
    'name.mjs': `import { nothing } from 'node:fs'; export ${MODE}`,
    'needs.mjs': `import 'a-package-that-is-not-there'; export ${MODE}`,
    'waits.mjs': `await new Promise(() => {}); export ${MODE}`,
    'folder.txt': 'text',
  });
  const line = (number: number, file: string): string =>
    `it cannot be loaded, line ${number} of ${file}: `;
  const cases: readonly (readonly [file: string, clause: string])[] = [
    ['nowhere.mjs', 'there is no such file'],
    ['syntax.mjs', 'it cannot be loaded: SyntaxError: '],
    ['nested.mjs', 'it cannot be loaded: SyntaxError: '],
    ['syntax.cjs', `${line(2, 'syntax.cjs')}SyntaxError: `],
    ['throws.mjs', `${line(3, 'throws.mjs')}TypeError: not now`],
    ['name.mjs', `${line(1, 'name.mjs')}SyntaxError: `],
    ['needs.mjs', 'it cannot be loaded: Error: '],
    [
      'waits.mjs',
      'it cannot be loaded: Error: it waits for something that never comes (top-level await)',
    ],
    ['folder.txt', 'give a file that ends in .js, .mjs or .cjs'],
  ];
  for (const [file, clause] of cases) {
    const { ending, stdout, stderr } = await runTwist(t, {
      args: ['config', 'check', '--mode', at(file)],
    });
    const sentence = `twist: --mode cannot be ${JSON.stringify(at(file))}: ${clause}`;
    t.equal(stderr.slice(0, sentence.length), sentence, file);
    t.equal(stderr.indexOf('\n'), stderr.length - 1, 'one line');
    t.equal(stdout, '');
    t.equal(ending, 2, 'exit status');
  }
});

t.test('what does not fit is one sentence, with the status of its source', async (t) => {
  const at = folderOf(t, {
    'good.mjs': `export default ${EXTENSION};`,
    'good.cjs': `module.exports = ${EXTENSION.replace('x-one', 'x-two')};`,
    'bad.mjs': `export default { name: 'x two', create() {} };`,
    'twist.json': '',
  });
  const clause =
    'the name of an extension must be a token (RFC 9110 5.6.2) such as x-snappy, not "x two"';
  const bad = JSON.stringify(at('bad.mjs'));
  const config = at('twist.json');
  writeFileSync(config, JSON.stringify({ echo: true, extension: [at('good.mjs'), at('bad.mjs')] }));
  for (const [args, env, ending, name] of [
    [['--echo', '--extension', at('bad.mjs')], {}, 2, '--extension cannot be'],
    [
      ['--echo'],
      { TWIST_EXTENSION: `${at('good.cjs')},${at('bad.mjs')}` },
      78,
      'TWIST_EXTENSION cannot contain',
    ],
    [['-c', config], {}, 78, `extension[1] in ${config} cannot be`],
  ] as const) {
    for (const command of [['serve'], ['config', 'check']]) {
      t.strictSame(
        await runTwist(t, { args: [...command, ...args], env }),
        { ending, stdout: '', stderr: `twist: ${name} ${bad}: ${clause}\n` },
        name,
      );
    }
  }
  const { ending } = await runTwist(t, {
    args: ['config', 'check', '-c', config, '--extension', at('good.cjs')],
  });
  t.equal(ending, 0, 'the flag wins, and what loses is not loaded');
});

t.test('what a module has left running keeps no process alive', async (t) => {
  const at = folderOf(t, { 'mode.mjs': `setInterval(() => {}, 1e9); export ${MODE}` });
  const { ending, stdout, stderr } = await runTwist(t, {
    args: ['config', 'check', '--mode', at('mode.mjs')],
  });
  t.equal(ending, 0);
  t.match(stdout, /^configuration is valid \(\d+ settings: 1 from flags, \d+ by default\)\n$/);
  t.equal(stderr, '');
});
