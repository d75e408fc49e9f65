/**
 * Counts the source files that a message really passes: the server's own code runs, compiled file by file,
 * while V8 counts the calls of every function.
 */
import { Buffer } from 'node:buffer';
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { transformSync } from 'esbuild';

/** Each is sent when the answer to the last one has come, so that each is a read of its own. */
const MESSAGES = 100;
const PATIENCE_MS = 30_000;
const PAYLOAD = Buffer.from('hello');
/** The first byte of a final frame. */
const TEXT = 0x81;
const BINARY = 0x82;
const MASKED = 0x80;
/** Of zeros: the payload stays as it is. */
const MASKING_KEY = Buffer.alloc(4);

/** Runs in the server's process: loads the command when it is told to, and counts between two messages. */
const PROBE = `
import { Session } from 'node:inspector';
const session = new Session();
session.connect();
const post = (method, given) => new Promise((resolve, reject) => {
  session.post(method, given, (error, result) => (error ? reject(error) : resolve(result)));
});
process.on('message', async (message) => {
  if (message === 'start') {
    await post('Profiler.enable');
    await post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    process.send('started');
  } else {
    process.send((await post('Profiler.takePreciseCoverage')).result);
  }
});
await import('./src/cli/main.js');
`;

/**
 * @param {string} root
 * @param {ReadonlyMap<string, string>} sources
 * @returns {Promise<{ echo: string[], proxy: string[] }>} files in which a function ran at least once for each
 *   message: echoed; sent to a TCP target, and for its answer
 */
export async function passedFiles(root, sources) {
  const parent = path.join(root, 'node_modules', '.cache');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(parent, 'shape-'));
  try {
    transpile(sources, folder);
    const echo = await passes(folder, ['serve', '--echo', '--listen', '0'], TEXT);
    const target = net.createServer((socket) => {
      socket.on('error', () => undefined).pipe(socket);
    });
    await once(target.listen(0, '127.0.0.1'), 'listening');
    const { port } = /** @type {net.AddressInfo} */ (target.address());
    try {
      const argv = ['serve', '--tcp', `127.0.0.1:${port}`, '--listen', '0'];
      const proxy = await passes(folder, argv, BINARY);
      return { echo, proxy };
    } finally {
      target.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * @param {ReadonlyMap<string, string>} sources
 * @param {string} folder
 */
function transpile(sources, folder) {
  // What the build defines (the version, a library as text) has no part in a message.
  const define = Object.fromEntries(
    [...sources.values()]
      .flatMap((text) => [...text.matchAll(/^declare const ([A-Z_]+)\b/gm)])
      .map(([, name = '']) => [name, '"0.0.0"']),
  );
  writeFileSync(path.join(folder, 'package.json'), '{ "type": "module" }\n');
  writeFileSync(path.join(folder, 'probe.js'), PROBE);
  for (const [file, text] of sources) {
    const target = path.join(folder, file.replace(/\.ts$/, '.js'));
    mkdirSync(path.dirname(target), { recursive: true });
    const { code } = transformSync(text, {
      loader: 'ts',
      format: 'esm',
      target: 'node20.19',
      sourcefile: file,
      define,
      // The functions keep their places, so that what is counted is what was written.
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, target: 'es2023' } },
    });
    writeFileSync(target, code);
  }
}

/**
 * @param {string} folder
 * @param {readonly string[]} argv
 * @param {number} firstByte of the frame that is sent and comes back
 */
async function passes(folder, argv, firstByte) {
  const child = fork(path.join(folder, 'probe.js'), argv, {
    cwd: folder,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const patience = setTimeout(() => {
    child.kill('SIGKILL');
  }, PATIENCE_MS);
  const ended = once(child, 'exit');
  try {
    const client = await connect(await portOf(child), firstByte);
    await client.exchange();
    child.send('start');
    await once(child, 'message');
    for (let sent = 0; sent < MESSAGES; sent++) await client.exchange();
    child.send('take');
    /** @type {unknown[]} */
    const messages = await once(child, 'message');
    client.end();
    return filesOf(folder, /** @type {Counted[]} */ (messages[0]));
  } finally {
    child.kill('SIGKILL');
    await ended;
    clearTimeout(patience);
  }
}

/**
 * @typedef {object} Counted what V8 says of one script
 * @property {string} url
 * @property {{ ranges: { count: number }[] }[]} functions the first range of each is its whole
 */

/**
 * @param {string} folder
 * @param {readonly Counted[]} counted
 */
function filesOf(folder, counted) {
  const files = counted
    .filter(({ url }) => url.startsWith('file:'))
    .map(({ url, functions }) => ({
      file: path.relative(folder, fileURLToPath(url)).replaceAll(path.sep, '/'),
      calls: Math.max(0, ...functions.map(({ ranges: [whole] }) => whole?.count ?? 0)),
    }))
    .filter(({ file, calls }) => file.startsWith('src/') && calls >= MESSAGES);
  return files.map(({ file }) => file.replace(/\.js$/, '.ts')).sort();
}

/**
 * Where the server listens, from its log.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number>}
 */
function portOf(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    /** @param {string} text */
    const read = (text) => {
      output += text;
      const port = /ws:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
      if (port !== undefined) resolve(Number(port));
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    child.once('exit', () => {
      reject(new Error(`the server did not start:\n${output}`));
    });
  });
}

/**
 * @param {number} port
 * @param {number} firstByte
 * @returns {Promise<{ exchange(): Promise<void>, end(): void }>} `exchange` sends a message and waits for its answer
 */
async function connect(port, firstByte) {
  const socket = net.connect(port, '127.0.0.1').setNoDelay();
  let received = Buffer.alloc(0);
  /** @type {() => void} */
  let wake = () => undefined;
  socket.on('data', (bytes) => {
    received = Buffer.concat([received, bytes]);
    wake();
  });
  let isClosed = false;
  socket.on('close', () => {
    isClosed = true;
    wake();
  });
  /** @param {() => boolean} isThere */
  const until = async (isThere) => {
    while (!isThere()) {
      if (isClosed) throw new Error('the server closed the connection');
      await new Promise((/** @type {(value: void) => void} */ resolve) => {
        wake = resolve;
      });
    }
  };
  socket.write(
    'GET / HTTP/1.1\r\n' +
      `Host: 127.0.0.1:${port}\r\n` +
      'Upgrade: websocket\r\n' +
      'Connection: Upgrade\r\n' +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
      'Sec-WebSocket-Version: 13\r\n\r\n',
  );
  await until(() => received.includes('\r\n\r\n'));
  const response = received.toString('latin1');
  if (!response.startsWith('HTTP/1.1 101 ')) throw new Error(`no handshake: ${response}`);
  received = received.subarray(received.indexOf('\r\n\r\n') + 4);
  const message = Buffer.from([firstByte, MASKED | PAYLOAD.length, ...MASKING_KEY, ...PAYLOAD]);
  const answer = Buffer.from([firstByte, PAYLOAD.length, ...PAYLOAD]);
  return {
    exchange: async () => {
      socket.write(message);
      await until(() => received.length >= answer.length);
      if (!received.equals(answer)) throw new Error(`not the answer: ${received.toString('hex')}`);
      received = Buffer.alloc(0);
    },
    end: () => {
      socket.destroy();
    },
  };
}
