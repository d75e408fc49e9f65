import t from 'tap';
import {
  controlsIn,
  ownUrl,
  readClose,
  readSubprotocols,
  urlFault,
  withControls,
} from '../../../../web/echo/model/target.js';

const PLACE = { protocol: 'http:', host: 'localhost:9001', pathname: '/echo' };
const SECURE = { protocol: 'https:', host: 'a.example', pathname: '/' };

t.test('the server that the page is from', async (t) => {
  t.equal(ownUrl(PLACE), 'ws://localhost:9001/echo');
  t.equal(ownUrl(SECURE), 'wss://a.example/');
});

t.test('where one may connect to', async (t) => {
  for (const url of ['ws://localhost:9001/', 'ws://localhost:9001/a?b=c', 'ws://LOCALHOST:9001'])
    t.equal(urlFault(url, PLACE), null, url);
  t.equal(urlFault('wss://a.example:443/', SECURE), null);
  const cases: readonly (readonly [url: string, fault: RegExp])[] = [
    ['', /^Give a URL such as ws:\/\/localhost:9001\/$/],
    ['localhost', /^Give a URL/],
    ['http://localhost:9001/', /begins with ws:\/\//],
    ['ws://localhost:9001/#a', /no fragment/],
    ['ws://localhost:9002/', /^This page may only connect to ws:\/\/localhost:9001\/, /],
    ['wss://localhost:9001/', /^This page may only/],
    ['ws://evil.example/', /^This page may only/],
  ];
  for (const [url, fault] of cases) t.match(urlFault(url, PLACE), fault, url);
  t.match(urlFault('ws://a.example/', SECURE), /wss:/);
});

t.test('subprotocols', async (t) => {
  t.strictSame(readSubprotocols(''), { names: [], fault: null });
  t.strictSame(readSubprotocols(' chat, v2.x  y'), { names: ['chat', 'v2.x', 'y'], fault: null });
  t.match(readSubprotocols('chat a/b').fault, /^a\/b is no token/);
  t.match(readSubprotocols('a b a').fault, /offered once/);
});

t.test('what a page may close with', async (t) => {
  for (const code of ['1000', '3000', '4999', ' 4000 '])
    t.match(readClose({ code, reason: '' }), { code: Number(code), codeFault: null });
  for (const code of ['', '999', '1001', '2999', '5000', '10000', '1e3', '-1000'])
    t.match(readClose({ code, reason: '' }).codeFault, /^Browsers send/, code);
  t.equal(readClose({ code: '1000', reason: 'x'.repeat(123) }).reasonFault, null);
  t.equal(
    readClose({ code: '1000', reason: 'ä'.repeat(62) }).reasonFault,
    '124 bytes; at most 123',
  );
});

t.test('how the server is to behave', async (t) => {
  t.equal(withControls('ws://a/b?c', new Map()), 'ws://a/b');
  const values = new Map([
    ['delay', '200ms'],
    ['mute', null],
    ['reason', 'a b&c'],
  ]);
  t.equal(withControls('ws://a/b?old=1', values), 'ws://a/b?delay=200ms&mute&reason=a%20b%26c');
});

t.test('what a query says already', async (t) => {
  const names = ['delay', 'mute', 'reason'];
  t.strictSame(
    [...controlsIn('ws://a/b?delay=200ms&other=1&mute&reason=a+b', names)],
    [
      ['delay', '200ms'],
      ['mute', null],
      ['reason', 'a b'],
    ],
  );
  t.strictSame([...controlsIn('ws://a/b', names)], []);
});
