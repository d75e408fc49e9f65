/** Clients put secrets into every place of a request, and nothing that the command writes has one. */
import { Buffer } from 'node:buffer';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { type RawClient, connectRaw } from '../fixtures/raw-client.js';
import { type Line, linesOf } from '../fixtures/read-recording.js';
import { RecordedLines, writeRecording } from '../fixtures/recorded-lines.js';
import { SECRET, TELLING_REQUESTS, type TellingRequest } from '../fixtures/telling-requests.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { TwistProcess, runTwist, startServing, startTwist } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

const FORMATS = ['text', 'har', 'pcapng', 'ndjson'] as const;

/** A Close without a code, masked with zeros. */
const CLOSE = Buffer.from('888000000000', 'hex');

const OWN_HEADERS = {
  host: 'localhost',
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-version': '13',
} as const;

function requestText({ target = '/', headers = [] }: TellingRequest, isUpgrade = true): string {
  const given = new Set(headers.map(([name]) => name));
  const own = Object.entries(isUpgrade ? OWN_HEADERS : { host: OWN_HEADERS.host });
  const lines = [...own.filter(([name]) => !given.has(name)), ...headers];
  const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `GET ${target} HTTP/1.1\r\n${text}\r\n`;
}

/** Sends a request, a Close when it was accepted, and waits for the end. @returns the answer's head */
async function ask(t: Test, port: number, text: string): Promise<string> {
  const client: RawClient = await connectRaw(t, port);
  client.send(text);
  await client.waitUntil(() => client.received.includes('\r\n\r\n'), 'the answer');
  const answer = client.received.toString('latin1');
  if (answer.startsWith('HTTP/1.1 101')) client.send(CLOSE);
  await client.finish();
  return answer.slice(0, answer.indexOf('\r\n\r\n'));
}

function countSecrets(bytes: string | Uint8Array): number {
  return (
    Buffer.from(bytes as string)
      .toString('latin1')
      .split(SECRET).length - 1
  );
}

/** All that is made of a recording, without a secret. @returns the texts by the names of the formats */
async function convertedWithoutSecrets(t: Test, file: string): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const format of [...FORMATS, 'novnc']) {
    const out = path.join(makeTempDir(t), format);
    const session = format === 'novnc' ? ['--session', '1'] : [];
    const { ending, stderr } = await runTwist(t, {
      args: ['convert', file, '--to', format, '--out', out, ...session],
    });
    t.equal(ending, 0, stderr);
    texts[format] = readFileSync(out, 'latin1');
    t.equal(countSecrets(texts[format]), 0, format);
    t.equal(countSecrets(stderr), 0);
  }
  return texts;
}

const opened = (lines: readonly Line[]): Line[] => lines.filter(({ ev }) => ev === 'open');

t.test('accepted handshakes: log, recording, and all that is made of it', async (t) => {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const twist = await startTwist(t, ['--record', file, '--log-level', 'debug']);
  let accepted = 0;
  for (const request of TELLING_REQUESTS) {
    const answer = await ask(t, twist.port, requestText(request));
    if (answer.startsWith('HTTP/1.1 101')) accepted++;
    else t.match(answer, /^HTTP\/1.1 4\d\d/, request.what);
  }
  t.ok(accepted > TELLING_REQUESTS.length - 20, `${accepted} of ${TELLING_REQUESTS.length}`);
  await twist.waitForLogs(({ msg }) => msg === 'session ended', accepted);
  await twist.stop();
  t.equal(countSecrets(twist.stderr + twist.stdout), 0, 'the log');
  t.equal(countSecrets(readFileSync(file)), 0, 'the recording');
  const lines = linesOf(file);
  t.match(lines[0], { ev: 'file', redacted: true });
  t.equal(opened(lines).length, accepted);
  const { ndjson = '', har = '' } = await convertedWithoutSecrets(t, file);
  t.equal(ndjson, readFileSync(file, 'latin1'), 'what is redacted passes as it is');
  t.match(har, '"name":"x-api-key","value":"[hidden:25]"', 'names and lengths are there');
  for (const line of opened(lines) as unknown as { headers: Record<string, unknown> }[])
    for (const [name, value] of Object.entries(line.headers)) t.type(value, 'string', name);
});

t.test('refused handshakes and files, in both forms of the log', async (t) => {
  const directory = makeTempDir(t);
  writeFileSync(path.join(directory, 'index.html'), 'hello');
  for (const format of ['json', 'pretty']) {
    const twist = new TwistProcess({
      args: [
        ...['serve', '--route', '/only=echo', '--origin', 'https://good.example'],
        ...['--listen', '127.0.0.1:0', '--log-level', 'debug', '--log-format', format],
        ...['--static', directory],
      ],
    });
    t.teardown(() => twist.kill());
    const find = (): RegExpExecArray | null => /ws:\/\/127\.0\.0\.1:(\d+)/.exec(twist.stderr);
    await eventually(() => find() !== null, 'the address');
    const port = Number(find()![1]);
    for (const request of TELLING_REQUESTS) {
      t.match(await ask(t, port, requestText(request)), /^HTTP\/1.1 4\d\d/, request.what);
      const file = await ask(
        t,
        port,
        requestText(request, false).replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
      );
      t.match(file, /^HTTP\/1.1 [2-4]\d\d/, request.what);
    }
    await ask(t, port, requestText({ what: '', headers: [['origin', `https://u:${SECRET}@h`]] }));
    await eventually(() => twist.stderr.includes('file request'), 'a line about a file');
    await twist.stop();
    t.ok(twist.stderr.split('\n').length > TELLING_REQUESTS.length);
    const telling = twist.stderr.split('\n').filter((line) => line.includes(SECRET));
    t.strictSame(telling, []);
  }
});

t.test('what a mode notes and throws', async (t) => {
  const mode = path.join(makeTempDir(t), 'mode.mjs');
  writeFileSync(
    mode,
    `export default {
      name: 'quoting',
      upgrade(session, { target, headers }) {
        session.notes = { from: 'wss://h' + target, all: { headers: [target] } };
        if (target.includes('fail')) throw new Error('cannot open wss://u:${SECRET}@h' + target);
      },
      message() {},
      close(session) { throw Object.assign(new Error('no: ' + session.notes.from), { url: session.notes.from }); },
    };`,
  );
  for (const format of ['json', 'pretty']) {
    const twist = new TwistProcess({
      args: ['serve', '--mode', mode, '--listen', '127.0.0.1:0', '--log-format', format],
    });
    t.teardown(() => twist.kill());
    const find = (): RegExpExecArray | null => /ws:\/\/127\.0\.0\.1:(\d+)/.exec(twist.stderr);
    await eventually(() => find() !== null, 'the address');
    const port = Number(find()![1]);
    t.match(await ask(t, port, requestText({ what: '', target: `/a?token=${SECRET}` })), '101');
    t.match(await ask(t, port, requestText({ what: '', target: `/fail?token=${SECRET}` })), '500');
    await eventually(() => twist.stderr.includes('session ended by an'), 'both lines');
    await twist.stop();
    t.match(twist.stderr, 'cannot open wss://[hidden:27]@h/fail?token=[hidden:25]');
    t.match(twist.stderr, 'mode.mjs', 'stacks are there');
    t.equal(countSecrets(twist.stderr), 0, twist.stderr);
  }
});

t.test('what the operator has named is recorded, and converters hide nothing of it', async (t) => {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const twist = await startTwist(t, [
    ...['--record', file, '--record-headers', 'x-room,Cookie', '--record-query', 'room'],
    ...['--subprotocol', 'my.app,chat'],
  ]);
  const request: TellingRequest = {
    what: '',
    target: `/ws?room=${SECRET}&token=abc`,
    headers: [
      ['X-Room', SECRET],
      ['cookie', 'a=b'],
      ['x-other', 'abc'],
      ['sec-websocket-protocol', 'my.app, my.other'],
    ],
  };
  t.match(await ask(t, twist.port, requestText(request)), 'Sec-WebSocket-Protocol: my.app');
  await twist.waitForLog(({ msg }) => msg === 'session ended');
  await twist.stop();
  t.match(
    twist.log.find(({ msg }) => msg === 'session ended'),
    { path: '/ws', subprotocol: 'my.app' },
  );
  const [open] = opened(linesOf(file));
  t.match(open, {
    url: `/ws?room=${SECRET}&token=[hidden:3]`,
    headers: {
      'x-room': SECRET,
      cookie: 'a=b',
      'x-other': '[hidden:3]',
      'sec-websocket-protocol': 'my.app, [hidden:8]',
    },
    subprotocol: 'my.app',
  });
  for (const format of ['har', 'pcapng', 'ndjson']) {
    const out = path.join(makeTempDir(t), format);
    await runTwist(t, { args: ['convert', file, '--to', format, '--out', out] });
    t.equal(countSecrets(readFileSync(out)), format === 'har' ? 3 : 2, format);
  }
  const everything = path.join(makeTempDir(t), 'traffic.ndjson');
  const other = await startTwist(t, [
    ...['--record', everything, '--record-headers', '*', '--record-query', '*'],
  ]);
  await ask(t, other.port, requestText(request));
  await other.waitForLog(({ msg }) => msg === 'session ended');
  await other.stop();
  t.match(opened(linesOf(everything)), [
    { url: `/ws?room=${SECRET}&token=abc`, headers: { 'x-other': 'abc' }, subprotocol: 'my.app' },
  ]);
  t.equal(countSecrets(other.stderr), 0, 'the log shows no more by it');
});

t.test(
  'first selects a subprotocol where one is on offer, and a token where there is nothing else',
  async (t) => {
    const twist = await startTwist(t);
    for (const [offered, selected] of [
      [`openai-insecure-api-key.sk-${SECRET}, realtime`, 'realtime'],
      [`base64url.bearer.authorization.k8s.io.${SECRET}, v4.channel.k8s.io`, 'v4.channel.k8s.io'],
      [`${SECRET}, my.app`, 'my.app'],
      [`bearer.${SECRET}`, `bearer.${SECRET}`],
    ] as const) {
      const headers = [['sec-websocket-protocol', offered]] as const;
      const answer = await ask(t, twist.port, requestText({ what: '', headers }));
      t.ok(answer.split('\r\n').includes(`Sec-WebSocket-Protocol: ${selected}`), answer);
    }
    await twist.waitForLogs(({ msg }) => msg === 'session ended', 4);
    await twist.stop();
    t.equal(countSecrets(twist.stderr), 0);
  },
);

t.test('recordings of others, and those before there was a redaction', async (t) => {
  const lines = TELLING_REQUESTS.map(({ target = '/', headers = [] }, index) => {
    const recorded = new RecordedLines(`S${index}`);
    const subprotocol = headers.find(([name]) => name === 'sec-websocket-protocol')?.[1] ?? null;
    const extensions = headers.find(([name]) => name === 'sec-websocket-extensions')?.[1] ?? null;
    const open = recorded.open({
      id: index + 1,
      url: target,
      headers: Object.fromEntries([...Object.entries(OWN_HEADERS), ...headers]),
      subprotocol,
      extensions,
    });
    return [{ ...open, cookies: { session: SECRET } }, recorded.in('hello'), recorded.close()];
  });
  const file = writeRecording(t, lines.flat());
  t.ok(countSecrets(readFileSync(file)) > TELLING_REQUESTS.length);
  await convertedWithoutSecrets(t, file);
  const twist = await startServing(t, {
    args: [
      ...['serve', '--replay', file, '--listen', '127.0.0.1:0', '--log-level', 'debug'],
      ...['--log-format', 'json'],
    ],
  });
  for (const request of TELLING_REQUESTS) await ask(t, twist.port, requestText(request));
  await twist.stop();
  t.equal(countSecrets(twist.stderr), 0);
  const believed = path.join(makeTempDir(t), 'believed.ndjson');
  copyFileSync(file, believed);
  writeFileSync(
    believed,
    readFileSync(believed, 'utf8').replace('"v":1,', '"v":1,"redacted":true,'),
  );
  const { stdout } = await runTwist(t, { args: ['convert', believed, '--to', 'text'] });
  t.ok(countSecrets(stdout) > 0, 'one that says that it is redacted is shown as it is');
});

t.test('a replay serves clients whose tokens are others than the recorded ones', async (t) => {
  const file = path.join(makeTempDir(t), 'traffic.ndjson');
  const recording = await startTwist(t, ['--record', file]);
  const target = (token: string): string => `/room;jsessionid=${token}/${token}?token=${token}`;
  const request = (token: string): string =>
    requestText({
      what: '',
      target: target(token),
      headers: [['sec-websocket-protocol', `bearer.${token}`]],
    });
  t.match(await ask(t, recording.port, request(SECRET)), '101');
  await recording.waitForLog(({ msg }) => msg === 'session ended');
  await recording.stop();
  const twist = await startServing(t, {
    args: [
      'serve',
      '--replay',
      file,
      '--listen',
      '127.0.0.1:0',
      '--log-format',
      'json',
      '--log-level',
      'debug',
    ],
  });
  t.match(await ask(t, twist.port, request(`${SECRET}longer`)), '101');
  t.match(await ask(t, twist.port, requestText({ what: '', target: '/room' })), '404');
  await twist.waitForLog(({ msg }) => msg === 'session ended');
  await twist.stop();
  t.notMatch(twist.stderr, 'the subprotocol is not the recorded one');
  t.equal(countSecrets(twist.stderr), 0);
});
