import t from 'tap';
import { argumentHint, commandHint, flagHint } from '../../../src/cli/help/usage-hints.js';
import { OPTIONS } from '../../../src/config/options/options.js';

const SERVE = 'twist serve';

t.test('a flag as others have it', async (t) => {
  for (const [flag, next, hint] of [
    ['--port', '9001', '; did you mean --listen 9001?'],
    ['--speed', '2', '; did you mean --replay-speed 2?'],
    ['--session', '01J', '; did you mean --replay-session 01J?'],
    ['--strict', undefined, '; did you mean --replay-strict?'],
    ['--connect-timeout', '1', '; did you mean --target-connect-timeout DURATION?'],
    ['--port=9001', '--echo', '; did you mean --listen 9001?'],
    ['--port', undefined, '; did you mean --listen PORT?'],
    ['--port', '--echo', '; did you mean --listen PORT?'],
    ['-p', '9001', '; did you mean --listen 9001?'],
    ['-p9001', '--echo', '; did you mean --listen 9001?'],
    ['--host', '0.0.0.0', '; did you mean --listen HOST:PORT?'],
    ['--bind', '0.0.0.0:80', '; did you mean --listen 0.0.0.0:80?'],
    ['--verbose', undefined, '; did you mean --log-level debug?'],
    ['--log', 'warn', '; did you mean --log-level warn?'],
    ['--web', '/usr/share/novnc', '; did you mean --static /usr/share/novnc?'],
    ['--compress', undefined, '; did you mean --deflate?'],
    ['--no-compression', undefined, '; did you mean --no-deflate?'],
    [
      '--daemon',
      undefined,
      ': twist stays in the foreground, as the user that starts it; a supervisor or a container does the rest',
    ],
    ['-v', undefined, '; did you mean --log-level debug, or twist --version?'],
    ['--version=1', undefined, '; did you mean twist --version?'],
    ['--foo', 'bar', ''],
    ['-x', undefined, ''],
    ['-data', 'a', ''],
    ['--constructor', 'a', ''],
  ] as const)
    t.equal(flagHint(OPTIONS, flag, next, SERVE), hint, flag);
});

t.test('an option of ours, written in another way', async (t) => {
  for (const [flag, next, hint] of [
    ['-echo', undefined, '; did you mean --echo?'],
    ['-listen', ':80', '; did you mean --listen :80?'],
    ['--no-tcp', undefined, '; did you mean --tcp off?'],
    ['--no-route', undefined, '; did you mean --route none?'],
    ['--no-listen', undefined, ''],
    [
      '--auth',
      'ann:secret',
      ': other users of the machine can read a command line, so set TWIST_AUTH',
    ],
  ] as const)
    t.equal(flagHint(OPTIONS, flag, next, SERVE), hint, flag);
});

t.test('a flag of serve where it is not', async (t) => {
  for (const command of ['twist', 'twist config'])
    for (const [flag, next, hint] of [
      ['--echo', undefined, '; did you mean twist serve --echo?'],
      ['--no-deflate', undefined, '; did you mean twist serve --no-deflate?'],
      ['--tcp', 'a:1', '; did you mean twist serve --tcp a:1?'],
      ['-c', 'a.json', '; did you mean twist serve --config a.json?'],
      ['--port', '80', '; did you mean twist serve --listen 80?'],
      ['-v', undefined, '; did you mean twist --version?'],
      ['-version', undefined, '; did you mean twist --version?'],
      ['--foo', undefined, ''],
    ] as const)
      t.equal(flagHint(OPTIONS, flag, next, command), hint, `${command} ${flag}`);
  t.equal(flagHint(OPTIONS, '--port', '80', 'twist convert'), '', 'which has none of them');
});

t.test('a word where a command should be', async (t) => {
  for (const [argv, hint] of [
    [['version'], '; did you mean twist --version?'],
    [['start', '--echo'], '; did you mean twist serve?'],
    [['show'], '; did you mean twist config print?'],
    [['echo'], '; did you mean twist serve --echo?'],
    [['tcp', 'a:1'], '; did you mean twist serve --tcp a:1?'],
    [['8080', 'a:1'], '; did you mean twist serve --listen 8080 --tcp a:1?'],
    [['8080'], '; did you mean twist serve --listen 8080?'],
    [['a:1'], '; did you mean twist serve --tcp a:1, or --listen a:1?'],
    [['limits'], '; did you mean twist help limits?'],
    [['foo'], ''],
    [['constructor'], ''],
  ] as const)
    t.equal(commandHint(OPTIONS, argv[0], argv), hint, argv.join(' '));
});

t.test('a word where only options are', async (t) => {
  for (const [words, before, hasMode, hint] of [
    [['9001'], [], false, '; did you mean --listen 9001?'],
    [['a:1'], [], true, '; did you mean --listen a:1?'],
    [['a:1'], [], false, '; did you mean --tcp a:1, or --listen a:1?'],
    [['0.0.0.0:80'], [], false, '; did you mean --listen 0.0.0.0:80?'],
    [['[::]:80'], [], false, '; did you mean --listen [::]:80?'],
    [['unix:/a'], [], true, '; did you mean --listen unix:/a?'],
    [[':80', 'a:1'], [], false, '; did you mean --listen :80 --tcp a:1?'],
    [['true'], ['--echo'], true, ': --echo takes no value'],
    [['off'], ['--deflate'], true, '; did you mean --no-deflate?'],
    [['off'], ['--tcp'], true, ''],
    [['echo'], ['--deflate'], false, '; did you mean --echo?'],
    [['foo'], [], false, ''],
    [[], [], false, ''],
  ] as const)
    t.equal(
      argumentHint(OPTIONS, words, ['serve', ...before, ...words], hasMode),
      hint,
      [...before, ...words].join(' '),
    );
});
