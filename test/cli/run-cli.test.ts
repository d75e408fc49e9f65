import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import t from 'tap';
import { OPTIONS } from '../../src/config/options/options.js';
import type { UnusedSignal } from '../../src/cli/io.js';
import { runCli, type Parts } from '../../src/cli/run-cli.js';
import { ConfigError, InvalidStateError } from '../../src/errors.js';
import type { WorkersStart } from '../../src/cli/serve/serve-workers.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { fakeIo, type FakeIo } from './fake-io.js';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly served: Parameters<Parts['serve']>[];
}

async function run(
  argv: readonly string[],
  setting: Parameters<typeof fakeIo>[1] = {},
  serve: Parts['serve'] = async () => 0,
): Promise<Outcome & { io: FakeIo }> {
  const io = fakeIo(argv, setting);
  const served: Parameters<Parts['serve']>[] = [];
  const code = await runCli(io, {
    serve: async (...given) => {
      served.push(given);
      return serve(...given);
    },
    serveWorkers: () => Promise.resolve(0),
    check: () => undefined,
  });
  return { code, ...io.written, served, io };
}

t.test('more than one worker: what they are started with', async (t) => {
  const io = fakeIo(['serve', '--echo', '--workers', '3', '-c', 'a.json'], {
    files: { 'a.json': '{"maxHead":"32k"}' },
  });
  const started: WorkersStart[] = [];
  const code = await runCli(io, {
    serve: () => Promise.reject(new Error('one process was to serve')),
    serveWorkers: (start) => {
      started.push(start);
      return Promise.resolve(5);
    },
    check: () => undefined,
  });
  t.equal(code, 5);
  t.match(started, [
    {
      workers: 3,
      flags: { echo: true, workers: '3', config: 'a.json' },
      configText: '{"maxHead":"32k"}',
      loaded: { settings: { maxHead: 32_768 } },
    },
  ]);
});

/** All but the file that the others stand in. */
const SETTINGS = Object.keys(OPTIONS).length - 1;

t.test('answers: 0', async (t) => {
  for (const argv of [[], ['--help'], ['--version'], ['config'], ['serve', '--help']]) {
    const { code, out, err } = await run(argv);
    t.equal(code, 0, argv.join(' '));
    t.equal(err, '');
    t.not(out, '');
  }
  t.equal((await run(['--version'])).out, 'twist dev\n');
});

t.test('serve gets the settings, the process and a log; its status is the status', async (t) => {
  const { code, served, io, err, out } = await run(
    ['serve', '--echo', '--max-message', '1k', '-c', 'a.json'],
    { env: { TWIST_MAX_HEADERS: '50' }, files: { 'a.json': '{"maxHead":"32k"}' } },
    async (_inputs, _io, log) => {
      log.info('running');
      return 7;
    },
  );
  t.equal(code, 7);
  t.equal(served.length, 1);
  const [[resources, given] = []] = served;
  t.same(resources?.modules, { modes: new Map(), extensions: [] });
  t.equal(resources?.makeMode({ kind: 'echo' }).name, 'echo');
  t.match(resources?.values.maxHead, { value: 32_768, source: 'file' });
  t.match(resources?.settings, { echo: true, maxMessage: 1024, maxHeaders: 50, maxHead: 32_768 });
  t.equal(given, io);
  t.match(JSON.parse(err), { level: 'info', msg: 'running' });
  t.equal(out, '');
});

t.test('a reload brings all sources together once more, and waits for no pipe', async (t) => {
  const pipe = path.join(makeTempDir(t), 'config.json');
  const argv = ['serve', '--max-message', '1k', '-c', pipe];
  const { served } = await run(argv, { files: { [pipe]: '{"echo":true}' } });
  const [[, , , loadAgain] = []] = served;
  t.match(loadAgain?.().values, { echo: { value: true }, maxMessage: { value: 1024 } });
  execFileSync('mkfifo', [pipe]);
  t.throws(() => loadAgain?.(), {
    name: 'ConfigError',
    message: `--config cannot be ${JSON.stringify(pipe)}: it is not a regular file`,
  });
});

t.test('the log is as the settings say', async (t) => {
  const talk: Parts['serve'] = async (_inputs, _io, log) => {
    log.debug('quiet');
    log.warn('loud');
    return 0;
  };
  const argv = ['serve', '--echo'];
  t.match((await run(argv, { isTTY: true }, talk)).err, '\u001b[33mWARN\u001b[39m:');
  t.match(
    (await run(argv, { isTTY: true, env: { NO_COLOR: '1' } }, talk)).err,
    /^[\d-]+ [\d:.]+ [+-]\d{4} WARN: {2}loud\n$/,
  );
  t.match(
    (await run([...argv, '--log-format', 'pretty'], {}, talk)).err,
    /^[\d-]+ [\d:.]+ [+-]\d{4} WARN: {2}loud\n$/,
  );
  t.equal((await run([...argv, '--log-level', 'silent'], {}, talk)).err, '');
  t.equal((await run([...argv, '--log-level', 'debug'], {}, talk)).err.split('\n').length, 3);
});

t.test('no mode: 2', async (t) => {
  const { code, err, served } = await run(['serve']);
  t.equal(code, 2);
  t.equal(
    err,
    'twist: choose a mode: --echo, --tcp TARGET, --token-file PATH, --mode FILE, --replay FILE, --record FILE or --route PATH=MODE; see twist serve --help\n',
  );
  t.same(served, []);
});

t.test('no mode, and why', async (t) => {
  const { code, err } = await run(['serve'], { env: { TWIST_ROUTES: '/a=echo' } });
  t.equal(code, 2);
  t.match(
    err,
    /^twist: warning: TWIST_ROUTES is not an option of twist and has no effect; did you mean TWIST_ROUTE\?\ntwist: choose a mode: /,
  );
});

t.test('wrong usage: 2, wrong configuration: 78, each in one sentence', async (t) => {
  const headers = 'give a whole number from 5 to 10000';
  const files = {
    'bad.json': '{"maxHeaders":1}',
    'broken.json': '{',
    'small.json': '{"outputLimit":"1k"}',
  };
  for (const [argv, env, code, sentence] of [
    [['serve', '--foo'], {}, 2, "unknown option '--foo'; see twist serve --help"],
    [['foo'], {}, 2, "unknown command 'foo'; see twist --help"],
    [['serve', '--echo', '--max-headers', '1'], {}, 2, `--max-headers cannot be "1": ${headers}`],
    [['config', 'check', '--max-headers', '1'], {}, 2, `--max-headers cannot be "1": ${headers}`],
    [
      ['serve', '--output-limit', '1k'],
      {},
      2,
      '--output-limit cannot be "1k": it must be at least --output-pause, which is 1m by default',
    ],
    [
      ['serve', '--echo'],
      { TWIST_MAX_HEADERS: '1' },
      78,
      `TWIST_MAX_HEADERS cannot be "1": ${headers}`,
    ],
    [
      ['serve', '--echo', '-c', 'bad.json'],
      {},
      78,
      `maxHeaders in bad.json cannot be 1: ${headers}`,
    ],
    [
      ['serve', '--echo', '-c', 'none.json'],
      {},
      78,
      '--config cannot be "none.json": there is no such file',
    ],
    [
      ['config', 'check', '-c', 'bad.json'],
      {},
      78,
      `maxHeaders in bad.json cannot be 1: ${headers}`,
    ],
    [
      ['config', 'check', '-c', 'broken.json'],
      {},
      78,
      'broken.json, line 1, column 2: expected a key in double quotes or }, not the end of the file',
    ],
    [
      ['config', 'print'],
      { TWIST_CONFIG: 'bad.json' },
      78,
      `maxHeaders in bad.json cannot be 1: ${headers}`,
    ],
    [
      ['config', 'print', '--json', '-c', 'small.json'],
      {},
      78,
      'outputLimit in small.json cannot be "1k": it must be at least outputPause, which is 1m by default',
    ],
  ] as const) {
    const { served, out, ...outcome } = await run(argv, { env, files });
    t.equal(outcome.err, `twist: ${sentence}\n`);
    t.equal(outcome.code, code, argv.join(' '));
    t.equal(out, '');
    t.same(served, []);
  }
});

t.test('a failure at run time: 1, in the log, with its stack', async (t) => {
  const { code, err } = await run(['serve', '--echo'], {}, async () => {
    throw new InvalidStateError('broken');
  });
  t.equal(code, 1);
  t.match(JSON.parse(err), {
    level: 'fatal',
    err: { message: 'broken', stack: /run-cli/ },
    msg: 'twist cannot go on',
  });
});

t.test('a configuration that turns out wrong when the server starts: 78', async (t) => {
  const { code, err } = await run(['serve', '--echo'], {}, async () => {
    throw new ConfigError('tlsCert in a.json is no certificate');
  });
  t.equal(code, 78);
  t.equal(err, 'twist: tlsCert in a.json is no certificate\n');
});

t.test('a defect of the command line itself is not taken for wrong usage', async (t) => {
  const write = (): never => {
    throw new TypeError('a defect');
  };
  const io = { ...fakeIo(['config', 'check', '--echo']), stdout: { write } };
  await t.rejects(
    runCli(io, {
      serve: async () => 0,
      serveWorkers: () => Promise.resolve(0),
      check: () => undefined,
    }),
    TypeError,
  );
});

t.test('config print', async (t) => {
  const { code, out, err } = await run(['config', 'print', '--max-message', '1m', '-c', 'a.json'], {
    files: { 'a.json': '{"pingInterval":"off"}' },
  });
  t.equal(code, 0);
  t.equal(err, '');
  t.match(out, /^OPTION +VALUE +SOURCE$/m);
  t.match(out, /^maxMessage +1m +--max-message$/m);
  t.match(out, /^pingInterval +off +a\.json$/m);
  t.match(out, /^idleTimeout +off +default$/m);
  t.match((await run(['config', 'print'], { isTTY: true })).out, '\u001b[1mOPTION');
});

t.test('config print --json is a configuration file', async (t) => {
  const { code, out } = await run(['config', 'print', '--json', '--echo', '--max-message', '1k']);
  t.equal(code, 0);
  t.match(JSON.parse(out), { echo: true, maxMessage: '1k' });
  const again = await run(['config', 'print', '--json', '-c', 'a.json'], {
    files: { 'a.json': out },
  });
  t.equal(again.out, out);
});

t.test('config check', async (t) => {
  const files = { 'a.json': '{"echo":true,"pingInterval":"off"}' };
  const { code, out } = await run(['config', 'check', '-c', 'a.json'], {
    files,
    env: { TWIST_MAX_HEAD: '32k' },
  });
  t.equal(code, 0);
  t.equal(
    out,
    `configuration is valid (${SETTINGS} settings: 1 from the environment, 2 from a.json, ${SETTINGS - 3} by default)\n`,
  );
});

t.test('config check refuses what serve would refuse', async (t) => {
  const { code, err, out } = await run(['config', 'check']);
  t.equal(code, 78);
  t.match(err, /^twist: choose a mode: [^\n]+\n$/);
  t.equal(out, '');
  const io = fakeIo(['config', 'check', '--echo']);
  const refusing = {
    serve: async () => 0,
    serveWorkers: () => Promise.resolve(0),
    check: () => {
      throw new ConfigError('cannot listen on unix:/a: the file exists and is not a socket');
    },
  };
  t.equal(await runCli(io, refusing), 78);
  t.match(io.written, { out: '', err: /^twist: cannot listen on [^\n]+\n$/ });
});

t.test('modules of a user reach the server, and are checked without one', async (t) => {
  const mode = { name: 'mute', delivery: 'messages', message: (): void => undefined };
  const files = { 'mute.mjs': '', 'wrong.mjs': '', 'a.json': '{"mode":"wrong.mjs"}' };
  const modules = { 'mute.mjs': { default: mode }, 'wrong.mjs': { default: {} } };
  const { code, served } = await run(['serve', '--mode', 'mute.mjs'], { files, modules });
  t.equal(code, 0);
  t.match(served[0]?.[0].modules.modes.get('mute.mjs'), { name: 'mute', delivery: 'messages' });
  t.equal((await run(['config', 'check', '--mode', 'mute.mjs'], { files, modules })).code, 0);

  const fault = '"wrong.mjs": the name of a mode must be a text, not undefined';
  for (const [argv, status, sentence] of [
    [['serve', '--mode', 'wrong.mjs'], 2, `--mode cannot be ${fault}`],
    [['config', 'check', '--mode', 'wrong.mjs'], 2, `--mode cannot be ${fault}`],
    [['serve', '-c', 'a.json'], 78, `mode in a.json cannot be ${fault}`],
    [['config', 'check', '-c', 'a.json'], 78, `mode in a.json cannot be ${fault}`],
  ] as const) {
    const wrong = await run(argv, { files, modules });
    t.equal(wrong.err, `twist: ${sentence}\n`);
    t.equal(wrong.code, status);
    t.equal(wrong.out, '');
    t.same(wrong.served, []);
  }
});

t.test('modules are only loaded when the command line is right', async (t) => {
  const { code, err } = await run(['serve', '--echo', '--mode', 'nowhere.mjs']);
  t.equal(code, 2);
  t.equal(err, 'twist: choose one mode, not --echo and --mode together\n');
  t.equal((await run(['config', 'print', '--mode', 'nowhere.mjs'])).code, 0, 'print loads nothing');
});

t.test(
  'two modes: wrong usage or wrong configuration, whichever it was, also for check',
  async (t) => {
    const files = { 'a.json': '{"echo":true,"tcp":"a:1"}', 'b.json': '{"echo":true}' };
    for (const command of [['serve'], ['config', 'check']]) {
      for (const [argv, code, names] of [
        [['-c', 'a.json'], 78, 'echo in a.json and tcp in a.json'],
        [['-c', 'b.json', '--tcp', 'a:1'], 2, 'echo in b.json and --tcp'],
        [['--echo', '--tcp', 'a:1'], 2, '--echo and --tcp'],
      ] as const) {
        const wrong = await run([...command, ...argv], { files });
        t.equal(wrong.err, `twist: choose one mode, not ${names} together\n`);
        t.equal(wrong.code, code);
        t.same(wrong.served, []);
      }
    }
    t.equal((await run(['config', 'print', '-c', 'a.json'], { files })).code, 0, 'to look into it');
  },
);

t.test('files that options name are looked at before anything starts', async (t) => {
  const sentence = '--target-ca cannot be "ca.pem": there is no such file';
  for (const command of [
    ['serve', '--tcp', 'tls://a:1'],
    ['config', 'check', '--tcp', 'tls://a:1'],
  ]) {
    const wrong = await run([...command, '--target-ca', 'ca.pem']);
    t.equal(wrong.err, `twist: ${sentence}\n`);
    t.equal(wrong.code, 2);
    t.same(wrong.served, []);
  }
});

t.test('variables that are no option are warned of: by a line, or in the log', async (t) => {
  const env = { TWIST_ECKO: 'true' };
  const warning =
    'TWIST_ECKO is not an option of twist and has no effect; did you mean TWIST_ECHO?';
  for (const command of ['print', 'check']) {
    const { code, err } = await run(['config', command, '--echo'], { env });
    t.equal(code, 0);
    t.equal(err, `twist: warning: ${warning}\n`);
  }
  const { err, served } = await run(['serve', '--echo'], { env });
  t.match(JSON.parse(err), { level: 'warn', msg: warning });
  t.equal(served.length, 1);
});

t.test('convert', async (t) => {
  const input = ['{"ev":"msg","s":"A","t":1,"dir":"in","op":1,"len":5,"wire":5,"data":"hello"}\n'];
  t.match(await run(['convert', '-', '--to', 'ndjson'], { input }), {
    ...{ code: 0, out: input[0], err: '', served: [] },
  });
  t.match(await run(['convert', '-'], { input: ['x\n'] }), { code: 1, out: '' });
  for (const [argv, sentence] of [
    [['convert'], 'name a recording, or - for standard input; see twist convert --help'],
    [['convert', '-', '--to', 'pcapng'], 'pcapng is not for a terminal: give --out FILE'],
  ] as const) {
    const { code, err, out } = await run(argv, { isTTY: true });
    t.same([code, err, out], [2, `twist: ${sentence}\n`, '']);
  }
});

t.test('what a server hears beside its clients is in the log', async (t) => {
  const io = fakeIo(['serve', '--echo']);
  const serve: Parts['serve'] = () => {
    tell.lost(7);
    tell.warning(Object.assign(new Error('careful'), { name: 'Warning' }));
    tell.unused('SIGUSR2');
    return Promise.resolve(0);
  };
  const nothing = (): void => undefined;
  const tell: {
    lost: (lines: number) => void;
    warning: (warning: Error) => void;
    unused: (name: UnusedSignal) => void;
  } = { lost: nothing, warning: nothing, unused: nothing };
  Object.assign(io.stderr, { doNotWait: (listener: typeof tell.lost) => (tell.lost = listener) });
  Object.assign(io, {
    onWarning: (listener: typeof tell.warning) => (tell.warning = listener),
    onUnusedSignal: (listener: typeof tell.unused) => (tell.unused = listener),
  });
  t.equal(
    await runCli(io, { serve, serveWorkers: () => Promise.resolve(0), check: () => undefined }),
    0,
  );
  const lines = io.written.err.trimEnd().split('\n');
  t.match(
    lines.map((line) => JSON.parse(line) as object),
    [
      { level: 'warn', lines: 7, msg: /^lines of the log were lost/ },
      { level: 'warn', name: 'Warning', msg: 'careful' },
      { level: 'info', signal: 'SIGUSR2', msg: 'signal ignored' },
    ],
  );
});

t.test('healthcheck: exit status 0 or 1, and why', async (t) => {
  const serve = (): never => t.fail() as never;
  const parts = { serve, serveWorkers: serve, check: () => undefined };
  let status = 200;
  const server = createServer((_request, response) => {
    response.writeHead(status).end(status === 200 ? 'ready\n' : 'draining\n');
  });
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const io = fakeIo(['healthcheck', '--admin', String(port)]);
  t.equal(await runCli(io, parts), 0);
  t.same(io.written, { out: 'ready\n', err: '' });
  status = 503;
  const other = fakeIo(['healthcheck', '--admin', String(port)]);
  t.equal(await runCli(other, parts), 1);
  t.same(other.written, { out: '', err: 'twist: draining\n' });
  const started = `/twist\0serve\0--echo\0--admin\0${port}\0`;
  const beside = fakeIo(['healthcheck', '--pid', '1'], { files: { '/proc/1/cmdline': started } });
  t.equal(await runCli(beside, parts), 1);
  t.same(beside.written, { out: '', err: 'twist: draining\n' });
});

t.test('what completes the command line, and the licenses, are printed', async (t) => {
  t.match(await run(['completion', 'bash']), {
    code: 0,
    out: /complete -F _twist twist\n$/,
    err: '',
  });
  const problem = 'twist: name a shell: bash, zsh, fish; see twist completion --help\n';
  for (const words of [[], ['tcsh']])
    t.match(await run(['completion', ...words]), { code: 2, out: '', err: problem });
  t.match(await run(['--licenses']), { code: 0, out: /^twist runs from its sources/, err: '' });
});

t.test('with an inspector, the server gets it', async (t) => {
  const { served } = await run(['serve', '--echo', '--inspect', '0']);
  const [[, , , , membership, inspector]] = served as [Parameters<Parts['serve']>];
  t.equal(membership, null);
  t.notOk(inspector!.isUp, 'not started yet');
  const { served: without } = await run(['serve', '--echo']);
  t.equal(without[0]![5], null);
});

t.test('view: what is wrong with the words, and with the file', async (t) => {
  const wrong = await run(['view']);
  t.equal(wrong.code, 2);
  t.match(wrong.err, /^twist: name a recording, or - for standard input/);
  const missing = await run(['view', '/nowhere/a.ndjson']);
  t.equal(missing.code, 1);
  t.equal(missing.err, 'twist: cannot read /nowhere/a.ndjson: there is no such file\n');
});
