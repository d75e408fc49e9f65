import t from 'tap';
import { complain } from '../../src/cli/complain.js';
import { fakeIo } from './fake-io.js';

t.test('a sentence, or a line of the log where JSON was asked for', async (t) => {
  const json = { TWIST_LOG_FORMAT: 'json' };
  for (const [argv, env, format, isJson] of [
    [['serve'], {}, null, false],
    [['serve', '--log-format', 'json'], {}, null, true],
    [['serve', '--log-format=json'], {}, null, true],
    [['serve', '--log-format', 'json', '--log-format=pretty'], {}, null, false],
    [['serve', '--log-format'], json, null, false],
    [['serve'], json, null, true],
    [['convert'], json, null, false],
    [[], json, null, false],
    [['serve'], {}, 'json', true],
    [['serve'], json, 'auto', false],
  ] as const) {
    const io = fakeIo(argv, { env });
    complain(io, 'a \u202eb', format);
    if (isJson)
      t.match(JSON.parse(io.written.err), { level: 'fatal', msg: 'a \u202eb', time: /Z$/ });
    else t.equal(io.written.err, 'twist: a \u202eb\n');
  }
});
