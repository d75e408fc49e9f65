/**
 * What a newcomer writes who knows other servers, and the sentence that he reads: each of them was looked
 * at by a person, and says what to write instead. The command line runs in this process.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { runCli } from '../../src/cli/run-cli.js';
import { fakeIo } from '../cli/fake-io.js';

/** The status that stands for a server that would start. */
const STARTS = 7;

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

async function run(line: string, { env = {}, files = {} }: Given = {}): Promise<[number, string]> {
  const io = fakeIo(line.split(' '), { env, files });
  const code = await runCli(io, {
    serve: () => Promise.resolve(STARTS),
    serveWorkers: () => Promise.resolve(0),
    check: () => undefined,
  });
  return [code, io.written.err];
}

/** What does not need a mode shows warnings by themselves. */
function commandFor(code: number): string {
  return code === 0 ? 'config print' : 'config check';
}

/** A sentence that is no question ends in where to read more. */
const COMMAND_LINES: readonly (readonly [line: string, sentence: string])[] = [
  ['-v', "unknown option '-v'; did you mean twist --version?"],
  ['--v', "unknown option '--v'; did you mean twist --version?"],
  ['-version', "unknown option '-version'; did you mean twist --version?"],
  ['version', "unknown command 'version'; did you mean twist --version?"],
  ['start', "unknown command 'start'; did you mean twist serve?"],
  ['run --echo', "unknown command 'run'; did you mean twist serve?"],
  ['check', "unknown command 'check'; did you mean twist config check?"],
  ['echo', "unknown command 'echo'; did you mean twist serve --echo?"],
  ['tcp localhost:5900', "unknown command 'tcp'; did you mean twist serve --tcp localhost:5900?"],
  [
    '8080 localhost:5900',
    "unknown command '8080'; did you mean twist serve --listen 8080 --tcp localhost:5900?",
  ],
  [
    'localhost:5900',
    "unknown command 'localhost:5900'; did you mean twist serve --tcp localhost:5900, or --listen localhost:5900?",
  ],
  ['9001', "unknown command '9001'; did you mean twist serve --listen 9001?"],
  ['--echo', "unknown option '--echo'; did you mean twist serve --echo?"],
  ['--listen :80', "unknown option '--listen'; did you mean twist serve --listen :80?"],
  ['-c twist.json', "unknown option '-c'; did you mean twist serve --config twist.json?"],
  ['--port 9001', "unknown option '--port'; did you mean twist serve --listen 9001?"],
  ['config show', "unknown command 'show'; did you mean twist config print?"],
  ['config validate', "unknown command 'validate'; did you mean twist config check?"],
  ['config --echo', "unknown option '--echo'; did you mean twist serve --echo?"],
  ['help ecko', 'there is no help on "ecko"; did you mean twist help echo?'],
  ['timeouts', "unknown command 'timeouts'; did you mean twist help timeouts?"],
  ['help timeout', 'there is no help on "timeout"; did you mean twist help timeouts?'],
  ['help nonsense', 'there is no help on "nonsense"'],
  ['serve --help nonsense', 'there is no help on "nonsense"'],
  ['serve -v', "unknown option '-v'; did you mean --log-level debug, or twist --version?"],
  ['serve --port 9001 --echo', "unknown option '--port'; did you mean --listen 9001?"],
  ['serve --port=9001', "unknown option '--port=9001'; did you mean --listen 9001?"],
  ['serve -p 9001', "unknown option '-p'; did you mean --listen 9001?"],
  ['serve -p9001', "unknown option '-p9001'; did you mean --listen 9001?"],
  ['serve --port', "unknown option '--port'; did you mean --listen PORT?"],
  ['serve --host 0.0.0.0', "unknown option '--host'; did you mean --listen HOST:PORT?"],
  ['serve --bind 0.0.0.0:80', "unknown option '--bind'; did you mean --listen 0.0.0.0:80?"],
  ['serve -l 8080', "unknown option '-l'; did you mean --listen 8080?"],
  ['serve --address ::1', "unknown option '--address'; did you mean --listen HOST:PORT?"],
  [
    'serve --unix-listen /run/twist.sock',
    "unknown option '--unix-listen'; did you mean --listen unix:PATH?",
  ],
  ['serve --log debug', "unknown option '--log'; did you mean --log-level debug?"],
  ['serve --verbose', "unknown option '--verbose'; did you mean --log-level debug?"],
  ['serve -vv', "unknown option '-vv'; did you mean --log-level debug?"],
  ['serve --debug', "unknown option '--debug'; did you mean --log-level debug?"],
  ['serve -d', "unknown option '-d'; did you mean --log-level debug?"],
  ['serve -q', "unknown option '-q'; did you mean --log-level warn?"],
  ['serve --quiet', "unknown option '--quiet'; did you mean --log-level warn?"],
  [
    'serve --log-file twist.log',
    "unknown option '--log-file': the log goes to standard error; 2>FILE writes it to a file",
  ],
  ['serve --cert c.pem --key k.pem', "unknown option '--cert'; did you mean --tls-cert c.pem?"],
  [
    'serve --ssl',
    "unknown option '--ssl': for TLS give --tls-cert FILE and --tls-key FILE, both in PEM",
  ],
  [
    'serve --wss',
    "unknown option '--wss': for TLS give --tls-cert FILE and --tls-key FILE, both in PEM",
  ],
  [
    'serve --web /usr/share/novnc',
    "unknown option '--web'; did you mean --static /usr/share/novnc?",
  ],
  ['serve -w public', "unknown option '-w'; did you mean --static public?"],
  [
    'serve --target localhost:5900',
    "unknown option '--target'; did you mean --tcp localhost:5900?",
  ],
  [
    'serve --connect localhost:5900',
    "unknown option '--connect'; did you mean --tcp localhost:5900?",
  ],
  [
    'serve --token-plugin TokenFile',
    "unknown option '--token-plugin'; did you mean --token-file TokenFile?",
  ],
  [
    'serve --target-config tokens',
    "unknown option '--target-config'; did you mean --token-file tokens?",
  ],
  ['serve --token abc', "unknown option '--token'; did you mean --token-file abc?"],
  ['serve --host-token', "unknown option '--host-token'; did you mean --token-from host?"],
  [
    'serve --unix-listen-mode 0660',
    "unknown option '--unix-listen-mode'; did you mean --unix-mode 0660?",
  ],
  ['serve --path /ws', "unknown option '--path'; did you mean --route PATH=MODE?"],
  ['serve --max-payload 1m', "unknown option '--max-payload'; did you mean --max-message 1m?"],
  ['serve --ws-max-size 64k', "unknown option '--ws-max-size'; did you mean --max-message 64k?"],
  [
    'serve --max-message-size 1m',
    "unknown option '--max-message-size'; did you mean --max-message 1m?",
  ],
  ['serve --timeout 30s', "unknown option '--timeout'; did you mean --idle-timeout 30s?"],
  ['serve --heartbeat 10s', "unknown option '--heartbeat'; did you mean --ping-interval 10s?"],
  ['serve --compress', "unknown option '--compress'; did you mean --deflate?"],
  ['serve --no-compression', "unknown option '--no-compression'; did you mean --no-deflate?"],
  ['serve --cors', "unknown option '--cors'; did you mean --origin LIST?"],
  [
    'serve --subprotocols mqtt',
    "unknown option '--subprotocols'; did you mean --subprotocol mqtt?",
  ],
  ['serve -o traffic.ndjson', "unknown option '-o'; did you mean --record traffic.ndjson?"],
  ['serve --dump traffic.ndjson', "unknown option '--dump'; did you mean --record traffic.ndjson?"],
  [
    'serve --auth ann:secret',
    "unknown option '--auth': other users of the machine can read a command line, so set TWIST_AUTH",
  ],
  [
    'serve --user nobody',
    "unknown option '--user': for a password set TWIST_AUTH=USER:PASSWORD or give --auth-file FILE; twist runs as the user that starts it",
  ],
  [
    'serve --password secret',
    "unknown option '--password': for a password set TWIST_AUTH=USER:PASSWORD or give --auth-file FILE; twist runs as the user that starts it",
  ],
  [
    'serve --daemon',
    "unknown option '--daemon': twist stays in the foreground, as the user that starts it; a supervisor or a container does the rest",
  ],
  [
    'serve -D',
    "unknown option '-D': twist stays in the foreground, as the user that starts it; a supervisor or a container does the rest",
  ],
  ['serve --processes 4', "unknown option '--processes'; did you mean --workers 4?"],
  ['serve -f twist.json', "unknown option '-f'; did you mean --config twist.json?"],
  ['serve --conf twist.json', "unknown option '--conf'; did you mean --config twist.json?"],
  [
    'serve --max-connection 5',
    "unknown option '--max-connection'; did you mean --max-connections?",
  ],
  ['serve --max-clients 5', "unknown option '--max-clients'; did you mean --max-connections 5?"],
  ['serve --Echo', "unknown option '--Echo'; did you mean --echo?"],
  ['serve -echo', "unknown option '-echo'; did you mean --echo?"],
  ['serve -listen :80', "unknown option '-listen'; did you mean --listen :80?"],
  ['serve --no-tcp', "unknown option '--no-tcp'; did you mean --tcp off?"],
  ['serve --no-listen', "unknown option '--no-listen'; did you mean --listen?"],
  ['serve --ecko', "unknown option '--ecko'; did you mean --echo?"],
  [
    'serve localhost:5900',
    'unexpected argument "localhost:5900"; did you mean --tcp localhost:5900, or --listen localhost:5900?',
  ],
  [
    'serve --echo localhost:5900',
    'unexpected argument "localhost:5900"; did you mean --listen localhost:5900?',
  ],
  ['serve 0.0.0.0:8080', 'unexpected argument "0.0.0.0:8080"; did you mean --listen 0.0.0.0:8080?'],
  [
    'serve :8080 localhost:5900',
    'unexpected argument ":8080"; did you mean --listen :8080 --tcp localhost:5900?',
  ],
  ['serve --listen 9001 9002', 'unexpected argument "9002"; did you mean --listen 9002?'],
  ['serve echo', 'unexpected argument "echo"; did you mean --echo?'],
  ['serve tcp localhost:5900', 'unexpected argument "tcp"; did you mean --tcp?'],
  ['serve --echo true', 'unexpected argument "true": --echo takes no value'],
  ['serve --echo=true', '--echo takes no value'],
  ['serve --deflate off', 'unexpected argument "off"; did you mean --no-deflate?'],
  ['serve --deflate=off', '--deflate takes no value'],
  [
    'serve --mode echo',
    '--mode cannot be "echo": there is no such file; the built-in mode is --echo',
  ],
  [
    'serve --echo --max-message 1m --max-message 2m',
    '--max-message is given twice, as "1m" and as "2m"',
  ],
  ['serve --echo --tcp a:1 --tcp b:2', '--tcp is given twice, as "a:1" and as "b:2"'],
  ['serve -c a.json -c b.json', '--config is given twice, as "a.json" and as "b.json"'],
  ['serve --echo --no-echo', '--echo and --no-echo contradict each other'],
  ['serve --echo --record-rotate 1m', '--record-rotate has no effect without --record'],
  ['serve --echo --record-sync always', '--record-sync has no effect without --record'],
  [
    'serve --echo --no-deflate --deflate-level 5',
    '--deflate-level has no effect with --no-deflate',
  ],
  [
    'serve --tcp localhost:5900 --deflate-level 5',
    '--deflate-level has no effect for TCP targets without --deflate',
  ],
  ['serve --echo --tcp-text', '--tcp-text has no effect without a TCP target, such as --tcp gives'],
  [
    'serve --tcp localhost:5900 --target-insecure',
    '--target-insecure has no effect without a tls:// target',
  ],
  ['serve --echo --replay-speed 2', '--replay-speed has no effect without --replay'],
  ['serve --echo --replay-strict', '--replay-strict has no effect without --replay'],
  [
    'serve --echo --ping-interval off --pong-timeout 1s',
    '--pong-timeout has no effect while --ping-interval is off',
  ],
  [
    'serve --echo --trust-proxy-header proxy-protocol',
    '--trust-proxy-header cannot be "proxy-protocol": --trust-proxy must name the proxies that send it',
  ],
  ['convert a.ndjson --session 1 --session 2', '--session is given twice, as "1" and as "2"'],
];

t.test('command lines', async (t) => {
  for (const [line, sentence] of COMMAND_LINES) {
    const [code, text] = await run(line);
    t.equal(code, 2, line);
    t.ok(text.startsWith(`twist: ${sentence}`), `${line}: ${text}`);
    t.match(text.slice(`twist: ${sentence}`.length), /^(; see twist[a-z ]* --help)?\n$/, line);
  }
});

const ENVIRONMENTS: readonly (readonly [
  env: Readonly<Record<string, string>>,
  code: number,
  sentence: string,
])[] = [
  [
    { TWIST_PORT: '9001' },
    0,
    'warning: TWIST_PORT is not an option of twist and has no effect; did you mean TWIST_LISTEN?',
  ],
  [
    { TWIST_HOST: '0.0.0.0' },
    0,
    'warning: TWIST_HOST is not an option of twist and has no effect; did you mean TWIST_LISTEN?',
  ],
  [
    { TWIST_ROUTES: '/a=echo' },
    0,
    'warning: TWIST_ROUTES is not an option of twist and has no effect; did you mean TWIST_ROUTE?',
  ],
  [
    { TWIST_LOG: 'debug' },
    0,
    'warning: TWIST_LOG is not an option of twist and has no effect; did you mean TWIST_LOG_LEVEL?',
  ],
  [
    { TWIST_CERT: 'c.pem' },
    0,
    'warning: TWIST_CERT is not an option of twist and has no effect; did you mean TWIST_TLS_CERT?',
  ],
  [
    { TWIST_ECKO: 'true' },
    0,
    'warning: TWIST_ECKO is not an option of twist and has no effect; did you mean TWIST_ECHO?',
  ],
  [
    { TWIST_DEFAULT_ECKO: 'true' },
    0,
    'warning: TWIST_DEFAULT_ECKO is not an option of twist and has no effect; did you mean TWIST_DEFAULT_ECHO?',
  ],
  [
    { TWIST_MODE: 'echo' },
    78,
    'TWIST_MODE cannot be "echo": there is no such file; the built-in mode is TWIST_ECHO',
  ],
  [
    { TWIST_DEFAULT_MODE: 'echo' },
    78,
    'TWIST_DEFAULT_MODE cannot be "echo": there is no such file; the built-in mode is TWIST_DEFAULT_ECHO',
  ],
  [
    { TWIST_ECHO: 'true', TWIST_TCP: 'db:5900' },
    78,
    'choose one mode, not TWIST_ECHO and TWIST_TCP together',
  ],
  [
    { TWIST_CONFIG: 'nowhere.json' },
    78,
    'TWIST_CONFIG cannot be "nowhere.json": there is no such file',
  ],
  [
    { TWIST_RECORD_ROTATE: '1m' },
    0,
    'warning: TWIST_RECORD_ROTATE has no effect without TWIST_RECORD',
  ],
  [
    { TWIST_DEFLATE: 'false', TWIST_DEFLATE_LEVEL: '9' },
    0,
    'warning: TWIST_DEFLATE_LEVEL has no effect while TWIST_DEFLATE is false',
  ],
  [
    { TWIST_DEFAULT_LISTEN: ':9001', TWIST_LISTEN: '9001' },
    0,
    'warning: TWIST_LISTEN is 127.0.0.1:9001, which nothing outside of this machine or container can reach; :PORT is every address',
  ],
];

t.test('environments', async (t) => {
  for (const [env, code, sentence] of ENVIRONMENTS)
    t.strictSame(await run(commandFor(code), { env }), [code, `twist: ${sentence}\n`]);
});

const FILES: readonly (readonly [text: string, code: number, sentence: string])[] = [
  [
    '{"echo":"true"}',
    78,
    'echo in twist.json cannot be the text "true": write true, without quotes',
  ],
  ['{"echo":"yes"}', 78, 'echo in twist.json cannot be the text "yes": write true, without quotes'],
  [
    '{"listen":9001}',
    78,
    'listen in twist.json cannot be the number 9001: write "9001", with quotes',
  ],
  [
    '{"listen":["9001",9002]}',
    78,
    'listen[1] in twist.json cannot be the number 9002: write "9002", with quotes',
  ],
  ['{"tcp":null}', 78, 'tcp in twist.json cannot be null: write "off", with quotes'],
  ['{"record":false}', 78, 'record in twist.json cannot be false: write "off", with quotes'],
  ['{"extension":false}', 78, 'extension in twist.json cannot be false: write "none", with quotes'],
  [
    '{"idleTimeout":0}',
    78,
    'idleTimeout in twist.json cannot be the number 0: write "off", with quotes',
  ],
  [
    '{"pingInterval":false}',
    78,
    'pingInterval in twist.json cannot be false: write "off", with quotes',
  ],
  ['{"deflate":"off"}', 78, 'deflate in twist.json cannot be "off": write false, without quotes'],
  ['{"route":{}}', 78, 'twist.json has an unknown key "route"; did you mean routes?'],
  ['{"port":9001}', 78, 'twist.json has an unknown key "port"; did you mean listen?'],
  ['{"host":"0.0.0.0"}', 78, 'twist.json has an unknown key "host"; did you mean listen?'],
  ['{"cert":"c.pem"}', 78, 'twist.json has an unknown key "cert"; did you mean tlsCert?'],
  [
    '{"auth":"a:b"}',
    78,
    'twist.json has an unknown key "auth": it can only be given by TWIST_AUTH',
  ],
  [
    '{"config":"b.json"}',
    78,
    'twist.json has an unknown key "config": it can only be given by TWIST_CONFIG or --config',
  ],
  ['{"Listen":"9001"}', 78, 'twist.json has an unknown key "Listen"; did you mean listen?'],
  [
    '{"max-message":"1m"}',
    78,
    'twist.json has an unknown key "max-message"; did you mean maxMessage?',
  ],
  [
    '{"mode":"echo"}',
    78,
    'mode in twist.json cannot be "echo": there is no such file; the built-in mode is echo',
  ],
  [
    '{"recordRotate":"1m","echo":true}',
    0,
    'warning: recordRotate in twist.json has no effect without record',
  ],
  [
    '{"deflate":false,"deflateLevel":5}',
    0,
    'warning: deflateLevel in twist.json has no effect while deflate in twist.json is false',
  ],
];

t.test('configuration files', async (t) => {
  for (const [text, code, sentence] of FILES) {
    const files = { 'twist.json': text };
    t.strictSame(await run(`${commandFor(code)} -c twist.json`, { files }), [
      code,
      `twist: ${sentence}\n`,
    ]);
  }
});

t.test('config.example.json takes any mode beside it', async (t) => {
  const files = {
    'config.example.json': readFileSync('config.example.json', 'utf8'),
    tokens: 'a: b:1',
  };
  const without = await run('serve -c config.example.json', { files });
  t.match(without, [2, /^twist: choose a mode: /], 'it has none itself');
  for (const [key, flags, json] of [
    ['echo', '--echo', true],
    ['tcp', '--tcp a:1', 'a:1'],
    ['tokenFile', '--token-file tokens', 'tokens'],
    ['routes', '--route /a=echo', { '/a': 'echo' }],
    ['record', '--record test/fixtures/none.ndjson', 'test/fixtures/none.ndjson'],
  ] as const) {
    const checked = await run(`config check -c config.example.json ${flags}`, { files });
    t.strictSame(checked, [0, ''], flags);
    const example = JSON.parse(files['config.example.json']) as object;
    const edited = { ...files, 'twist.json': JSON.stringify({ ...example, [key]: json }) };
    t.strictSame(await run('config check -c twist.json', { files: edited }), [0, ''], key);
    t.equal((await run('serve -c twist.json', { files: edited }))[0], STARTS, 'it would start');
  }
});
