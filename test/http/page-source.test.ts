import { Buffer } from 'node:buffer';
import t from 'tap';
import { answerOf, pageAnswer, pagesOf, textAnswer } from '../../src/http/page-source.js';

const SECURITY = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

t.test('every answer is safe, whatever it is', async (t) => {
  t.strictSame(pageAnswer({ type: 'text/css', body: 'ä' }), {
    status: 200,
    headers: { ...SECURITY, 'Content-Type': 'text/css' },
    body: Buffer.from('ä'),
  });
  const bytes = Uint8Array.of(1, 2);
  t.equal(pageAnswer({ type: 'image/png', body: bytes }).body, bytes, 'bytes are not copied');
  t.strictSame(textAnswer(303, 'see there', { Location: '/' }), {
    status: 303,
    headers: { ...SECURITY, 'Content-Type': 'text/plain; charset=utf-8', Location: '/' },
    body: Buffer.from('see there\n'),
  });
});

t.test('a page of three files', async (t) => {
  const files = { html: '<p>', script: '1', style: 'p{}' };
  const pages = pagesOf(files);
  const cases: readonly (readonly [path: string, type: string, body: string])[] = [
    ['/', 'text/html; charset=utf-8', '<p>'],
    ['/page.js', 'text/javascript; charset=utf-8', '1'],
    ['/page.css', 'text/css; charset=utf-8', 'p{}'],
  ];
  for (const [path, type, body] of cases)
    t.match(answerOf(pages, { path }), {
      status: 200,
      headers: { 'Content-Type': type },
      body: Buffer.from(body),
    });
  t.match(answerOf(pages, { path: '/page.js/' }), {
    status: 404,
    body: Buffer.from('there is no such page\n'),
  });
  t.strictSame([...pagesOf(files, '/a/').keys()], ['/a/', '/a/page.js', '/a/page.css']);
});
