import t from 'tap';
import { complain, createLog } from '../../../src/cli/output/log.js';
import type { TextOutput } from '../../../src/cli/io.js';
import { fakeIo } from '../fake-io.js';
import { SECRET } from '../../fixtures/telling-requests.js';

function memory(isTTY?: boolean): TextOutput & { text: string } {
  const output = {
    text: '',
    write(text: string): void {
      output.text += text;
    },
  };
  return isTTY === undefined ? output : Object.assign(output, { isTTY });
}

t.test('JSON: one object a line, level and time as text', async (t) => {
  const output = memory();
  const log = createLog('info', 'json', output);
  log.info({ address: '127.0.0.1:9001' }, 'listening');
  log.debug('not at this level');
  log.child({ session: 7 }).error({ err: new TypeError('boom') }, 'failed');
  const [first, second, ...rest] = output.text
    .split('\n')
    .map((line) => (line === '' ? null : (JSON.parse(line) as object)));
  t.match(first, {
    level: 'info',
    time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
    address: '127.0.0.1:9001',
    msg: 'listening',
  });
  t.same(
    Object.keys(first ?? {}),
    ['level', 'time', 'address', 'msg'],
    'nothing else: no pid, no hostname',
  );
  t.match(second, {
    level: 'error',
    session: 7,
    err: { type: 'TypeError', message: 'boom', stack: /TypeError: boom\n/ },
    msg: 'failed',
  });
  t.same(rest, [null]);
});

t.test('what peers send is shown by its code, in both formats', async (t) => {
  const reason = 'a\u202eb\u200b\u009b1m\u2028';
  for (const format of ['json', 'pretty'] as const) {
    const output = memory();
    createLog('info', format, output).info({ reason, [reason]: 1 }, reason);
    t.notMatch(output.text.trimEnd(), /[^\x20-\x7e]/, format);
    t.equal(output.text.split('\\u202e').length, 4, format);
    if (format === 'json') t.match(JSON.parse(output.text), { reason, msg: reason });
  }
});

t.test('pretty: date, time, zone, level, message and fields on one line', async (t) => {
  const output = memory();
  const log = createLog('trace', 'pretty', output);
  log.info({ address: '127.0.0.1:9001' }, 'listening');
  log.error('failed');
  t.match(
    output.text,
    /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d{4} INFO: {2}listening address=127\.0\.0\.1:9001\n.* ERROR: failed\n$/,
  );
});

t.test('auto: pretty on a terminal, JSON elsewhere', async (t) => {
  for (const [isTTY, isJson] of [
    [true, false],
    [false, true],
    [undefined, true],
  ] as const) {
    const output = memory(isTTY);
    createLog('info', 'auto', output).info('x');
    t.equal(output.text.startsWith('{'), isJson, String(isTTY));
  }
});

t.test('colour', async (t) => {
  const output = memory(true);
  createLog('info', 'pretty', output, true).warn({ a: 1 }, 'careful');
  t.match(output.text, '\u001b[33mWARN\u001b[39m:');
  t.match(output.text, 'careful \u001b[2ma=\u001b[22m1');
});

t.test('silent', async (t) => {
  const output = memory();
  createLog('silent', 'json', output).fatal('x');
  t.equal(output.text, '');
});

t.test('an error that quotes a URL does not quote what is in it', async (t) => {
  for (const format of ['json', 'pretty'] as const) {
    const output = memory();
    const log = createLog('info', format, output);
    const url = `https://user:${SECRET}@h/?token=${SECRET}`;
    const cause = new Error(`cannot read ${url}`);
    const error = Object.assign(new TypeError(`boom at ${url}`, { cause }), { url, at: [url] });
    log.error({ err: error }, 'failed');
    log.error({ err: url }, 'failed');
    log.error({ err: null }, 'failed');
    t.notOk(output.text.includes(SECRET), output.text);
    t.match(output.text, /boom at https:\/\/\[hidden:30\]@h\/\?token=\[hidden:25\]/);
    t.match(output.text, /log\.test\.ts/, 'the stack is there');
  }
});

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
