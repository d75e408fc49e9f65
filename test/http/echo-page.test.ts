import t from 'tap';
import { STRICT_REDACTION } from '../../src/handshake/redaction/redaction.js';
import { EchoPage, isAttempt } from '../../src/http/echo-page.js';
import type { PageFiles, PageTerms } from '../../src/http/page-source.js';
import { requestOf } from '../fixtures/service-request.js';

const FILES: PageFiles = { html: '<!doctype html>', script: 'go()', style: 'p{}' };
const HTML = 'Accept: text/html,*/*;q=0.8';
const CONTROL = { name: 'delay', example: '200ms', help: 'wait before each echo', choices: [] };
const PEER = { remoteAddress: '192.0.2.1', remotePort: 1234 };

class Pages {
  readonly page: EchoPage;
  /** By path. */
  readonly terms = new Map<string, PageTerms>([
    ['/', { showsAll: false, hasControls: false }],
    ['/all', { showsAll: true, hasControls: true }],
  ]);
  loads = 0;
  fails = false;

  constructor() {
    const load = (): Promise<PageFiles> => {
      this.loads++;
      return this.fails ? Promise.reject(new Error('no such part')) : Promise.resolve(FILES);
    };
    this.page = new EchoPage(
      { version: '1.2.3', maxMessage: 1000, load, loadControls: async () => [CONTROL] },
      { redaction: STRICT_REDACTION, findPage: (path) => this.terms.get(path) ?? null },
    );
  }

  /** Status, type and body. */
  async ask(target: string, ...headers: readonly string[]): Promise<readonly unknown[]> {
    const answer = await this.page.answer(requestOf(`GET ${target} HTTP/1.1`, ...headers), PEER);
    const { status, headers: sent, body } = answer;
    t.equal(sent['X-Content-Type-Options'], 'nosniff');
    t.ok(sent['Content-Security-Policy']);
    return [status, sent['Content-Type'], Buffer.from(body).toString()];
  }
}

t.test('a browser gets the page, and the page its files', async (t) => {
  const pages = new Pages();
  const type = (name: string): string => `${name}; charset=utf-8`;
  for (const target of ['/', '/?a=b', '/all', '/?page.jsx']) {
    t.strictSame(await pages.ask(target, HTML), [200, type('text/html'), FILES.html], target);
  }
  t.strictSame(await pages.ask('/?page.js'), [200, type('text/javascript'), FILES.script]);
  t.strictSame(await pages.ask('/all?page.css'), [200, type('text/css'), FILES.style]);
  t.equal(pages.loads, 1, 'they are loaded once');
});

t.test('its files are loaded again when that has failed', async (t) => {
  const pages = new Pages();
  pages.fails = true;
  for (const query of ['?page.js', '?page.css', ''])
    await t.rejects(pages.ask(`/${query}`, HTML), /no such part/);
  pages.fails = false;
  t.equal((await pages.ask('/', HTML))[2], FILES.html);
});

t.test('the page is told what it cannot find out', async (t) => {
  const pages = new Pages();
  const facts = async (path: string): Promise<unknown> => {
    const [status, type, text] = await pages.ask(`${path}?page.json`, HTML);
    t.strictSame([status, type], [200, 'application/json; charset=utf-8']);
    return JSON.parse(String(text));
  };
  t.strictSame(await facts('/'), { version: '1.2.3', maxMessage: 1000, controls: [] });
  t.strictSame(await facts('/all'), { version: '1.2.3', maxMessage: 1000, controls: [CONTROL] });
  t.equal(pages.loads, 0);
});

t.test('everything else gets its request as JSON', async (t) => {
  const pages = new Pages();
  const told = async (path: string): Promise<unknown> => {
    const [status, type, text] = await pages.ask(path, 'Cookie: secret', 'Accept: */*');
    t.strictSame([status, type], [200, 'application/json; charset=utf-8']);
    return JSON.parse(String(text));
  };
  t.match(await told('/?token=secret'), {
    method: 'GET',
    path: '/',
    query: 'token=[hidden:6]',
    httpVersion: '1.1',
    host: 'h',
    remoteAddress: '192.0.2.1',
    headers: { host: 'h', cookie: '[hidden:6]' },
  });
  t.match(await told('/all?token=secret'), {
    query: 'token=secret',
    headers: { cookie: 'secret' },
  });
  t.match(await told('/gone'), { headers: { cookie: '[hidden:6]' } }, 'a route that has gone');
  const { headers } = await pages.page.answer(requestOf('GET / HTTP/1.1'), PEER);
  t.equal(headers['Vary'], 'Accept');
  t.equal(pages.loads, 0);
});

t.test('only where it is served, and never to whoever tries to open a connection', async (t) => {
  const { page } = new Pages();
  const takes = (target: string, ...headers: readonly string[]): boolean =>
    page.takes(requestOf(`GET ${target} HTTP/1.1`, ...headers).head);
  for (const target of ['/', '/?a', '/all', 'http://h//all?a'])
    t.equal(takes(target), true, target);
  t.equal(takes('/', 'Connection: Upgrade'), true, 'which proxies add');
  t.equal(takes('/other'), false);
  for (const header of [
    'Upgrade: websocket',
    'Upgrade: h2c',
    'Upgrade:',
    'Sec-WebSocket-Key: a',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: chat',
    'SEC-WEBSOCKET-X: 1',
  ]) {
    t.equal(takes('/', header), false, header);
    t.ok(isAttempt(requestOf('GET / HTTP/1.1', header).head));
  }
});
