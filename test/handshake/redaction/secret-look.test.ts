import { createHash, randomUUID } from 'node:crypto';
import t from 'tap';
import { looksSecret } from '../../../src/handshake/redaction/secret-look.js';
import { cpuMs } from '../../fixtures/cpu-time.js';

t.test('what nobody would call a path, a version or a room by', async (t) => {
  const texts = [
    'eyJhbGciOiJIUzI1NiJ9',
    'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.',
    '0f8fad5b-d9cb-469f-a165-70867728950e',
    'bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw',
    'sk-proj-4fT9aBcD3eFgH1jK',
    'a'.repeat(32),
    'a'.repeat(15) + '1',
    'room.' + 'a1'.repeat(8),
    'AKIAIOSFODNN7EXAMPLE',
    'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
    'abCD-ef_GH-ij_KL-mn_1',
  ];
  for (const text of texts) t.equal(looksSecret(text), true, text);
});

t.test('names of things', async (t) => {
  const texts = [
    '',
    'websockify',
    'v4.channel.k8s.io',
    'graphql-transport-ws',
    'internationalization',
    'index-BXk3j2kq.js',
    'my-room-name-of-many-words-2026',
    '2026-11-29T10:22:33.123Z',
    '123456789012345678',
    'r2d2-c3po-r2d2-c3po-r2d2',
    'dead-beef-dead-beef-dead-beef',
  ];
  for (const text of texts) t.equal(looksSecret(text), false, text);
});

t.test('what makes tokens makes such ones', async (t) => {
  for (let run = 0; run < 200; run++) {
    // One in some thousand tokens in base64url has no digit, and does not look like one.
    const bytes = createHash('sha256').update(String(run)).digest();
    for (const text of [
      bytes.toString('hex'),
      bytes.toString('base64url'),
      randomUUID(),
      createHash('md5').update(bytes).digest('hex'),
    ])
      t.equal(looksSecret(text), true, text);
  }
});

t.test('its cost grows with the text', async (t) => {
  const text = (length: number): string =>
    '-'.repeat(length / 2) +
    'a'
      .repeat(15)
      .concat('-')
      .repeat(length / 32);
  const small = cpuMs(() => looksSecret(text(200_000)));
  const large = cpuMs(() => looksSecret(text(800_000)));
  t.ok(large < 12 * small + 20, `${small} ms, then ${large} ms`);
});
