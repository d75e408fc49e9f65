import t from 'tap';
import { wordsOfServer } from '../../../src/cli/healthcheck/server-words.js';
import { ConfigError } from '../../../src/errors.js';

t.test('what stands behind serve, whatever stands before it', (t) => {
  const cases: readonly (readonly [started: readonly string[], words: readonly string[]])[] = [
    [
      ['node', '/opt/twist.cjs', 'serve', '--tcp', 'db:5900'],
      ['--tcp', 'db:5900'],
    ],
    [
      ['/dev/init', '--', 'twist', 'serve', '--echo', ''],
      ['--echo', ''],
    ],
    [['twist', 'serve'], []],
    [['sleep', 'infinity'], []],
    [[], []],
  ];
  for (const [started, words] of cases) {
    const readFile = (path: string): string => {
      t.equal(path, '/proc/17/cmdline');
      return started.map((word) => `${word}\0`).join('');
    };
    t.strictSame(wordsOfServer('17', readFile), words, started.join(' '));
  }
  t.end();
});

t.test('what is no process', (t) => {
  const missing = (): never => {
    throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
  };
  for (const [pid, clause] of [
    ['x', 'give the number of a process'],
    ['0', 'give the number of a process'],
    ['99', 'there is no such process'],
  ] as const) {
    const message = `--pid cannot be "${pid}": ${clause}`;
    t.throws(() => wordsOfServer(pid, missing), new ConfigError(message, { source: 'flag' }));
  }
  t.end();
});
