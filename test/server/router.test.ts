import t from 'tap';
import { HandshakeError } from '../../src/errors.js';
import type { UpgradeRequest } from '../../src/handshake/request.js';
import { echoMode } from '../../src/modes/echo.js';
import type { Mode } from '../../src/session/mode.js';
import { Router, type ServedMode } from '../../src/server/router.js';

const at = (path: string): UpgradeRequest => ({ path }) as UpgradeRequest;

const other: Mode = { name: 'other', delivery: 'messages' };

const served = (path: string | null, mode: Mode): ServedMode => ({
  path,
  mode,
  origin: 'same',
  extensions: [],
});

t.test('each path has its mode, and all others the one without a path', async (t) => {
  const router = new Router([served('/echo', echoMode), served(null, other)]);
  t.same(router.find(at('/echo')), {
    mode: echoMode,
    origin: 'same',
    extensions: [],
    tap: null,
    counts: { started: 0, ended: 0 },
    page: null,
  });
  const page = { showsAll: false, hasControls: false };
  const withPage = new Router([{ ...served('/echo', echoMode), page }]);
  t.equal(withPage.lookUp('/echo')?.page, page);
  for (const path of ['/echo/', '//echo', '//echo//'])
    t.equal(router.find(at(path)).mode, echoMode, path);
  for (const path of ['/', '/Echo', '/%65cho', '/echo/more', '/100%']) {
    t.equal(router.find(at(path)).mode, other, path);
  }
});

t.test('nothing is served elsewhere', async (t) => {
  const router = new Router([served('/echo', echoMode)]);
  t.throws(() => router.find(at('/')), new HandshakeError('route'));
  t.throws(() => router.find(at('/ech%6f')), new HandshakeError('route'));
  t.throws(() => router.find(at('/echo%')), new HandshakeError('request-escape'));
});

t.test('a route may end in a slash, with the same meaning', async (t) => {
  const router = new Router([served('/echo/', echoMode), served('/', other)]);
  for (const path of ['/echo', '/echo/']) t.equal(router.find(at(path)).mode, echoMode, path);
  for (const path of ['/', '//']) t.equal(router.find(at(path)).mode, other, path);
});

t.test('a route with a token below: one segment more', async (t) => {
  const router = new Router([
    { ...served('/vnc', echoMode), hasTokenBelow: true },
    served('/vnc/own', other),
    served(null, other),
  ]);
  for (const path of ['/vnc', '/vnc/', '/vnc/desk-7', '/vnc/desk-7/', '//vnc//desk-7', '/vnc/%zz'])
    t.equal(router.find(at(path)).mode, echoMode, path);
  for (const path of ['/vnc/own', '/vnc/a/b', '/vnc2', '/', '/a/vnc/b'])
    t.equal(router.find(at(path)).mode, other, path);
  const root = new Router([{ ...served('/', echoMode), hasTokenBelow: true }]);
  for (const path of ['/', '/desk-7']) t.equal(root.find(at(path)).mode, echoMode, path);
  t.throws(() => root.find(at('/a/b')), new HandshakeError('route'));
});
