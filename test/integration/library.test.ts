/**
 * The package as those use it who install it: packed, unpacked into a project of its own, imported by
 * programs that know nothing of this repository, and looked at by a compiler.
 */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import t, { type Test } from 'tap';
import { makeTempDir } from '../fixtures/temp-dir.js';

// It compiles a program several times, beside whatever else runs.
t.setTimeout(300_000);

const MODULES = path.resolve('node_modules');

/** Runs a program without what tap puts into the environment. @returns its standard output */
async function run(folder: string, command: string, ...args: readonly string[]): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'] };
  try {
    return (await promisify(execFile)(command, args, { cwd: folder, env })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} failed\n${stdout}${stderr}`, { cause: error });
  }
}

/** Made once: a project in which the package is installed, and beside it what the programs need. */
async function makeProject(t: Test): Promise<string> {
  const project = makeTempDir(t);
  await run('.', process.execPath, 'build-types.mjs');
  // Without scripts: a build would change the bundle under the tests that run beside this one.
  await run('.', 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', project);
  const [tarball = ''] = readdirSync(project);
  await run(project, 'tar', '-xzf', tarball);
  const modules = path.join(project, 'node_modules');
  mkdirSync(modules);
  renameSync(path.join(project, 'package'), path.join(modules, 'twist-server'));
  for (const name of ['ws', '@types'])
    symlinkSync(path.join(MODULES, name), path.join(modules, name));
  writeFileSync(path.join(project, 'package.json'), '{ "type": "module" }');
  return project;
}

const ECHO = `
import { once } from 'node:events';
import { serve } from 'twist-server';
import { WebSocket } from 'ws';

const server = await serve({ mode: 'echo', listen: '127.0.0.1:0' });
const socket = new WebSocket(server.urls[0]);
await once(socket, 'open');
socket.send('hello');
const [data] = await once(socket, 'message');
console.log(data.toString(), socket.extensions, server.connectionCount);
const closed = once(socket, 'close');
await server.stop();
const [code] = await closed;
console.log(code, server.connectionCount);
`;

/** A client of its own, of the protocol that the package exports: `ws` knows no other extension. */
const OWN = `
import { once } from 'node:events';
import { connect } from 'node:net';
import { Codec, ConfigError, acceptKey, serve } from 'twist-server';

/** Says how long a message is. */
const mode = {
  name: 'length',
  message(session, data, isBinary) {
    session.send(\`\${data.length} \${session.path} \${session.extensions}\`, isBinary);
  },
};

/** Adds an exclamation mark to what goes out. */
const loud = {
  name: 'x-loud',
  create: () => ({
    enabled: false,
    init() {
      this.enabled = true;
    },
    response() {
      return this.enabled ? 'x-loud' : null;
    },
    reserveRsv: () => 0,
    decode: (message) => message,
    encode: ({ opcode, rsv, payload }) => ({
      opcode,
      rsv,
      payload: Buffer.concat([payload, Buffer.from('!')]),
    }),
    close() {},
  }),
};

const lines = [];
const log = Object.fromEntries(
  ['debug', 'info', 'warn', 'error'].map((level) => [
    level,
    (fields, message) => lines.push(\`\${level} \${message} \${fields.mode}\`),
  ]),
);
const server = await serve({ mode, extensions: [loud], log, listen: ['127.0.0.1:0'] });

const socket = connect(Number(new URL(server.urls[0]).port), '127.0.0.1');
socket.write(
  'GET /here HTTP/1.1\\r\\nHost: localhost\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n' +
    'Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n' +
    'Sec-WebSocket-Extensions: x-loud\\r\\n\\r\\n',
);
const [head] = await once(socket, 'data');
console.log(/^Sec-WebSocket-Extensions: (.*)\\r$/m.exec(head.toString('latin1'))[1]);
console.log(head.includes(\`Accept: \${acceptKey('dGhlIHNhbXBsZSBub25jZQ==')}\`));

const text = await new Promise((resolve) => {
  const client = new Codec({ role: 'client', message: (data) => resolve(data.toString()) });
  client.send('hello');
  socket.write(client.takeOutput());
  socket.on('data', (bytes) => client.receive(bytes));
});
console.log(text);
socket.destroy();
server.stopNow();
await server.stop();
console.log(lines.slice(0, 1).join());

try {
  await serve({ mode, maxMesage: '1m' });
} catch (error) {
  console.log(error instanceof ConfigError, error.name, error.message);
}
`;

/** Imports nothing but the package and Node. */
const BUNDLED = `
import { once } from 'node:events';
import { connect } from 'node:net';
import { serve } from 'twist-server';

async function main() {
  const server = await serve({ mode: 'echo', listen: '127.0.0.1:0' });
  const socket = connect(Number(new URL(server.urls[0]).port), '127.0.0.1');
  socket.write(
    'GET / HTTP/1.1\\r\\nHost: localhost\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n' +
      'Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n',
  );
  const [head] = await once(socket, 'data');
  console.log(head.toString().split(' ')[1], server.connectionCount);
  socket.destroy();
  server.stopNow();
  await server.stop();
}
main();
`;

const CODEC = `
import { Codec, CloseCode } from 'twist-server';

function makeCodec(role, message) {
  const codec = new Codec({
    role,
    maxMessage: 1024,
    message,
    ping: () => console.log(role, 'ping'),
    pong: () => console.log(role, 'pong'),
    close: (code, reason) => console.log(role, 'close', code, reason),
    failure: (error) => console.log(role, error.name, error.rule, error.closeCode),
  });
  return codec;
}

/** Carries what one side has to send to the other; true if there was anything. */
function carry(from, to) {
  const bytes = from.takeOutput();
  if (bytes !== null) to.receive(bytes);
  return bytes !== null;
}

const client = makeCodec('client', (data, isBinary) => {
  console.log('client', isBinary, data.toString());
});
const server = makeCodec('server', (data, isBinary) => server.send(data, isBinary));
const run = () => {
  while (carry(client, server) || carry(server, client));
};

client.send('hello');
client.ping('?');
run();
client.send(Buffer.alloc(1025));
run();
console.log(client.isClosed, server.isClosed, CloseCode.MessageTooBig);
`;

/** A consumer in TypeScript: what has to compile, and what must not. */
const CONSUMER = `
import {
  Codec,
  ConfigError,
  type Extension,
  type ExtensionOffer,
  type ExtensionSession,
  type FromHeader,
  type IntoResponse,
  type Message,
  type Mode,
  NegotiationError,
  type PerMessage,
  permessageDeflate,
  type RunningServer,
  type ServeOptions,
  type Session,
  type SessionSummary,
  serve,
} from 'twist-server';

class Upper implements ExtensionSession {
  enabled = false;
  init(offers: readonly ExtensionOffer[]): void {
    if (offers[0]?.params.length !== 0) throw new NegotiationError('no parameters');
    this.enabled = true;
  }
  response(): string | null {
    return this.enabled ? 'x-upper' : null;
  }
  reserveRsv(reserved: number): number {
    if ((reserved & 2) !== 0) throw new Error('taken');
    return 2;
  }
  async decode(message: Message, maxBytes: number): Promise<Message> {
    return { ...message, payload: message.payload.subarray(0, maxBytes) };
  }
  encode(message: Message): Message {
    return message;
  }
  close(): void {}
}

export const parts: readonly [FromHeader, IntoResponse, PerMessage] = [
  new Upper(),
  new Upper(),
  new Upper(),
];
const extension: Extension = { name: 'x-upper', create: () => new Upper() };

const mode: Mode = {
  name: 'mine',
  message(session: Session, data, isBinary) {
    session.send(data, isBinary);
  },
  close: (_session, code, reason, { closeCode }: SessionSummary) => {
    reason.concat((code + closeCode).toFixed());
  },
};

const options: ServeOptions = {
  mode,
  extensions: [
    extension,
    permessageDeflate({
      level: 1,
      thresholdBytes: 0,
      memoryBytes: 0,
      maxRatio: 0,
      serverMaxWindowBits: 15,
      clientMaxWindowBits: 15,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    }),
  ],
  listen: ['127.0.0.1:0', 'unix:/run/twist.sock'],
  deflate: false,
  deflateNoContextTakeover: ['server'],
  maxMessage: '16m',
  outputPause: 1024,
  pingInterval: 'off',
  idleTimeout: '5m',
  maxConnectionsPerAddress: 'off',
  maxConnections: undefined,
};
const server: RunningServer = await serve(options);
const urls: readonly string[] = server.urls;
await serve({ mode: 'echo', log: { debug() {}, info() {}, warn() {}, error() {} } });
await serve({ mode }).catch((error: unknown) => error instanceof ConfigError);

export const codec = new Codec({ role: 'client', message: (data: Buffer, isBinary) => isBinary });
export const hasSent: boolean = codec.send(new Uint8Array(urls.length));
export const output: Uint8Array | null = codec.takeOutput();

// @ts-expect-error -- a role is needed
new Codec({});

// @ts-expect-error -- no such mode
await serve({ mode: 1 });
// @ts-expect-error -- a route is a text or a mode
await serve({ routes: { '/a': 1 } });
// @ts-expect-error -- no such unit
await serve({ mode: 'echo', maxMessage: '16mb' });
// @ts-expect-error -- a duration has a unit
await serve({ mode: 'echo', idleTimeout: '300' });
// @ts-expect-error -- this one cannot be off
await serve({ mode: 'echo', closeTimeout: 'off' });
// @ts-expect-error -- no such option
await serve({ mode: 'echo', maxMesage: '16m' });
// @ts-expect-error -- what only the command line takes
await serve({ mode: 'echo', logLevel: 'debug' });
// @ts-expect-error -- neither of them
await serve({ mode: 'echo', deflateNoContextTakeover: ['both'] });
`;

interface Manifest {
  readonly version: string;
  readonly peerDependencies: unknown;
  readonly peerDependenciesMeta: unknown;
}

function manifest(): Manifest {
  return JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
}

/** A mode with data of its own, in a program that is its client too. */
const PROGRAM = `
import { once } from 'node:events';
import { type Mode, type SendResult, type Session, serve } from 'twist-server';
import { WebSocket } from 'ws';

interface Visitor {
  readonly name: string;
  count: number;
}

const mode: Mode<Visitor> = {
  name: 'counting',
  upgrade(session, request, response) {
    request.signal.throwIfAborted();
    session.data = { name: request.query, count: 0 };
    response.headers.set('X-Name', session.data.name);
  },
  message(session: Session<Visitor>, data, isBinary) {
    const visitor = session.data;
    visitor.count++;
    const result: SendResult = session.send(
      \`\${visitor.name} \${visitor.count}: \${data.toString('utf8')}\`,
      isBinary,
    );
    if (result !== 'sent') throw new Error(result);
  },
  close({ data: { name } }, code) {
    console.log(\`\${name} left with \${code}\`);
  },
};

// @ts-expect-error -- its data are not those of a text
export const wrong: Mode<Visitor> = { name: 'a', message: ({ data }) => data.length };

async function main(): Promise<void> {
  const server = await serve({ mode, listen: 0 });
  const socket = new WebSocket(\`\${server.urls[0]}/?Ada\`);
  socket.on('upgrade', ({ headers }) => {
    console.log('x-name:', headers['x-name']);
  });
  await once(socket, 'open');
  socket.send('hello');
  const [data] = (await once(socket, 'message')) as [Buffer];
  console.log(data.toString());
  console.log(server.sessions.size, 'session');
  socket.close(1000);
  await once(socket, 'close');
  await server.stop();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
`;

t.test('the package, installed', async (t) => {
  const project = await makeProject(t);
  const runProgram = async (name: string, program: string): Promise<string[]> => {
    writeFileSync(path.join(project, name), program);
    return (await run(project, process.execPath, name)).trimEnd().split('\n');
  };

  t.test('what is in it, and nothing else', async (t) => {
    const installed = path.join(project, 'node_modules/twist-server');
    t.strictSame(readdirSync(installed).sort(), [
      'ARCHITECTURE.md',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE-APACHE',
      'LICENSE-MIT',
      'README.md',
      'SECURITY.md',
      'bench',
      'bin',
      'config.example.json',
      'config.schema.json',
      'deploy',
      'dist',
      'docs',
      'examples',
      'package.json',
      'src',
      'test',
    ]);
    t.strictSame(readdirSync(path.join(installed, 'dist')).sort(), [
      'THIRD_PARTY_NOTICES.txt',
      'index.js',
      'twist.cjs',
      'types',
    ]);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const command = path.join(installed, 'bin/twist.js');
    t.equal(await run(project, process.execPath, command, '--version'), `twist ${version}\n`);
  });

  t.test('it serves echo, with compression, inside a program', async (t) => {
    t.strictSame(await runProgram('echo.mjs', ECHO), ['hello permessage-deflate 1', '1001 0']);
  });

  t.test('a mode, an extension and a log of one’s own', async (t) => {
    t.strictSame(await runProgram('own.mjs', OWN), [
      'x-loud',
      'true',
      '5 /here x-loud!',
      'info listening length',
      'true ConfigError serve(options) has an unknown key "maxMesage"; did you mean maxMessage?',
    ]);
  });

  t.test('the protocol without a socket', async (t) => {
    t.strictSame(await runProgram('codec.mjs', CODEC), [
      'server ping',
      'client false hello',
      'client pong',
      'server MessageTooBigError message-too-big 1009',
      'client close 1009 message is over the limit of 1024 bytes',
      'true true 1009',
    ]);
  });

  t.test('CommonJS can load it too', async (t) => {
    const program = "import('twist-server').then(({ serve }) => console.log(typeof serve));";
    t.strictSame(await runProgram('program.cjs', program), ['function']);
  });

  t.test('programs that use it can be bundled', async (t) => {
    // Other bundlers make nothing of an import whose file they cannot know, unless they are told to let it be.
    const library = path.join(project, 'node_modules/twist-server/dist/index.js');
    const computed = readFileSync(library, 'utf8').match(/\bimport\(\s*[^\s"')][^]{20}/g) ?? [];
    t.ok(computed.length > 0);
    for (const start of computed) t.match(start, '/* webpackIgnore');
    writeFileSync(path.join(project, 'bundled.mjs'), BUNDLED);
    for (const [format, name] of [
      ['cjs', 'bundle.cjs'],
      ['esm', 'bundle.mjs'],
    ] as const) {
      const { warnings } = await build({
        ...{ entryPoints: ['bundled.mjs'], absWorkingDir: project, outfile: name, format },
        ...{ bundle: true, platform: 'node', logLevel: 'silent' },
      });
      t.strictSame(warnings, [], format);
      // Elsewhere, so that nothing of the package is found.
      const elsewhere = makeTempDir(t);
      renameSync(path.join(project, name), path.join(elsewhere, name));
      t.equal(await run(elsewhere, process.execPath, name), '101 1\n', format);
    }
  });

  t.test('its types hold what they promise, to every kind of consumer', async (t) => {
    writeFileSync(path.join(project, 'consumer.ts'), CONSUMER);
    const compiler = path.join(MODULES, 'typescript/bin/tsc');
    for (const [module, moduleResolution, skipLibCheck] of [
      // The package's declarations are looked at like its user's own code.
      ['nodenext', 'nodenext', false],
      ['nodenext', 'nodenext', true],
      ['node16', 'node16', false],
      ['esnext', 'bundler', false],
    ] as const) {
      const compilerOptions = {
        ...{ target: 'es2023', module, moduleResolution, skipLibCheck },
        ...{ types: ['node'], strict: true, exactOptionalPropertyTypes: true, noEmit: true },
      };
      writeFileSync(
        path.join(project, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['consumer.ts'] }),
      );
      t.equal(
        await run(project, process.execPath, compiler, '-p', '.'),
        '',
        `${module} ${String(skipLibCheck)}`,
      );
    }
    const { peerDependencies, peerDependenciesMeta } = manifest();
    t.strictSame(peerDependencies, { '@types/node': '>=20' }, 'its types need those of Node');
    t.strictSame(peerDependenciesMeta, { '@types/node': { optional: true } }, 'programs do not');
  });

  t.test('programs with a mode of their own, of every kind', async (t) => {
    const said = ['x-name: Ada', 'Ada 1: hello', '1 session', 'Ada left with 1000', ''].join('\n');
    const compiler = path.join(MODULES, 'typescript/bin/tsc');
    for (const [module, moduleResolution] of [
      ['node16', 'node16'],
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ] as const) {
      const folder = path.join(project, `program-${moduleResolution}`);
      mkdirSync(folder);
      writeFileSync(path.join(folder, 'program.ts'), PROGRAM);
      const compilerOptions = {
        ...{ module, moduleResolution, target: 'es2022', strict: true, skipLibCheck: false },
        ...{ types: ['node'], verbatimModuleSyntax: true, outDir: 'made' },
      };
      writeFileSync(
        path.join(folder, 'tsconfig.json'),
        JSON.stringify({ compilerOptions, files: ['program.ts'] }),
      );
      t.equal(await run(folder, process.execPath, compiler, '-p', '.'), '', moduleResolution);
      t.equal(await run(folder, process.execPath, 'made/program.js'), said, moduleResolution);
    }
    for (const [format, ending] of [
      ['cjs', 'cjs'],
      ['esm', 'mjs'],
    ] as const) {
      const file = path.join(project, `bundle.${ending}`);
      const bundler = path.join(MODULES, 'esbuild/bin/esbuild');
      const options = ['--bundle', '--platform=node', `--format=${format}`, `--outfile=${file}`];
      // Its message about require in an ES module is ws's own affair.
      const external = format === 'esm' ? ['--external:ws'] : [];
      const source = path.join(project, 'program-node16/program.ts');
      await run(project, bundler, source, ...options, ...external, '--log-level=error');
      t.equal(await run(project, process.execPath, file), said, `a bundle of ${format}`);
    }
  });

  t.test('links between its pages lead somewhere', async (t) => {
    const installed = path.join(project, 'node_modules/twist-server');
    const pages = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.md'),
    );
    t.ok(pages.length > 10);
    let count = 0;
    for (const page of pages) {
      const file = path.join(installed, page);
      for (const [, link = ''] of readFileSync(file, 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (/^[a-z]+:/.test(link)) continue;
        count += 1;
        t.ok(existsSync(path.join(path.dirname(file), link)), `${page}: ${link}`);
      }
    }
    t.ok(count > 30, 'there are many');

    // npm shows this one by itself, and knows other pages by the package's repository.
    const readme = readFileSync(path.join(installed, 'README.md'), 'utf8');
    t.notMatch(readme, /<(?:a|img)\b|^\[[^\]]+\]:/m, 'all of its links are of the kind above');
    for (const [, page = '', anchor = ''] of readme.matchAll(/\]\(([^)#\s:]*)#([^)\s]+)\)/g)) {
      const text = readFileSync(path.join(installed, page || 'README.md'), 'utf8');
      const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      );
      t.ok(headings.includes(anchor), `README.md: ${page}#${anchor}`);
    }
  });
});
