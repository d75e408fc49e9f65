import t from 'tap';
import { HandshakeError } from '../../../src/errors.js';
import { allowed } from '../../../src/modes/echo-controls/allowed.js';
import {
  CONTROLS,
  CONTROL_NAMES,
  type ControlName,
  controlOf,
  isControlName,
} from '../../../src/modes/echo-controls/controls.js';
import { parseControls } from '../../../src/modes/echo-controls/parse-controls.js';
import { BREAK_NAMES, brokenRule } from '../../../src/protocol/break/broken-rules.js';

/** What a query that is refused is told. */
function refusal(query: string): HandshakeError {
  try {
    parseControls(query);
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
  throw new Error(`${query} is taken`);
}

t.test('the table: words, limits and an example that is read', async (t) => {
  for (const name of CONTROL_NAMES) {
    const { does, example, valueName, value } = controlOf(name);
    t.match(does, /^[\x20-\x7e]*[^.]$/, name);
    t.equal(valueName === '', value.kind === 'none', name);
    t.ok(
      example.split('&').some((part) => part.split('=')[0] === name),
      name,
    );
    if (name === 'reject') t.match(refusal(example), { rule: 'echo-reject', status: 503 });
    // What has no effect alone has an example in another one.
    else if (name === 'reason' || name === 'after')
      t.ok(CONTROL_NAMES.some((other) => controlOf(other).example.includes(`&${name}=`)));
    else t.match(parseControls(example), { names: [/./] }, example);
  }
  t.ok(isControlName('delay'));
  t.notOk(isControlName('constructor'));
  t.equal(controlOf('burst'), CONTROLS.burst);
});

t.test('what a query asks for', async (t) => {
  const NOTHING = {
    names: [],
    delayMs: 0,
    jitterMs: 0,
    throttle: 0,
    fragment: 0,
    burst: 1,
    isMute: false,
    greeting: null,
    hasInfo: false,
    pingMs: 0,
    withholdsPongs: false,
    ending: null,
    after: 0,
  };
  const cases: readonly [query: string, controls: object][] = [
    ['delay=200ms&jitter=50ms', { delayMs: 200, jitterMs: 50 }],
    ['throttle=64k&fragment=1024', { throttle: 65_536, fragment: 1024 }],
    ['burst=100', { burst: 100 }],
    ['mute&no-pong', { isMute: true, withholdsPongs: true }],
    ['mute=', { isMute: true }],
    ['ping=1s', { pingMs: 1000 }],
    ['info', { hasInfo: true }],
    ['greeting', { greeting: 'hello' }],
    ['greeting=gr%C3%BC%C3%9Fe+dich', { greeting: 'grüße dich' }],
    ['close', { ending: { kind: 'close', code: 1005, reason: '' } }],
    [
      'close=1008&reason=x&after=3',
      { ending: { kind: 'close', code: 1008, reason: 'x' }, after: 3 },
    ],
    ['close=4999', { ending: { kind: 'close', code: 4999, reason: '' } }],
    ['reset&after=3', { ending: { kind: 'reset' }, after: 3 }],
    ['end', { ending: { kind: 'end' } }],
    ['break=bomb&after=1000000', { ending: { kind: 'break', rule: 'bomb' }, after: 1_000_000 }],
    ['token=abc&delay=1ms&v=2', { delayMs: 1 }],
    ['delay=1m', { delayMs: 60_000 }],
    ['throttle=1g', { throttle: 2 ** 30 }],
    ['fragment=16m', { fragment: 2 ** 24 }],
    ['burst=1000', { burst: 1000 }],
    ['ping=10ms', { pingMs: 10 }],
    [`close=1000&reason=${'r'.repeat(123)}`, {}],
    [`greeting=${'g'.repeat(1000)}`, {}],
  ];
  for (const [query, expected] of cases) {
    const controls = parseControls(query)!;
    if (Object.keys(expected).length === 0) t.ok(controls, query);
    else t.match({ ...controls, names: [] }, { ...NOTHING, ...expected }, query);
  }
});

t.test('queries without a control', async (t) => {
  for (const query of ['', 'token=abc', 'id=1&user=me', 'access_token=x', '%', '&&=', 'room=end'])
    t.equal(parseControls(query), null, query);
});

t.test('the log has names and values, but no texts', async (t) => {
  const { names } = parseControls('delay=200ms&greeting=secret&info&close=1008&reason=secret')!;
  t.strictSame(names, ['delay=200ms', 'greeting', 'info', 'close=1008', 'reason']);
});

t.test(
  'a value that is none: one sentence with the name, the value and what is allowed',
  async (t) => {
    const DURATION = 'give a duration from 1ms to 1m, such as';
    const cases: readonly [query: string, text: string][] = [
      ['delay=2', `the control delay cannot be "2": ${DURATION} delay=200ms`],
      ['delay=0ms', `the control delay cannot be "0ms": ${DURATION} delay=200ms`],
      ['delay=61s', `the control delay cannot be "61s": ${DURATION} delay=200ms`],
      ['delay', `the control delay cannot be "": ${DURATION} delay=200ms`],
      [
        'throttle=0',
        'the control throttle cannot be "0": give a number of bytes from 1 to 1g, such as throttle=64k',
      ],
      [
        'throttle=2g',
        'the control throttle cannot be "2g": give a number of bytes from 1 to 1g, such as throttle=64k',
      ],
      [
        'fragment=17m',
        'the control fragment cannot be "17m": give a number of bytes from 1 to 16m, such as fragment=1024',
      ],
      ['burst=0', 'the control burst cannot be "0": give a number from 1 to 1000'],
      ['burst=1e2', 'the control burst cannot be "1e2": give a number from 1 to 1000'],
      [
        'after=1000001&close',
        'the control after cannot be "1000001": give a number from 0 to 1000000',
      ],
      [
        'ping=5ms',
        'the control ping cannot be "5ms": give a duration from 10ms to 1h, such as ping=1s',
      ],
      ['mute=1', 'the control mute cannot be "1": it has no value, give mute alone'],
      ['close=1006', `the control close cannot be "1006": ${allowed('close')}`],
      ['close=9', `the control close cannot be "9": ${allowed('close')}`],
      ['close=1&reason=x', `the control close cannot be "1": ${allowed('close')}`],
      ['reject=302', 'the control reject cannot be "302": give 200 or a status from 400 to 599'],
      ['reject=600', 'the control reject cannot be "600": give 200 or a status from 400 to 599'],
      ['reject', 'the control reject cannot be "": give 200 or a status from 400 to 599'],
      ['close=1000&reason=', 'the control reason cannot be "": give 1 to 123 bytes of text'],
      ['break=bom', `the control break cannot be "bom": ${allowed('break')}; did you mean bomb?`],
      ['break=zzzzzz', `the control break cannot be "zzzzzz": ${allowed('break')}`],
      ['delay=%C3%A9%00', `the control delay cannot be "\\u00e9\\u0000": ${DURATION} delay=200ms`],
      ['delay=<b>"', `the control delay cannot be "<b>\\"": ${DURATION} delay=200ms`],
      [
        `delay=${'9'.repeat(50)}`,
        `the control delay cannot be "${'9'.repeat(40)}...": ${DURATION} delay=200ms`,
      ],
      ['mute&mute', 'the control mute is given more than once: give it once'],
    ];
    for (const [query, text] of cases) {
      t.match(refusal(query), { rule: 'echo-control', status: 400, message: text }, query);
      t.match(text, /^[\x20-\x7e]*$/);
    }
    t.match(refusal(`close=1000&reason=${'r'.repeat(124)}`), {
      message: /: give 1 to 123 bytes of text$/,
    });
    t.match(refusal(`greeting=${'%C3%A9'.repeat(501)}`), {
      message: /: give at most 1000 bytes of text$/,
    });
    t.strictSame(refusal('mute=1').headers, { 'X-Content-Type-Options': 'nosniff' });
  },
);

t.test('what is close to a control is not left alone', async (t) => {
  const cases: readonly [query: string, name: ControlName][] = [
    ['Delay=1s', 'delay'],
    ['dealy=1s', 'delay'],
    ['no_pong', 'no-pong'],
    ['nopong', 'no-pong'],
    ['thorttle=1', 'throttle'],
    ['fragments=1', 'fragment'],
  ];
  for (const [query, name] of cases) {
    const given = query.split('=')[0]!;
    const text = `there is no control "${given}"; did you mean ${name}? The controls are ${CONTROL_NAMES.join(', ')}`;
    t.match(refusal(query), { rule: 'echo-control', message: text }, query);
  }
});

t.test('what contradicts, and what has no effect', async (t) => {
  const cases: readonly [query: string, text: RegExp][] = [
    ['close&reset', /^the controls close and reset contradict each other: give one of them$/],
    ['end&break=bomb&close', /^the controls close and end and break contradict/],
    ['mute&delay=1s', /^the controls mute and delay contradict/],
    ['mute&burst=2', /^the controls mute and burst contradict/],
    ['reject=503&delay=1s', /^the controls reject and delay contradict/],
    ['reject=503&after=1&close', /^the controls reject and close contradict/],
    [
      'reason=x',
      /^the control reason has no effect without a close code: give close=CODE beside it$/,
    ],
    ['close&reason=x', /^the control reason has no effect/],
    [
      'after=3',
      /^the control after has no effect alone: give one of close, reset, end, break beside it$/,
    ],
    [
      'break=wrong-accept&after=1',
      /^the control after has no effect on break=wrong-accept, which happens in the handshake: leave it out$/,
    ],
    ['break=no-close&after=1', /, which happens when the client closes: leave it out$/],
  ];
  for (const [query, text] of cases) t.match(refusal(query), { status: 400, message: text }, query);
});

t.test('each status has a control that refuses with it', async (t) => {
  for (const status of [200, 400, 401, 404, 418, 503, 599])
    t.match(refusal(`reject=${status}`), { rule: 'echo-reject', status });
});

t.test('each rule', async (t) => {
  for (const name of BREAK_NAMES) {
    const controls = parseControls(`break=${name}`);
    t.match(controls?.ending, { kind: 'break', rule: name });
    if (brokenRule(name).when === 'messages')
      t.equal(parseControls(`break=${name}&after=7`)?.after, 7);
  }
});
