/** The examples of token modules, examples/tokens-jwt and examples/tokens-redis, with an identity provider and a Redis. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from '@redis/client';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { findCommands, startService } from '../fixtures/service-process.js';
import { startTarget } from '../fixtures/tcp-target.js';
import { type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

t.setTimeout(60_000);

const start = (t: Test, example: string, env: Record<string, string>): Promise<TwistProcess> =>
  startServing(t, {
    args: [
      ...['serve', '--token-file', `examples/${example}/tokens.mjs`, '--listen', '127.0.0.1:0'],
      ...[
        '--log-format',
        'json',
        '--target-connect-timeout',
        '3s',
        '--target-allow',
        '127.0.0.0/8',
      ],
    ],
    env,
  });

interface Answer {
  /** The status, or what the target says. */
  readonly what: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

async function ask({ port }: TwistProcess, token: string | null): Promise<Answer> {
  const query = token === null ? '' : `?token=${encodeURIComponent(token)}`;
  const client = new WebSocket(`ws://127.0.0.1:${port}/${query}`);
  return await within(
    new Promise<Answer>((resolve, reject) => {
      client.on('unexpected-response', (_, response) => {
        resolve({ what: String(response.statusCode), headers: response.headers });
        client.terminate();
      });
      client.on('message', (data: Buffer) => {
        resolve({ what: data.toString(), headers: {} });
        client.close();
      });
      client.on('error', reject);
    }),
    'an answer',
  );
}

const statusOf = async (twist: TwistProcess, token: string | null): Promise<string> =>
  (await ask(twist, token)).what;

async function startGreeter(t: Test): Promise<string> {
  const { address } = await startTarget(t, (socket) => {
    socket.end('hello');
    socket.resume();
  });
  return address;
}

t.test('JSON Web Tokens', async (t) => {
  const address = await startGreeter(t);
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const stranger = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' };
  let asked = 0;
  const provider = createServer((_, response) => {
    asked++;
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: [jwk] }));
  }).listen(0, '127.0.0.1');
  await once(provider, 'listening');
  t.teardown(() => provider.close());
  const issuer = 'https://id.example.com/';
  const twist = await start(t, 'tokens-jwt', {
    JWKS_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/jwks`,
    JWT_ISSUER: issuer,
    DESKS: JSON.stringify({ 7: address, 8: '192.0.2.1:1', __proto__: 'x' }),
  });
  const tokenOf = (
    claims: object,
    { ends = '1 minute', by = issuer, key = privateKey, audience = 'twist' } = {},
  ): Promise<string> =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(by)
      .setAudience(audience)
      .setExpirationTime(ends)
      .sign(key);
  const good = await tokenOf({ desk: '7' });
  t.equal(await statusOf(twist, good), 'hello');
  t.equal(await statusOf(twist, good), 'hello');
  t.equal(asked, 1, 'the keys are kept');
  t.equal(await statusOf(twist, await tokenOf({ desk: '9' })), '404', 'a desk that is not there');
  t.equal(await statusOf(twist, await tokenOf({ desk: 'toString' })), '404');
  t.equal(await statusOf(twist, await tokenOf({ desk: '8' })), '502', 'where no target may be');
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${good.split('.')[1]!}.`;
  for (const [what, token] of [
    ['none', null],
    ['nonsense', 'abc'],
    ['changed', good.replace(/.{4}$/, 'AAAA')],
    ['unsigned', unsigned],
    ['over', await tokenOf({ desk: '7' }, { ends: '1 minute ago' })],
    ['of another issuer', await tokenOf({ desk: '7' }, { by: 'https://evil.example/' })],
    ['for another audience', await tokenOf({ desk: '7' }, { audience: 'other' })],
    ['with another key', await tokenOf({ desk: '7' }, { key: stranger.privateKey })],
    [
      'without an end',
      await new SignJWT({ desk: '7' })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setIssuer(issuer)
        .setAudience('twist')
        .sign(privateKey),
    ],
  ] as const) {
    const { what: status, headers } = await ask(twist, token);
    t.equal(status, '401', what);
    t.equal(headers['www-authenticate'], 'Bearer realm="twist"');
  }
  t.ok(
    twist.log.some(({ reason }) => reason === 'ERR_JWT_EXPIRED'),
    'the log says why',
  );
  t.equal(await twist.stop(), 0);
  t.notMatch(twist.stderr, /eyJ/);
});

t.test('JSON Web Tokens while the identity provider is away', async (t) => {
  const twist = await start(t, 'tokens-jwt', {
    JWKS_URL: 'http://127.0.0.1:1/jwks',
    JWT_ISSUER: 'https://id.example.com/',
  });
  const { privateKey } = await generateKeyPair('ES256');
  const token = await new SignJWT({}).setProtectedHeader({ alg: 'ES256' }).sign(privateKey);
  t.equal(await statusOf(twist, token), '500');
  t.notMatch(twist.stderr, token.slice(0, 20));
});

t.test('Redis', async (t) => {
  const [command] = findCommands(t, ['redis-server']) ?? [];
  if (command === undefined) return;
  const address = await startGreeter(t);
  const redis = await startService(t, {
    command,
    arrange: (port) => ['--port', String(port), '--bind', '127.0.0.1', '--save', ''],
    ready: /Ready to accept connections/,
  });
  const url = `redis://${redis.address}`;
  const writer = createClient({ url });
  writer.on('error', () => undefined);
  await writer.connect();
  const keyOf = (token: string): string =>
    `twist:${createHash('sha256').update(token).digest('hex')}`;
  await writer.set(keyOf('desk-7'), address, { EX: 60 });
  await writer.set(keyOf('desk-8'), '192.0.2.1:1');
  await writer.set(keyOf('desk-9'), 'nowhere');
  await writer.hSet(keyOf('desk-0'), 'a', 'b');
  const twist = await start(t, 'tokens-redis', { REDIS_URL: url });
  t.equal(await statusOf(twist, 'desk-7'), 'hello');
  for (const [token, status] of [
    ['nobody', '404'],
    [null, '404'],
    ['desk-8', '502'],
    ['desk-9', '500'],
    ['desk-0', '500'],
  ] as const)
    t.equal(await statusOf(twist, token), status, String(token));
  const many = Array.from({ length: 50 }, () => statusOf(twist, 'desk-7'));
  t.strictSame([...new Set(await Promise.all(many))], ['hello']);
  await writer.del(keyOf('desk-7'));
  t.equal(await statusOf(twist, 'desk-7'), '404', 'taken back');
  writer.destroy();
  // A Redis that hangs, and one that is gone.
  process.kill(redis.process.pid, 'SIGSTOP');
  t.equal(await statusOf(twist, 'desk-7'), '504');
  process.kill(redis.process.pid, 'SIGCONT');
  await redis.process.stop();
  t.equal(await statusOf(twist, 'desk-7'), '500');
  t.equal(await twist.stop(), 0, 'its connections keep nothing from ending');
  t.notMatch(twist.stderr, /desk-\d/);
});
