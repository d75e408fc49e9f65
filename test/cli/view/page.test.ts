import t from 'tap';
import { PAGE } from '../../../src/cli/view/page.js';

t.test('the page has its three files', async (t) => {
  const { html, script, style } = await PAGE();
  t.match(html, /<!doctype html>/i);
  t.match(html, 'page.js');
  t.ok(script.length > 1000);
  t.ok(style.length > 100);
});
