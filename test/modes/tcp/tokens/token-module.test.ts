import { once } from 'node:events';
import t, { type Test } from 'tap';
import { ConfigError, HandshakeError } from '../../../../src/errors.js';
import type { UpgradeRequest } from '../../../../src/handshake/request.js';
import type { Files } from '../../../../src/modes/built-in.js';
import {
  TokenModule,
  type TokenRequest,
  isTokenModule,
} from '../../../../src/modes/tcp/tokens/token-module.js';
import { TOKEN_IN_QUERY } from '../../../../src/modes/tcp/tokens/token-place.js';
import { parseTarget } from '../../../../src/net/socket-address.js';
import { answerTo, upgradeText } from '../../../fixtures/handshake.js';
import { KeptLog } from '../../../fixtures/kept-log.js';
import { within } from '../../../fixtures/within.js';

const PEER = { remoteAddress: '192.0.2.1', remotePort: 7 };
const NOBODY_LEAVES = new AbortController().signal;
const LONG_MS = 60_000;

interface Given {
  readonly files?: Partial<Files>;
  readonly timeoutMs?: number;
}

const log = new KeptLog();

async function load(
  module: unknown,
  { files = {}, timeoutMs = LONG_MS }: Given = {},
): Promise<TokenModule> {
  return await TokenModule.load(
    {
      path: 'tokens.mjs',
      files: { readFile: () => 'source', importFile: () => Promise.resolve(module), ...files },
      parseTarget,
      place: TOKEN_IN_QUERY,
      timeoutMs,
      log,
    },
    (clause) => {
      throw new Error(clause);
    },
  );
}

const requestOf = (t: Test, target = '/vnc?token=desk-7', headers = {}): UpgradeRequest =>
  answerTo(t, upgradeText(headers, `GET ${target} HTTP/1.1`)).request!;

/** What a `findTarget` comes to: the target, or the rule and reason, or the error. */
async function outcome(t: Test, findTarget: unknown, given: Given = {}): Promise<string> {
  const module = await load({ findTarget }, given);
  try {
    return (await module.findTarget(requestOf(t), PEER, NOBODY_LEAVES)).text;
  } catch (error) {
    if (!(error instanceof HandshakeError)) return `error: ${(error as Error).message}`;
    return `${error.rule}: ${String(error.notes['reason'])}`;
  }
}

t.test('which files are modules', async (t) => {
  for (const path of ['tokens.mjs', './a/tokens.js', 'tokens.cjs', 'TOKENS.MJS'])
    t.ok(isTokenModule(path), path);
  for (const path of ['tokens', 'tokens.json', 'tokens.txt', 'mjs', 'tokens.mjs.d', 'tokens.ts'])
    t.notOk(isTokenModule(path), path);
});

t.test('what a module is told of a request', async (t) => {
  const seen: TokenRequest[] = [];
  const module = await load({
    findTarget: (request: TokenRequest) => {
      seen.push(request);
      return 'localhost:5900';
    },
  });
  const request = requestOf(t, '/vnc?a=b&token=desk%207', {
    Host: 'desk.example.com:80',
    Cookie: ['a=1', 'b=2'],
    'X-Room': ['1', '2'],
    __proto__x: 'p',
    constructor: 'c',
    Authorization: 'Bearer abc',
  });
  const target = await module.findTarget(request, PEER, NOBODY_LEAVES);
  t.strictSame(target, { kind: 'tcp', host: 'localhost', port: 5900, text: 'localhost:5900' });
  const [told] = seen;
  t.match(told, {
    token: 'desk 7',
    path: '/vnc',
    query: 'a=b&token=desk%207',
    host: 'desk.example.com:80',
    remoteAddress: '192.0.2.1',
    tls: null,
    signal: AbortSignal,
  });
  const { headers } = told!;
  t.equal(headers['cookie'], 'a=1; b=2');
  t.equal(headers['x-room'], '1, 2');
  t.equal(headers['authorization'], 'Bearer abc');
  t.equal(headers['constructor'], 'c');
  t.notOk('toString' in headers, 'nothing is inherited');
  t.ok(Object.isFrozen(told) && Object.isFrozen(headers));
  await module.findTarget(requestOf(t, '/'), PEER, NOBODY_LEAVES);
  t.equal(seen[1]!.token, null);
  t.notOk(told!.signal.aborted);
});

t.test('what it may give', async (t) => {
  for (const [answer, target] of [
    ['localhost:5900', 'localhost:5900'],
    ['[::1]:5900', '[::1]:5900'],
    ['tls://a.example:1', 'tls://a.example:1'],
    ['unix:/run/x.sock', 'unix:/run/x.sock'],
  ] as const) {
    t.equal(await outcome(t, () => answer), target);
    t.equal(await outcome(t, async () => answer), target);
    t.equal(
      await outcome(t, () => ({
        then: (done: (value: unknown) => void) => {
          done(answer);
          done('x:1');
        },
      })),
      target,
      'a thenable, once',
    );
  }
  for (const nothing of [null, undefined]) {
    t.equal(await outcome(t, () => nothing), 'route: findTarget knows no target');
    t.equal(await outcome(t, async () => nothing), 'route: findTarget knows no target');
  }
});

t.test('what is no target is an internal error, and not quoted', async (t) => {
  const form = 'which is not host:port, tls://host:port or unix:PATH';
  for (const [answer, what] of [
    ['desk-7', 'a text of 6 characters'],
    ['', 'a text of 0 characters'],
    [`${'a'.repeat(1_000_000)}:1`, 'a text of 1000002 characters'],
    ['localhost:0', 'a text of 11 characters'],
    ['x', 'a text of 1 character'],
    ['http://localhost:1', 'a text of 18 characters'],
    [5900, 'a number'],
    [true, 'a boolean'],
    [{ host: 'localhost', port: 1 }, 'an object of Object'],
    [['localhost:1'], 'an object of Array'],
    [() => 1, 'a function'],
    [Symbol('s'), 'a symbol'],
    [
      new Proxy(
        {},
        {
          get: (_, name) => {
            if (name === 'then') return undefined;
            throw new Error('no');
          },
        },
      ),
      'an object',
    ],
  ] as const)
    t.equal(await outcome(t, () => answer), `internal: findTarget gave ${what}, ${form}`);
});

t.test('what it throws', async (t) => {
  const failing =
    (error: unknown): (() => never) =>
    () => {
      throw error;
    };
  t.equal(await outcome(t, failing(new Error('no database'))), 'error: no database');
  t.equal(await outcome(t, async () => failing(new Error('no database'))()), 'error: no database');
  t.equal(await outcome(t, failing('a text')), 'error: thrown: a text');
  t.equal(await outcome(t, failing(null)), 'error: thrown: null');
  t.match(
    await outcome(t, () => ({
      get then() {
        throw new Error('a getter');
      },
    })),
    'error: a getter',
  );
  const refusal = { name: 'HandshakeError', rule: 'unauthorized', notes: { reason: 'expired' } };
  t.equal(
    await outcome(t, failing(Object.assign(new Error('x'), refusal))),
    'unauthorized: expired',
  );
  t.equal(await outcome(t, failing(new HandshakeError('address'))), 'address: undefined');
  for (const rule of ['internal', 'nonsense', 5])
    t.match(
      await outcome(t, failing(Object.assign(new Error('x desk-7'), refusal, { rule }))),
      'error: x [hidden:6]',
    );
});

t.test('what it throws has nothing of the request in it', async (t) => {
  const secrets = [
    'desk-7',
    'opensesame',
    'Bearer opensesame',
    'sessionid',
    'in-the-path',
    'p%20q%20r',
    'p q r s',
  ];
  const module = await load({
    findTarget: () => {
      const cause = new Error(`because of ${secrets.join(' ')}`);
      const error = new Error(`not for ${secrets.join(' and ')}, nor $& $1`, { cause });
      throw Object.assign(error, {
        code: 'EAUTH',
        token: 'desk-7',
        status: 7,
        request: { deep: 'desk-7' },
        none: null,
      });
    },
  });
  const request = requestOf(t, '/in-the-path?token=desk-7&x=p%20q%20r%20s', {
    Authorization: 'Bearer opensesame',
    Cookie: 'sid=sessionid; a=b',
    'User-Agent': 'not for everybody',
  });
  const error = await module.findTarget(request, PEER, NOBODY_LEAVES).then(
    () => null,
    (thrown: unknown) => thrown as Error & Record<string, unknown>,
  );
  t.match(error, { code: 'EAUTH', status: 7, token: '[hidden:6]', none: null });
  t.match(error!.message, /^not for \[hidden:6\] and \[hidden:10\] and .*, nor \$& \$1$/);
  t.match(error!.stack, /token-module\.test\.ts/);
  const all = JSON.stringify([
    error!.message,
    error!.stack,
    Object.entries(error!),
    (error!.cause as Error).message,
    (error!.cause as Error).stack,
  ]);
  for (const secret of ['desk-7', 'opensesame', 'sessionid', 'in-the-path', 'p q r s'])
    t.notMatch(all, secret);
  t.equal('request' in error!, false);
});

t.test('of a request that is all secrets nothing is shown', async (t) => {
  const message = 'x'.repeat(8000);
  const module = await load({
    findTarget: () => {
      throw new TypeError(message);
    },
  });
  const pieces = Array.from({ length: 600 }, (_, index) => `piece${index}`);
  const request = requestOf(t, '/', { Cookie: pieces.join(';') });
  const thrown: unknown = await module
    .findTarget(request, PEER, NOBODY_LEAVES)
    .catch((error: unknown) => error);
  t.match(thrown, { message: '[hidden:8000]', stack: /^\[hidden:\d+\]$/ });
});

t.test('a module that never answers: 504, and it is told to stop', async (t) => {
  let told: TokenRequest | null = null;
  const never = (request: TokenRequest): Promise<never> => {
    told = request;
    return new Promise(() => undefined);
  };
  t.equal(
    await outcome(t, never, { timeoutMs: 20 }),
    'target-timeout: findTarget gave no target within 20 ms',
  );
  t.ok(told!.signal.aborted);
  t.match(told!.signal.reason, { rule: 'target-timeout' });
});

t.test('what comes after the deadline is heard by nobody', async (t) => {
  for (const end of ['resolve', 'reject', 'own error'] as const) {
    let settle = (): void => undefined;
    const late = (request: TokenRequest): Promise<string> =>
      new Promise((resolve, reject) => {
        settle = () => {
          if (end === 'resolve') resolve('localhost:1');
          else reject(new Error('late'));
        };
        // As a fetch with the signal does.
        if (end === 'own error')
          request.signal.addEventListener('abort', () => {
            reject(new Error('aborted'));
          });
      });
    t.match(await outcome(t, late, { timeoutMs: 20 }), /^target-timeout/);
    settle();
    // An unhandled rejection would fail the test.
    await new Promise((resolve) => setImmediate(resolve));
  }
});

t.test('a client that leaves: the module is told, and nobody waits', async (t) => {
  let told: TokenRequest | null = null;
  const module = await load({
    findTarget: (request: TokenRequest) => {
      told = request;
      return new Promise(() => undefined);
    },
  });
  const leaving = new AbortController();
  const asked = module.findTarget(requestOf(t), PEER, leaving.signal);
  const aborted = once(told!.signal, 'abort');
  leaving.abort(new Error('left'));
  await t.rejects(within(asked, 'the end'), { message: 'left' });
  await within(aborted, 'the signal');
  await t.rejects(module.findTarget(requestOf(t), PEER, leaving.signal), { message: 'left' });
});

t.test('a listener of its signal that fails is told, and ends nothing', async (t) => {
  const failing = ({ signal, token }: TokenRequest): Promise<never> => {
    signal.addEventListener('abort', () => {
      throw new Error(`at once, for ${String(token)}`);
    });
    const later = (): unknown => Promise.reject(new Error('later'));
    signal.addEventListener('abort', later);
    return new Promise(() => undefined);
  };
  t.match(await outcome(t, failing, { timeoutMs: 20 }), /^target-timeout/);
  await new Promise((resolve) => setImmediate(resolve));
  t.match(log.find('a listener of the signal of findTarget failed'), [
    { level: 'error', fields: { err: { message: 'at once, for [hidden:6]' } } },
    { level: 'error', fields: { err: { message: 'later' } } },
  ]);
});

t.test('once it has answered its signal stays quiet', async (t) => {
  let told: TokenRequest | null = null;
  const module = await load(
    {
      findTarget: (request: TokenRequest) => {
        told = request;
        return 'localhost:1';
      },
    },
    { timeoutMs: 20 },
  );
  const leaving = new AbortController();
  await module.findTarget(requestOf(t), PEER, leaving.signal);
  leaving.abort();
  await new Promise((resolve) => setTimeout(resolve, 60));
  t.notOk(told!.signal.aborted);
});

t.test('what a module exports', async (t) => {
  const found = async (module: unknown): Promise<string> =>
    (await (await load(module)).findTarget(requestOf(t), PEER, NOBODY_LEAVES)).text;
  const findTarget = (): string => 'localhost:1';
  t.equal(await found({ findTarget }), 'localhost:1');
  t.equal(await found({ default: { findTarget } }), 'localhost:1', 'CommonJS');
  t.equal(await found({ default: { __esModule: true, default: { findTarget } } }), 'localhost:1');
  const self = {
    target: 'b:2',
    findTarget() {
      return this.target;
    },
  };
  t.equal(await found({ default: self }), 'b:2', 'a method has its object');
  const lacking = /^it does not export findTarget; write export async function findTarget/;
  for (const module of [{}, { default: findTarget }, null, { default: null }])
    await t.rejects(load(module), { message: lacking });
  await t.rejects(load({ findTarget: 'localhost:1' }), {
    message: 'its findTarget must be a function, not "localhost:1"',
  });
  await t.rejects(
    load({
      get findTarget(): never {
        throw new Error('no');
      },
    }),
    { message: lacking },
  );
});

t.test('a module that cannot be loaded', async (t) => {
  const missing = Object.assign(new Error('x'), { code: 'ENOENT' });
  await t.rejects(
    load(
      {},
      {
        files: {
          readFile: () => {
            throw missing;
          },
        },
      },
    ),
    { message: 'there is no such file' },
  );
  await t.rejects(
    load({}, { files: { importFile: () => Promise.reject(new TypeError('no x')) } }),
    {
      message: 'it cannot be loaded: TypeError: no x',
    },
  );
});

t.test('code is not read again', async (t) => {
  let source: string | null = 'one';
  const readFile = (): string => {
    if (source === null) throw new Error('gone');
    return source;
  };
  const module = await load({ findTarget: () => null }, { files: { readFile } });
  t.equal(await module.reload(), null, 'nothing has changed');
  for (const changed of ['two', null]) {
    source = changed;
    await t.rejects(
      module.reload(),
      new ConfigError(
        'tokens.mjs has changed, and code is loaded at the start only: restart twist',
      ),
    );
  }
  source = 'one';
  t.equal(await module.reload(), null, 'it is what runs');
});

t.test('a module that is prepared again is still the code that was loaded first', async (t) => {
  let source = 'one';
  const files: Files = {
    readFile: () => source,
    importFile: () => Promise.resolve({ findTarget: () => null }),
  };
  const options = {
    path: 'tokens.mjs',
    files,
    parseTarget,
    place: TOKEN_IN_QUERY,
    timeoutMs: 1,
    log,
  };
  const refuse = (clause: string): never => {
    throw new Error(clause);
  };
  await TokenModule.load(options, refuse);
  source = 'two';
  const again = await TokenModule.load(options, refuse);
  await t.rejects(again.reload(), { name: 'ConfigError' });
  const other = await TokenModule.load({ ...options, path: 'other.mjs' }, refuse);
  t.equal(await other.reload(), null);
});

t.test('requests do not wait for each other', async (t) => {
  const module = await load({
    findTarget: ({ token }: TokenRequest) =>
      token === 'slow' ? new Promise(() => undefined) : 'localhost:1',
  });
  const stop = new AbortController();
  const slow = module.findTarget(requestOf(t, '/?token=slow'), PEER, stop.signal);
  const quick = await module.findTarget(requestOf(t, '/?token=quick'), PEER, NOBODY_LEAVES);
  t.equal(quick.text, 'localhost:1');
  stop.abort();
  await t.rejects(slow);
});
