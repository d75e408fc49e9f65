import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { completionFor } from '../../../src/cli/completion/completion.js';
import { commandLine } from '../../../src/cli/completion/command-line.js';
import { SHELLS } from '../../../src/cli/completion/shells.js';
import { createProgram } from '../../../src/cli/program.js';
import { flagOf, flagRows } from '../../../src/config/options/option.js';
import { OPTIONS } from '../../../src/config/options/options.js';
import { findCommand } from '../../fixtures/service-process.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { fakeIo } from '../fake-io.js';

const nothing = (): Promise<void> => Promise.resolve();
const program = createProgram(fakeIo([]), '1', {
  serve: nothing,
  printConfig: nothing,
  checkConfig: nothing,
  healthcheck: nothing,
  convert: nothing,
  view: nothing,
  completion: nothing,
});
const { twist, firstWords, commands } = commandLine(program);

t.test('every option of the table is there, in every shell', async (t) => {
  const flags = flagRows(OPTIONS).map(([key]) => flagOf(key));
  for (const name of ['serve', 'config print', 'config check', 'healthcheck']) {
    const known = commands.find((one) => one.name === name)!.options.flatMap((one) => one.flags);
    t.strictSame(
      flags.filter((flag) => !known.includes(flag)),
      [],
      name,
    );
  }
  for (const shell of SHELLS) {
    const script = completionFor(shell, program);
    const written = flags.filter((flag) =>
      script.includes(shell === 'fish' ? `-l ${flag.slice(2)} ` : flag),
    );
    t.strictSame(written, flags, shell);
  }
});

t.test('whatever is offered says what it is', async (t) => {
  const offered = [twist, ...commands].flatMap(({ name, options }) => [
    ...commands.filter((one) => one.name === name).map(({ summary }) => [name, summary] as const),
    ...options.map(({ flags, help }) => [`${name} ${flags.join()}`, help] as const),
  ]);
  const words = firstWords.map(({ word, summary }) => [word, summary] as const);
  t.strictSame(
    [...words, ...offered].filter(([, text]) => text === ''),
    [],
  );
  t.strictSame(
    firstWords.filter(({ isParent }) => isParent).map(({ word }) => word),
    ['config'],
  );
});

t.test('what follows an option', async (t) => {
  const serve = commands.find(({ name }) => name === 'serve')!;
  const optionOf = (flag: string): object =>
    serve.options.find(({ flags }) => flags.includes(flag))!;
  t.match(optionOf('--deflate'), { flags: ['--deflate', '--no-deflate'], value: null });
  t.match(optionOf('--listen'), { isRepeatable: true, value: 'anything' });
  t.match(optionOf('-c'), { flags: ['-c', '--config'], value: 'file' });
  t.match(optionOf('--static'), { value: 'directory' });
  t.match(optionOf('--log-format'), { value: ['auto', 'json', 'pretty'] });
  t.match(optionOf('--origin'), { value: ['auto', 'any', 'same'] });
});

/** What each shell offers for the last word. */
const CASES: readonly (readonly [line: string, offered: readonly string[]])[] = [
  ['twist conv', ['convert']],
  ['twist config ', ['check', 'print']],
  ['twist serve --log-fo', ['--log-format']],
  ['twist serve --echo --log-format ', ['auto', 'json', 'pretty']],
  ['twist serve --log-level debug --no-ech', ['--no-echo', '--no-echo-controls']],
  ['twist config print --js', ['--json']],
  ['twist config check --js', []],
  ['twist help tl', ['tls']],
  ['twist convert --to p', ['pcapng']],
  ['twist convert --dir ', ['in', 'out']],
  ['twist convert --kind p', ['ping', 'pong']],
  ['twist convert --no-l', ['--no-legend']],
  ['twist completion z', ['zsh']],
];

function writeScript(t: Test, shell: (typeof SHELLS)[number]): string {
  const file = path.join(makeTempDir(t), shell);
  writeFileSync(file, completionFor(shell, program));
  return file;
}

t.test('bash', async (t) => {
  const script = writeScript(t, 'bash');
  const offer = (...words: readonly string[]): string[] => {
    const list = words.map((word) => `'${word}'`).join(' ');
    const run = `. ${script}; COMP_WORDS=(${list}) COMP_CWORD=${words.length - 1}; _twist; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['--norc', '-c', run], { encoding: 'utf8', cwd: 'docs' });
    return out.split('\n').filter((line) => line !== '');
  };
  for (const [line, offered] of CASES)
    t.strictSame(offer(...line.split(' ')).sort(), offered, line);
  t.strictSame(offer('twist', 'serve', '--log-format', '=', 'j'), ['json']);
  t.strictSame(offer('twist', 'serve', '--log-format', '='), ['auto', 'json', 'pretty']);
  t.strictSame(offer('twist', 'convert', 'refer'), ['reference.md'], 'a file');
  t.strictSame(offer('twist', 'serve', '-c', 'refer'), ['reference.md'], 'a file');
  t.strictSame(offer('twist', 'serve', '--static', 'im'), ['images'], 'a directory');
  t.strictSame(offer('twist', 'serve', '--listen', ''), [], 'nothing is known');
  t.strictSame(offer('twist', 'serve', ''), []);
  if (findCommand('shellcheck') === null) return;
  const { stdout } = spawnSync('shellcheck', [script], { encoding: 'utf8' });
  t.equal(stdout, '');
});

t.test('fish', { skip: findCommand('fish') === null && 'there is no fish' }, async (t) => {
  const script = writeScript(t, 'fish');
  for (const [line, offered] of CASES) {
    const out = execFileSync('fish', ['-N', '-c', `source ${script}; complete -C '${line}'`], {
      encoding: 'utf8',
      cwd: 'docs',
    });
    const words = out.split('\n').map((each) => each.split('\t')[0]!);
    t.strictSame(words.filter((word) => word !== '').sort(), offered, line);
  }
});

t.test('zsh', { skip: findCommand('zsh') === null && 'there is no zsh' }, async (t) => {
  const script = writeScript(t, 'zsh');
  const stub = 'compdef() { print $* };';
  const out = execFileSync('zsh', ['-f', '-c', `${stub} . ${script}; which _twist`], {
    encoding: 'utf8',
  });
  t.match(out, /^_twist twist\n_twist \(\) \{/);
});
