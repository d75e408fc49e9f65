/** Tokens that stand in the path or the host, and targets by a module, with the command as a user runs it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import WebSocket from 'ws';
import { connectRaw } from '../fixtures/raw-client.js';
import { upgradeText } from '../fixtures/handshake.js';
import { type TcpTarget, startTarget } from '../fixtures/tcp-target.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, runTwist, startServing } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

/** No part of a path, a host or a word of ours has it in it. */
const TOKEN = 'qzx-7';

const greet = (t: Test, text: string): Promise<TcpTarget> =>
  startTarget(t, (socket) => {
    socket.write(text);
    socket.on('end', () => socket.end());
    socket.resume();
  });

const start = (t: Test, ...flags: string[]): Promise<TwistProcess> =>
  startServing(t, {
    args: [
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--log-format',
      'json',
      '--log-level',
      'debug',
      ...flags,
    ],
  });

/** The status of a handshake, or what the target says. */
async function ask(
  port: number,
  target: string,
  headers: Record<string, string> = {},
): Promise<string> {
  const client = new WebSocket(`ws://127.0.0.1:${port}${target}`, { headers });
  return await new Promise((resolve, reject) => {
    client.on('unexpected-response', (_, response) => {
      resolve(String(response.statusCode));
      response.resume();
      client.terminate();
    });
    client.on('message', (data: Buffer) => {
      resolve(data.toString());
      client.close();
    });
    client.on('error', reject);
  });
}

const sessions = ({ log }: TwistProcess): number =>
  log.filter(({ msg }) => msg === 'session ended').length;

t.test('tokens in the path and in the host, and no trace of them', async (t) => {
  const target = await greet(t, 'hello');
  const directory = makeTempDir(t);
  const tokens = path.join(directory, 'tokens');
  writeFileSync(
    tokens,
    `${TOKEN}: ${target.address}\nqzx 8: ${target.address}\nqzx-9: 127.0.0.1:1\n`,
  );
  const page = path.join(directory, 'web');
  const common = ['--token-file', tokens, '--static', directory, '--origin', 'any'];
  for (const [place, asked] of [
    [
      'path',
      async (port: number) => {
        t.equal(await ask(port, `/vnc/${TOKEN}`), 'hello');
        t.equal(
          await ask(port, `/vnc/${TOKEN}/?token=x`, { Referer: `http://a.example/${TOKEN}` }),
          'hello',
        );
        t.equal(await ask(port, '/vnc/qzx%208'), 'hello');
        for (const none of [
          '/vnc',
          '/vnc/',
          '/vnc/qzx-0',
          `/${TOKEN}`,
          `/vnc/${TOKEN}/x`,
          `/?token=${TOKEN}`,
        ])
          t.equal(await ask(port, none), '404', none);
        t.equal(await ask(port, '/vnc/qzx-9'), '502');
        t.equal(await ask(port, '/vnc/qzx%'), '400');
      },
    ],
    [
      'host',
      async (port: number) => {
        const host = (name: string) => ({
          Host: name,
          Origin: `http://${name}`,
          Referer: `http://${name}/x`,
          'X-Forwarded-Host': name,
          Forwarded: `host=${name}`,
        });
        t.equal(await ask(port, '/vnc', host(`${TOKEN}.localhost`)), 'hello');
        t.equal(await ask(port, '/vnc', host(`${TOKEN.toUpperCase()}.localhost:80`)), 'hello');
        t.equal(await ask(port, '/vnc', host('qzx-0.localhost')), '404');
        t.equal(await ask(port, '/vnc', host('qzx-9.localhost')), '502');
        t.equal(await ask(port, '/vnc', host(`${TOKEN}.example.com`)), '421', 'a foreign host');
        t.equal(await ask(port, `/vnc/${TOKEN}?token=${TOKEN}`), '404');
      },
    ],
  ] as const) {
    const record = path.join(directory, `${place}.ndjson`);
    const routes = ['--token-from', place, '--route', '/vnc=token', '--record', record];
    const twist = await start(
      t,
      ...common,
      ...routes,
      '--record-headers',
      '*',
      '--record-query',
      '*',
    );
    await asked(twist.port);
    // As a file, too: it is in no line.
    const file = await connectRaw(t, twist.port);
    const host = place === 'host' ? `${TOKEN}.localhost` : 'localhost';
    file.send(
      `GET /vnc/${place === 'path' ? TOKEN : 'x'} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    await file.waitForEnd();
    t.match(file.received.toString('latin1'), /^HTTP\/1.1 404 /);
    await file.finish();
    const foreign = await connectRaw(t, twist.port);
    foreign.send(
      upgradeText(
        { Host: place === 'host' ? `${TOKEN}.elsewhere.example` : 'a.example' },
        `GET /vnc/${TOKEN} HTTP/1.1`,
      ),
    );
    await foreign.waitForEnd();
    await foreign.finish();
    await eventually(() => sessions(twist) >= 2, 'the ends of the sessions');
    t.equal(await twist.stop(), 0);
    const recorded = readFileSync(record, 'utf8');
    t.match(recorded, place === 'path' ? '/vnc/[hidden:5]' : '[hidden:5].localhost');
    for (const [what, text] of [
      ['log', twist.stderr],
      ['recording', recorded],
    ] as const)
      t.notMatch(text, /qzx/i, `${place}: ${what}`);
    const converted = path.join(directory, 'converted');
    for (const format of ['text', 'har', 'pcapng']) {
      await runTwist(t, {
        args: ['convert', record, '--to', format, '--out', converted, '--force'],
      });
      if (existsSync(converted)) t.notMatch(readFileSync(converted, 'latin1'), /qzx/i, format);
    }
  }
  t.notOk(existsSync(page));
});

t.test('tokens in the host that a trusted proxy reports', async (t) => {
  const target = await greet(t, 'hello');
  const tokens = path.join(makeTempDir(t), 'tokens');
  writeFileSync(tokens, `${TOKEN}: ${target.address}\n`);
  const flags = ['--token-file', tokens, '--token-from', 'host'];
  const headers = { Host: 'backend', 'X-Forwarded-Host': `${TOKEN}.example.com` };
  const trusting = await start(t, ...flags, '--trust-proxy', '127.0.0.1');
  t.equal(await ask(trusting.port, '/', headers), 'hello');
  const doubting = await start(t, ...flags, '--allowed-hosts', 'any');
  t.equal(await ask(doubting.port, '/', headers), '404');
  for (const { stderr } of [trusting, doubting]) t.notMatch(stderr, /qzx/);
});

t.test('targets by a module of the operator', async (t) => {
  const target = await greet(t, 'hello');
  const directory = makeTempDir(t);
  const file = path.join(directory, 'tokens.mjs');
  const code = `
    import { setTimeout } from 'node:timers/promises';
    export async function findTarget({ token, path, headers, remoteAddress, signal }) {
      if (token === null) return null;
      if (token === 'slow') await setTimeout(60_000, undefined, { signal });
      if (token === 'never') await new Promise(() => {});
      if (token === 'throws') throw new Error('no ' + token + ' for ' + headers.authorization);
      if (token === 'wrong') return 'not a target';
      if (token === 'expired') throw Object.assign(new Error(), { name: 'HandshakeError', rule: 'unauthorized' });
      if (token === 'outside') return '192.0.2.1:1';
      if (remoteAddress !== '127.0.0.1' || path !== '/vnc') return undefined;
      return token === '${TOKEN}' ? '${target.address}' : null;
    }`;
  writeFileSync(file, code);
  const twist = await start(
    t,
    ...['--token-file', file, '--target-connect-timeout', '500ms', '--target-allow', '127.0.0.0/8'],
  );
  const statusOf = (token: string): Promise<string> =>
    ask(twist.port, `/vnc?token=${token}`, { Authorization: 'Bearer qzx-secret' });
  t.equal(await statusOf(TOKEN), 'hello');
  // A client that leaves while its target is looked for is forgotten.
  const leaving = await connectRaw(t, twist.port);
  leaving.send(upgradeText({}, 'GET /vnc?token=never HTTP/1.1'));
  leaving.socket.resetAndDestroy();
  const waiting = Promise.all(['slow', 'never'].map(statusOf));
  t.equal(await statusOf(TOKEN), 'hello', 'while others wait');
  for (const [token, status] of [
    ['nobody', '404'],
    ['', '404'],
    ['throws', '500'],
    ['wrong', '500'],
    ['expired', '401'],
    ['outside', '502'],
  ] as const)
    t.equal(await statusOf(token), status, token);
  t.strictSame(await waiting, ['504', '504']);
  const line = (reason: RegExp): object | undefined =>
    twist.log.find((one) => reason.test(JSON.stringify(one)));
  t.match(line(/gave a text of 12 characters/), { level: 'error', status: 500 });
  t.match(line(/no \[hidden:6\] for \[hidden:\d+\]/), { level: 'error' });
  t.match(line(/gave no target within 500 ms/), { rule: 'target-timeout', status: 504 });
  t.equal(twist.log.filter(({ rule }) => rule === 'target-timeout').length, 2);
  twist.signal('SIGHUP');
  await twist.waitForLog(({ msg }) => msg.startsWith('reloaded') || msg.startsWith('nothing'));
  writeFileSync(file, code.replace('not a target', '127.0.0.1:1'));
  twist.signal('SIGHUP');
  await twist.waitForLog((one) => JSON.stringify(one).includes('code is loaded at the start only'));
  t.equal(await statusOf('wrong'), '500', 'the code that was loaded runs on');
  t.equal(await statusOf(TOKEN), 'hello');
  t.equal(await twist.stop(), 0);
  t.notMatch(twist.stderr, /qzx/);
});

t.test('a module that cannot be used is refused at the start', async (t) => {
  const directory = makeTempDir(t);
  const refusal = async (name: string, code: string | null): Promise<string> => {
    const file = path.join(directory, name);
    if (code !== null) writeFileSync(file, code);
    const results = await Promise.all(
      [['serve'], ['config', 'check']].map((verb) =>
        runTwist(t, { args: [...verb, '--token-file', file] }),
      ),
    );
    t.ok(results.every(({ ending }) => ending === 2));
    return results[0]!.stderr.replaceAll(directory, '');
  };
  t.match(await refusal('none.mjs', null), 'cannot be "/none.mjs": there is no such file');
  t.match(await refusal('a.mjs', 'export const x = 1;'), 'it does not export findTarget');
  t.match(
    await refusal('b.cjs', 'module.exports = { findTarget: 7 };'),
    'must be a function, not 7',
  );
  t.match(await refusal('c.mjs', 'export const x = ;'), 'SyntaxError');
  t.match(
    await refusal('d.mjs', "throw new Error('no')"),
    'it cannot be loaded, line 1 of d.mjs: Error: no',
  );
  const useless = await runTwist(t, { args: ['serve', '--echo', '--token-from', 'path'] });
  t.match(useless.stderr, '--token-from has no effect without --token-file');
});
