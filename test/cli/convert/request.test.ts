import t from 'tap';
import type { ConvertFlags } from '../../../src/cli/convert/options.js';
import { convertRequest, type ConvertRequest } from '../../../src/cli/convert/request.js';
import { ConfigError } from '../../../src/errors.js';

const NOW_MS = Date.parse('2026-01-31T12:00:00.500Z');

const request = (flags: ConvertFlags, inputs = ['a'], isTerminal = false): ConvertRequest =>
  convertRequest(inputs, flags, NOW_MS, isTerminal);

t.test('without flags: everything, as text, to standard output', async (t) => {
  t.match(request({}), {
    inputs: ['a'],
    format: { name: 'text' },
    out: null,
    isFollowing: false,
    filters: null,
  });
});

t.test('the format, by its name or that of the output', async (t) => {
  for (const [to, out, name] of [
    [undefined, 'a.har', 'har'],
    [undefined, 'A.HAR', 'har'],
    [undefined, 'a.pcapng', 'pcapng'],
    [undefined, 'a.ndjson', 'ndjson'],
    [undefined, 'a.jsonl', 'ndjson'],
    [undefined, 'a.txt', 'text'],
    [undefined, 'a.js', 'novnc'],
    [undefined, 'a', 'text'],
    [undefined, 'a.b/c', 'text'],
    ['text', 'a.json', 'text'],
    [undefined, '-', 'text'],
    ['har', undefined, 'har'],
    ['har', 'a.txt', 'har'],
    ['pcapng', '-', 'pcapng'],
  ] as const) {
    const { format } = request({ ...(to && { to }), ...(out && { out }) });
    t.equal(format.name, name, `${String(to)} ${String(out)}`);
  }
  t.equal(request({ out: '-' }).out, null);
  t.equal(request({ out: 'a.har' }).out, 'a.har');
});

t.test('how text looks', async (t) => {
  t.match(request({}), { isFull: false, times: 'clock', color: 'auto' });
  const flags = { full: true, time: 'delta', color: 'never' };
  t.match(request(flags), { isFull: true, times: 'delta', color: 'never' });
});

t.test('following', async (t) => {
  t.equal(request({ follow: true }).isFollowing, true);
  t.equal(request({ follow: true }, ['-', 'a']).isFollowing, true);
});

t.test('filters', async (t) => {
  const none = {
    ...{ session: null, path: null, sinceTime: null, untilTime: null, maxMessages: null },
    ...{ direction: null, kinds: null, minLength: null, maxLength: null, payload: null },
  };
  for (const [flags, filters] of [
    [{ session: '#12' }, { session: '12' }],
    [{ session: '01JB' }, { session: '01JB' }],
    [{ path: '/chat' }, { path: '/chat' }],
    [{ path: '/chat*' }, { path: '/chat*' }],
    [{ path: '*' }, { path: '*' }],
    [{ limit: '10' }, { maxMessages: 10 }],
    [{ dir: 'in' }, { direction: 'in' }],
    [{ dir: 'out' }, { direction: 'out' }],
    [{ kind: 'text' }, { kinds: new Set(['text']) }],
    [{ kind: 'ping, pong,end' }, { kinds: new Set(['ping', 'pong', 'end']) }],
    [{ minSize: '64k' }, { minLength: 65_536 }],
    [{ maxSize: '0' }, { maxLength: 0 }],
    [
      { minSize: '5', maxSize: '5' },
      { minLength: 5, maxLength: 5 },
    ],
    [{ grep: 'a+b' }, { payload: /a+b/ }],
    [{ grep: 'a+b', ignoreCase: true }, { payload: /a+b/i }],
    [{ text: 'a+b' }, { payload: /a\+b/ }],
    [{ text: 'a+b', ignoreCase: true }, { payload: /a\+b/i }],
  ] as const) {
    t.same(request(flags).filters, { ...none, ...filters });
  }
  const now = NOW_MS / 1000;
  for (const [since, time] of [
    ['10m', now - 600],
    ['500ms', now - 0.5],
    ['2026-01-31T12:00:00.500Z', now],
    ['2026-01-31T12:00:00.500', now],
    ['2026-01-31 12:00', now - 0.5],
    ['2026-01-31T13:00:00+01:00', now - 0.5],
    ['2026-01-31', now - 12 * 3600 - 0.5],
  ] as const) {
    t.same(request({ since }).filters, { ...none, sinceTime: time }, since);
    t.same(request({ until: since }).filters, { ...none, untilTime: time }, since);
  }
});

t.test('what is wrong is said in one sentence', async (t) => {
  const time = 'give a time such as 2026-01-31T12:00:00Z, or a duration such as 10m';
  const session = 'give the id of a session, a part of it, or its number';
  const kinds =
    'give some of text, binary, ping, pong, close, frame, count, target, open, end, gap';
  const size = 'give a number of bytes, such as 125, 64k or 16m';
  const path = 'give a path without query, such as /chat or /chat*';
  for (const [flags, inputs, sentence] of [
    [{}, [], 'name a recording, or - for standard input; see twist convert --help'],
    [{}, ['-', 'a', '-'], 'standard input (-) can only be read once'],
    [
      { follow: true },
      ['a', '-'],
      '--follow needs a file: standard input is read until it ends anyway',
    ],
    [{ out: '' }, ['a'], '--out cannot be "": give the path of a file, or -'],
    [{ to: 'xml' }, ['a'], '--to cannot be "xml": give text, ndjson, har, pcapng or novnc'],
    [{ session: '' }, ['a'], `--session cannot be "": ${session}`],
    [{ session: 'a*' }, ['a'], `--session cannot be "a*": ${session}`],
    [{ path: 'chat' }, ['a'], `--path cannot be "chat": ${path}`],
    [{ path: '/chat?x' }, ['a'], `--path cannot be "/chat?x": ${path}`],
    [{ since: 'yesterday' }, ['a'], `--since cannot be "yesterday": ${time}`],
    [{ since: '2026-13-01' }, ['a'], `--since cannot be "2026-13-01": ${time}`],
    [{ since: '10' }, ['a'], `--since cannot be "10": ${time}`],
    [{ until: '10' }, ['a'], `--until cannot be "10": ${time}`],
    [{ limit: '0' }, ['a'], '--limit cannot be "0": give a whole number from 1 on'],
    [{ limit: 'x' }, ['a'], '--limit cannot be "x": give a whole number from 1 on'],
    [{ time: 'x' }, ['a'], '--time cannot be "x": give clock, relative or delta'],
    [{ color: 'x' }, ['a'], '--color cannot be "x": give auto, always or never'],
    [
      { out: 'a.json' },
      ['a'],
      '--out cannot be "a.json": its ending tells no format; give --to text, ndjson, har, pcapng or novnc',
    ],
    [{ dir: 'both' }, ['a'], '--dir cannot be "both": give in or out'],
    [{ kind: 'message' }, ['a'], `--kind cannot be "message": ${kinds}`],
    [{ kind: 'text,' }, ['a'], `--kind cannot be "text,": ${kinds}`],
    [{ minSize: '64K' }, ['a'], `--min-size cannot be "64K": ${size}`],
    [{ maxSize: '-1' }, ['a'], `--max-size cannot be "-1": ${size}`],
    [
      { minSize: '2k', maxSize: '1k' },
      ['a'],
      '--min-size cannot be "2k": --max-size is 1k, which is less',
    ],
    [{ text: '' }, ['a'], '--text cannot be "": give the text that messages have in them'],
    [{ text: 'a', grep: 'b' }, ['a'], 'give --text or --grep, not both'],
    [{ ignoreCase: true }, ['a'], '--ignore-case needs --text or --grep'],
    [
      { grep: '(' },
      ['a'],
      '--grep cannot be "(": it is not a regular expression (unterminated group)',
    ],
  ] as const) {
    t.throws(() => request(flags, [...inputs]), new ConfigError(sentence, { source: 'flag' }));
  }
});

t.test('binary formats are not for terminals', async (t) => {
  const error = new ConfigError('pcapng is not for a terminal: give --out FILE', {
    source: 'flag',
  });
  t.throws(() => request({ to: 'pcapng' }, ['a'], true), error);
  t.equal(request({ to: 'pcapng', out: 'a' }, ['a'], true).out, 'a');
  t.equal(request({ to: 'pcapng' }).out, null);
  t.equal(request({ to: 'har' }, ['a'], true).out, null);
});
