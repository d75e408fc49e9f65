import { Buffer } from 'node:buffer';
import t from 'tap';
import { InvalidArgumentError, InvalidStateError } from '../../src/errors.js';
import { upgradeResponse } from '../../src/handshake/response.js';
import { AcceptingResponse } from '../../src/handshake/upgrade-response.js';

const HEAD = upgradeResponse('dGhlIHNhbXBsZSBub25jZQ==', 'chat', 'permessage-deflate');
const made = (): AcceptingResponse => new AcceptingResponse(Buffer.from(HEAD, 'latin1'));
const textOf = (response: AcceptingResponse): string =>
  Buffer.from(response.seal()).toString('latin1');

t.test('what the handshake has chosen can be read', async (t) => {
  const { headers } = made();
  t.equal(headers.get('Sec-WebSocket-Protocol'), 'chat');
  t.equal(headers.get('sec-websocket-extensions'), 'permessage-deflate');
  t.equal(headers.get('sec-websocket-accept'), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  t.ok(headers.has('UPGRADE'));
  t.notOk(headers.has('x-none'));
  t.equal(headers.get('x-none'), null);
});

t.test(
  'without headers of a mode the head is the one that was given, without a copy',
  async (t) => {
    const head = Buffer.from(HEAD, 'latin1');
    t.equal(new AcceptingResponse(head).seal(), head);
    const read = new AcceptingResponse(head);
    t.ok(read.headers.has('upgrade'));
    t.equal(read.seal(), head);
  },
);

t.test('headers of a mode come last, in their own case', async (t) => {
  const response = made();
  const { headers } = response;
  headers.set('X-Room', 'lobby');
  headers.set('x-room', '  blue \t');
  headers.append('Set-Cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT');
  headers.append('set-cookie', 'b=2');
  headers.append('Vary', 'Origin');
  headers.append('vary', 'Cookie');
  headers.set('X-Empty', '');
  headers.set('X-Gone', 'soon');
  headers.delete('x-gone');
  headers.delete('x-never');
  t.equal(headers.get('vary'), 'Origin, Cookie');
  t.strictSame(
    [...headers],
    [
      ['connection', 'Upgrade'],
      ['sec-websocket-accept', 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='],
      ['sec-websocket-extensions', 'permessage-deflate'],
      ['sec-websocket-protocol', 'chat'],
      ['set-cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT'],
      ['set-cookie', 'b=2'],
      ['upgrade', 'websocket'],
      ['vary', 'Origin, Cookie'],
      ['x-empty', ''],
      ['x-room', 'blue'],
    ],
  );
  t.equal(
    textOf(response),
    `${HEAD.slice(0, -2)}x-room: blue\r\n` +
      'Set-Cookie: a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\nSet-Cookie: b=2\r\n' +
      'Vary: Origin\r\nVary: Cookie\r\nX-Empty: \r\n\r\n',
  );
});

t.test('once the handshake is answered they cannot change, and can still be read', async (t) => {
  const response = made();
  const { headers } = response;
  headers.set('X-Room', 'lobby');
  response.seal();
  const late = new InvalidStateError(
    'the handshake is answered: its headers cannot change any more',
  );
  t.throws(() => {
    headers.set('X-Room', 'blue');
  }, late);
  t.throws(() => {
    headers.append('X-Room', 'blue');
  }, late);
  t.throws(() => {
    headers.delete('X-Room');
  }, late);
  t.equal(headers.get('X-Room'), 'lobby');
});

t.test('what cannot be sent, or is not the mode’s to say', async (t) => {
  const response = made();
  const { headers } = response;
  const set = headers.set.bind(headers) as (name: unknown, value: unknown) => void;
  for (const name of ['', 'a b', 'a:', 'é', 'a\r\nb', 7, null, undefined, Symbol('x'), {}]) {
    for (const call of ['get', 'has', 'delete'] as const)
      t.throws(() => headers[call](name as string), InvalidArgumentError);
    t.throws(() => {
      set(name, 'x');
    }, /^the name of a header cannot be .*: give letters, digits and hyphens$/);
  }
  for (const value of ['a\r\nX-Evil: 1', 'a\0b', '\u0085', 'é', '\x7f', 7, null, undefined, {}]) {
    t.throws(() => {
      set('X-A', value);
    }, /^the header "X-A" cannot have the value .*: give visible ASCII and spaces$/);
    t.throws(() => {
      headers.append('X-A', value as string);
    }, InvalidArgumentError);
  }
  for (const name of [
    'Upgrade',
    'connection',
    'Content-Length',
    'TRANSFER-ENCODING',
    'Sec-WebSocket-Accept',
    'sec-websocket-protocol',
    'Sec-WebSocket-Anything',
  ]) {
    const own = new InvalidArgumentError(
      `the header "${name}" cannot be changed: it belongs to the handshake itself`,
    );
    t.throws(() => {
      headers.set(name, 'x');
    }, own);
    t.throws(() => {
      headers.append(name, 'x');
    }, own);
    t.throws(() => {
      headers.delete(name);
    }, own);
  }
  t.equal(textOf(response), HEAD, 'nothing of it is sent');
});
