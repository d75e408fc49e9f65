import { CommanderError } from 'commander';
import t from 'tap';
import { createProgram, type Actions } from '../../src/cli/program.js';
import { fakeIo } from './fake-io.js';

interface Outcome {
  readonly calls: (readonly [action: string, flags: unknown, more?: unknown])[];
  readonly out: string;
  readonly err: string;
  /** The code of the CommanderError, or empty. */
  readonly code: string;
  readonly exitCode: number;
}

async function parse(argv: readonly string[], problem?: string): Promise<Outcome> {
  const io = fakeIo(argv);
  const calls: [string, unknown, unknown?][] = [];
  const actions: Actions = {
    serve: async (flags, fail) => {
      if (problem !== undefined) fail(problem);
      calls.push(['serve', flags]);
    },
    printConfig: async (flags, isJson) => void calls.push(['print', flags, isJson]),
    checkConfig: async (flags) => {
      calls.push(['check', flags]);
    },
    healthcheck: async (flags, pid) => {
      calls.push(['health', flags, pid]);
    },
    view: async (inputs, flags) => {
      calls.push(['view', flags, inputs]);
    },
    convert: async (inputs, flags) => {
      calls.push(['convert', flags, inputs]);
    },
    completion: async (shell) => {
      calls.push(['completion', shell]);
    },
  };
  let error = { code: '', exitCode: 0 };
  await createProgram(io, '1.2.3', actions)
    .parseAsync(argv, { from: 'user' })
    .catch((thrown: unknown) => {
      if (!(thrown instanceof CommanderError)) throw thrown;
      error = thrown;
    });
  return { calls, ...io.written, code: error.code, exitCode: error.exitCode };
}

t.test('flags reach the action under their keys, without defaults', async (t) => {
  t.same((await parse(['serve'])).calls, [['serve', {}]]);
  const argv = [
    'serve',
    '--echo',
    '--listen',
    '80',
    '--listen=unix:a',
    '-c',
    'a.json',
    '--max-connections-per-address',
    '7',
    '--log-level',
    'warn',
  ];
  t.same((await parse(argv)).calls, [
    [
      'serve',
      {
        echo: true,
        listen: ['80', 'unix:a'],
        config: 'a.json',
        maxConnectionsPerAddress: '7',
        logLevel: 'warn',
      },
    ],
  ]);
  t.same((await parse(['serve', '--echo', '--echo'])).calls, [['serve', { echo: true }]]);
  t.same((await parse(['serve', '--no-deflate'])).calls, [['serve', { deflate: false }]]);
  t.same((await parse(['serve', '--deflate'])).calls, [['serve', { deflate: true }]]);
  t.same((await parse(['serve', '--extension', 'a', '--extension', 'b,c'])).calls, [
    ['serve', { extension: ['a', 'b,c'] }],
  ]);
  t.same((await parse(['serve', '--route', '/a=echo', '--route=/b=tcp:c:1'])).calls, [
    ['serve', { route: ['/a=echo', '/b=tcp:c:1'] }],
  ]);
  t.same(
    (await parse(['serve', '--max-head', '-1'])).calls,
    [['serve', { maxHead: '-1' }]],
    'a value may begin with a hyphen',
  );
});

t.test('config print and check take the options of serve', async (t) => {
  t.same((await parse(['config', 'print', '--echo'])).calls, [['print', { echo: true }, false]]);
  t.same((await parse(['config', 'print', '--json', '-c', 'x'])).calls, [
    ['print', { config: 'x' }, true],
  ]);
  t.same((await parse(['config', 'check', '--echo'])).calls, [['check', { echo: true }]]);
  t.equal((await parse(['config', 'check', '--json'])).code, 'commander.unknownOption');
});

t.test('view takes a file, and options of its own', async (t) => {
  t.same((await parse(['view', 'a'])).calls, [['view', { open: true }, ['a']]]);
  t.same((await parse(['view', '-', '--listen', '9002', '-f', '--no-open'])).calls, [
    ['view', { listen: '9002', follow: true, open: false }, ['-']],
  ]);
  t.equal((await parse(['view', 'a', '--echo'])).code, 'commander.unknownOption');
});

t.test('convert takes files, and options of its own', async (t) => {
  t.same((await parse(['convert'])).calls, [['convert', { legend: true }, []]]);
  const argv = ['convert', 'a', '-', '--to=har', '-o', 'b', '-f', '--session', '7', '--grep', '-x'];
  t.same((await parse(argv)).calls, [
    [
      'convert',
      { legend: true, to: 'har', out: 'b', follow: true, session: '7', grep: '-x' },
      ['a', '-'],
    ],
  ]);
  t.equal((await parse(['convert', '--echo'])).code, 'commander.unknownOption');
});

t.test('version', async (t) => {
  for (const flag of ['--version', '-V']) {
    const { out, exitCode } = await parse([flag]);
    t.equal(out, 'twist 1.2.3\n');
    t.equal(exitCode, 0);
  }
});

t.test('help is an answer, also for a command that lacks its command', async (t) => {
  for (const argv of [
    [],
    ['--help'],
    ['-h'],
    ['config'],
    ['config', '--help'],
    ['serve', '--help'],
    ['serve', '-h'],
  ]) {
    const { out, err, code } = await parse(argv);
    t.match(out, /^Usage: twist /, argv.join(' '));
    t.equal(err, '');
    t.match(code, /^commander\.help/);
  }
});

t.test('help as a word', async (t) => {
  for (const [argv, start] of [
    [['help'], 'Usage: twist COMMAND'],
    [['help', 'serve'], 'Usage: twist serve'],
    [['help', 'config'], 'Usage: twist config COMMAND'],
    [['help', 'config', 'print'], 'Usage: twist config print'],
    [['help', 'limits'], 'Limits: '],
    [['help', 'serve', 'limits'], 'Limits: '],
    [['help', '--max-message'], 'Limits: '],
    [['config', 'help'], 'Usage: twist config COMMAND'],
    [['config', 'help', 'check'], 'Usage: twist config check'],
    [['serve', 'help'], 'Usage: twist serve'],
    [['serve', 'help', 'limits'], 'Limits: '],
    [['serve', '--echo', 'help'], 'Usage: twist serve'],
  ] as const) {
    const { out, err, calls, exitCode } = await parse(argv);
    t.ok(out.startsWith(start), argv.join(' '));
    t.equal(err, '');
    t.same(calls, []);
    t.equal(exitCode, 0, 'is an answer');
  }
});

t.test('a topic after --help', async (t) => {
  for (const [argv, start] of [
    [['--help', 'limits'], 'Limits: '],
    [['--help', 'serve'], 'Usage: twist serve'],
    [['serve', '--help', 'limits'], 'Limits: '],
    [['serve', '--echo', '-h', 'all'], 'Listen: '],
    [['serve', '--help', '--echo'], 'Usage: twist serve'],
    [['config', 'print', '--help', 'limits', '--json'], 'Limits: '],
    [['convert', '--help', 'all'], 'Usage: twist convert'],
  ] as const) {
    const { out, err, code } = await parse(argv);
    t.ok(out.startsWith(start), argv.join(' '));
    t.equal(err, '');
    t.equal(code, 'commander.helpDisplayed');
  }
});

t.test('no help on a word', async (t) => {
  for (const [argv, sentence] of [
    [['help', 'ecko'], 'there is no help on "ecko"; did you mean twist help echo?'],
    [['help', 'config', 'ecko'], 'there is no help on "ecko"; did you mean twist help echo?'],
    [['help', 'nonsense'], 'there is no help on "nonsense"; see twist --help'],
    [['config', 'help', 'nonsense'], 'there is no help on "nonsense"; see twist config --help'],
    [['serve', '--help', 'nonsense'], 'there is no help on "nonsense"; see twist serve --help'],
    [['serve', 'help', 'limit'], 'there is no help on "limit"; did you mean twist help limits?'],
  ] as const) {
    const { out, err, exitCode } = await parse(argv);
    t.equal(err, `twist: ${sentence}\n`);
    t.equal(out, '');
    t.not(exitCode, 0);
  }
});

t.test('help is as wide as the terminal, and has its colors', async (t) => {
  const narrow = fakeIo(['serve', '--help'], { isTTY: true, columns: 50 });
  const actions = {} as Actions;
  await t.rejects(createProgram(narrow, '1', actions).parseAsync(narrow.argv, { from: 'user' }));
  t.match(narrow.written.out, '\u001b[1mUsage:');
  // eslint-disable-next-line no-control-regex
  const lines = narrow.written.out.replace(/\u001b\[\d+m/g, '').split('\n');
  t.equal(Math.max(...lines.map((line) => line.length)), 50);
});

t.test('a value is given once, a switch in one sense', async (t) => {
  for (const [argv, sentence] of [
    [
      ['serve', '--max-head', '1k', '--max-head=2k'],
      '--max-head is given twice, as "1k" and as "2k"',
    ],
    [['serve', '-c', 'a', '--config', 'a'], '--config is given twice, as "a" and as "a"'],
    [['serve', '--echo', '--no-echo'], '--echo and --no-echo contradict each other'],
    [
      ['config', 'print', '--no-deflate', '--deflate'],
      '--no-deflate and --deflate contradict each other',
    ],
    [
      ['convert', 'a', '--session', '1', '--session', '2'],
      '--session is given twice, as "1" and as "2"',
    ],
  ] as const) {
    const { err, calls, exitCode } = await parse(argv);
    t.match(err, `twist: ${sentence}; see twist ${argv[0]}`);
    t.same(calls, []);
    t.not(exitCode, 0);
  }
  for (const argv of [
    ['serve', '--echo', '--echo', '--no-deflate', '--no-deflate'],
    ['serve', '--listen', '1', '--listen', '2'],
    ['config', 'print', '--json', '--json'],
  ])
    t.equal((await parse(argv)).calls.length, 1, argv.join(' '));
});

t.test('wrong usage: one sentence', async (t) => {
  for (const [argv, sentence] of [
    [['serv'], "unknown command 'serv'; did you mean serve?"],
    [['foo'], "unknown command 'foo'; see twist --help"],
    [['config', 'prin'], "unknown command 'prin'; did you mean print?"],
    [['config', 'foo'], "unknown command 'foo'; see twist config --help"],
    [['--foo'], "unknown option '--foo'; see twist --help"],
    [['serve', '--ecko'], "unknown option '--ecko'; did you mean --echo?"],
    [['serve', '--foo'], "unknown option '--foo'; see twist serve --help"],
    [['serve', '--echo=yes'], '--echo takes no value; see twist serve --help'],
    [
      ['serve', '--max-headers'],
      '--max-headers needs a value: give a whole number from 5 to 10000; see twist serve --help',
    ],
    [['serve', '9001'], 'unexpected argument "9001"; did you mean --listen 9001?'],
    [
      ['serve', '--echo', 'localhost:80'],
      'unexpected argument "localhost:80"; did you mean --listen localhost:80?',
    ],
    [
      ['serve', 'localhost:80'],
      'unexpected argument "localhost:80"; did you mean --tcp localhost:80, or --listen localhost:80?',
    ],
    [['serve', '--port', '80'], "unknown option '--port'; did you mean --listen 80?"],
    [['--echo'], "unknown option '--echo'; did you mean twist serve --echo?"],
    [['serve', 'echo'], 'unexpected argument "echo"; did you mean --echo?'],
    [
      ['serve', '--auth', 'ann:secret'],
      "unknown option '--auth': other users of the machine can read a command line, so set TWIST_AUTH; see twist serve --help",
    ],
    [
      ['serve', '--static'],
      '--static needs a value: give the path of a directory, or off; see twist serve --help',
    ],
    [['serve', 'something'], 'unexpected argument "something"; see twist serve --help'],
    [['convert', '--too', 'har'], "unknown option '--too'; did you mean --to?"],
    [['convert', 'a', '--out'], '--out needs a value; see twist convert --help'],
    [['config', 'check', 'a.json'], 'unexpected argument "a.json"; see twist config check --help'],
  ] as const) {
    const { err, out, calls, exitCode } = await parse(argv);
    t.equal(err, `twist: ${sentence}\n`);
    t.equal(out, '');
    t.same(calls, []);
    t.not(exitCode, 0);
  }
});

t.test('an action reports wrong usage in the same way', async (t) => {
  const { err, calls, exitCode } = await parse(['serve'], 'choose a mode: --echo');
  t.equal(err, 'twist: choose a mode: --echo; see twist serve --help\n');
  t.same(calls, []);
  t.not(exitCode, 0);
});

t.test('a health check takes the options of the server', async (t) => {
  t.same((await parse(['healthcheck', '--admin', '9090'])).calls, [
    ['health', { admin: '9090' }, undefined],
  ]);
  t.same((await parse(['healthcheck', '--pid', '1'])).calls, [['health', {}, '1']]);
  t.match(await parse(['healthcheck', '--pid', '1', '--admin', '9090']), {
    calls: [],
    err: /--pid stands for all options of the server, so give no other/,
  });
});
