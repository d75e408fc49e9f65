import t from 'tap';
import { HandshakeError } from '../../../src/errors.js';
import { TokenDoor } from '../../../src/app/inspect/token-door.js';
import type { RequestHead } from '../../../src/handshake/request-head.js';

const PEER = { remoteAddress: '192.0.2.1', remotePort: 5 };
const APPLICANT = { remoteAddress: '192.0.2.1', signal: new AbortController().signal };

function head(
  target: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): RequestHead {
  const fields = Object.entries({ host: 'localhost', ...headers });
  return {
    method,
    target,
    version: '1.1',
    headers: fields.map(([name, value]) => ({ name, value })),
  };
}

const UPGRADE = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-key': 'x',
  'sec-websocket-version': '13',
};

function doorWith(token: string | null, nowMs = (): number => 0): TokenDoor {
  const door = new TokenDoor({ secret: 'the-secret', token, nowMs });
  door.listens(9002);
  return door;
}

t.test('a token is good for one browser, which gets a cookie; then the next one is', async (t) => {
  const door = doorWith(null);
  t.ok(door.isOneTime);
  const next: string[] = [];
  door.onNext = (token) => next.push(token);
  const { token } = door;
  t.match(token, /^[\w-]{32}$/);
  const asked = head(`/?token=${token}`);
  t.equal(door.authorize(asked, APPLICANT), 'inspector');
  const answer = door.answer(asked, PEER, false);
  t.match(answer, {
    status: 303,
    headers: {
      Location: '/',
      'Set-Cookie': 'twist-inspect-9002=the-secret; Path=/; HttpOnly; SameSite=Lax',
    },
  });
  t.strictSame(next, [door.token]);
  t.not(door.token, token);
  const again = door.answer(asked, PEER, false)!;
  t.equal(again.status, 403);
  t.match(Buffer.from(again.body).toString(), /take the newest URL/);
  t.equal(door.answer(head(`/?token=${door.token}`), PEER, false)!.status, 303);
  t.match(door.counters, { right: 2, wrong: 1 });
});

t.test('without having been asked about the next one', async (t) => {
  const door = new TokenDoor({ secret: 'the-secret', token: null });
  t.equal(door.answer(head(`/?token=${door.token}`), PEER, false)!.status, 303);
});

t.test("the operator's token is good as often as it is given", async (t) => {
  const door = doorWith('0123456789abcdef');
  t.notOk(door.isOneTime);
  const asked = head('/?a=1&token=0123456789abcdef');
  for (let count = 0; count < 2; count++)
    t.match(door.answer(asked, PEER, true), {
      status: 303,
      headers: { 'Set-Cookie': /; Secure$/ },
    });
});

t.test('by the real clock', async (t) => {
  const door = new TokenDoor({ secret: 'the-secret', token: '0123456789abcdef' });
  t.equal(door.authorize(head('/?token=wrong'), APPLICANT), 'inspector');
});

t.test('everything else needs the cookie', async (t) => {
  const door = doorWith(null);
  const refused = new HandshakeError('page-token');
  for (const asked of [
    head('/'),
    head('/page.js'),
    head('/', { cookie: 'twist-inspect-9002=wrong' }),
    head('/', { cookie: 'twist-inspect-9003=the-secret' }),
    head('/?other=1'),
    head(`/page.js?token=${door.token}`),
    head(`//?token=${door.token}`),
    head(`/?token=${door.token}`, UPGRADE),
    head('/ws', UPGRADE),
  ])
    t.throws(() => door.authorize(asked, APPLICANT), refused, asked.target);
  const cookie = 'a=b; twist-inspect-9002=of-another-port; twist-inspect-9002=the-secret; c=d';
  for (const asked of [head('/', { cookie }), head('/ws', { ...UPGRADE, cookie })]) {
    t.equal(door.authorize(asked, APPLICANT), 'inspector');
    t.equal(door.answer(asked, PEER, false), null);
  }
});

t.test('before it listens no cookie opens it', async (t) => {
  const door = new TokenDoor({ secret: 'the-secret', token: null });
  t.throws(() => door.authorize(head('/', { cookie: 'twist-inspect-0=the-secret' }), APPLICANT));
});

t.test('whoever looks at a URL before it is opened does not use it up', async (t) => {
  const door = doorWith(null);
  const { token } = door;
  t.equal(door.answer(head(`/?token=${token}`, {}, 'HEAD'), PEER, false)!.status, 403);
  t.equal(door.token, token);
});

t.test('after too many wrong tokens none from there is looked at for a while', async (t) => {
  let nowMs = 0;
  const door = doorWith('0123456789abcdef', () => nowMs);
  const wrong = head('/?token=wrong');
  for (let count = 0; count < 20; count++) {
    door.authorize(wrong, APPLICANT);
    door.answer(wrong, PEER, false);
  }
  const right = head(`/?token=${door.token}`);
  t.throws(
    () => door.authorize(right, APPLICANT),
    new HandshakeError('too-many-login-failures', { 'Retry-After': '3' }),
  );
  t.equal(door.counters.refused, 1);
  t.equal(door.authorize(right, { ...APPLICANT, remoteAddress: '192.0.2.2' }), 'inspector');
  const cookie = 'twist-inspect-9002=the-secret';
  t.equal(door.authorize(head('/', { cookie }), APPLICANT), 'inspector');
  nowMs = 3001;
  t.equal(door.authorize(right, APPLICANT), 'inspector');
});

t.test('wrong tokens lock nobody out of a page whose token cannot be guessed', async (t) => {
  const door = doorWith(null);
  const wrong = head('/?token=wrong');
  for (let count = 0; count < 100; count++) {
    t.equal(door.authorize(wrong, APPLICANT), 'inspector');
    t.equal(door.answer(wrong, PEER, false)!.status, 403);
  }
  const right = head(`/?token=${door.token}`);
  t.equal(door.authorize(right, APPLICANT), 'inspector');
  t.equal(door.answer(right, PEER, false)!.status, 303);
  t.match(door.counters, { wrong: 100, refused: 0 });
});
