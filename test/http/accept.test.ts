import t from 'tap';
import { prefersHtml } from '../../src/http/accept.js';

t.test('browsers get a page', async (t) => {
  for (const accept of [
    // Chromium, Firefox, Safari.
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
    'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'text/html',
    'TEXT/HTML ; Q=0.5',
    'application/xhtml+xml',
    'text/html, */*',
    'application/json;q=0.9, text/html',
    'text/html, application/json',
    'text/html;q=0.5, application/*;q=0.4, */*',
    'text/html;level=1;q=0.7, application/json;q=0.7',
  ])
    t.ok(prefersHtml([accept]), accept);
  t.ok(prefersHtml(['application/json;q=0.5', 'text/html']), 'in two lines');
});

t.test('everything else gets JSON', async (t) => {
  for (const accept of [
    // curl, undici, Python requests, an image of a page.
    '*/*',
    'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8',
    'application/json',
    'text/*',
    'text/html;q=0',
    'text/html;q=0.5, application/json',
    'text/html;q=0.5, */*',
    'text/html;q=0.5, application/*;q=0.9, */*;q=0.1',
    'text/html;q=2',
    'text/html;q=-1',
    'text/html;q=a',
    'text/htmlx',
    ';q=1',
    '',
  ])
    t.notOk(prefersHtml([accept]), accept);
  t.notOk(prefersHtml([]));
});
