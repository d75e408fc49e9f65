import t from 'tap';
import { Keepalive, type KeepaliveLimits } from '../../src/session/keepalive.js';

const LIMITS: KeepaliveLimits = { pingInterval: 25, pongTimeout: 20, idleTimeout: 0 };
const OFF: KeepaliveLimits = { pingInterval: 0, pongTimeout: 20, idleTimeout: 0 };
const START_MS = 1000;

t.test('§5.5.2: a silent peer is pinged, at the time and not before', async (t) => {
  const keepalive = new Keepalive(START_MS);
  t.equal(keepalive.nextCheckMs(LIMITS), 1025);
  t.equal(keepalive.check(1024, LIMITS), 'none');
  t.equal(keepalive.check(1025, LIMITS), 'ping');
  t.equal(keepalive.check(1025, LIMITS), 'ping', 'asking changes nothing');
});

t.test('silence counts from what was heard last', async (t) => {
  const keepalive = new Keepalive(START_MS);
  keepalive.heard(1020);
  t.equal(keepalive.nextCheckMs(LIMITS), 1045);
  t.equal(keepalive.check(1044, LIMITS), 'none');
  t.equal(keepalive.check(1045, LIMITS), 'ping');
});

t.test(
  '§5.5.3: without a sign of life the peer is given up, at the time and not before',
  async (t) => {
    const keepalive = new Keepalive(START_MS);
    keepalive.pinged(1025);
    t.equal(keepalive.nextCheckMs(LIMITS), 1045);
    t.equal(keepalive.check(1044, LIMITS), 'none', 'no second Ping meanwhile');
    t.equal(keepalive.check(1045, LIMITS), 'pong-timeout');
  },
);

t.test('a Ping that leaves later is answered later', async (t) => {
  const keepalive = new Keepalive(START_MS);
  keepalive.pinged(1025);
  keepalive.pingLeaves(1040);
  t.equal(keepalive.check(1059, LIMITS), 'none');
  t.equal(keepalive.check(1060, LIMITS), 'pong-timeout');
  keepalive.heard(1060);
  keepalive.pingLeaves(1070);
  t.equal(keepalive.check(1084, LIMITS), 'none', 'no Ping is there');
  t.equal(keepalive.check(1085, LIMITS), 'ping');
});

t.test('any sign of life answers a Ping', async (t) => {
  const keepalive = new Keepalive(START_MS);
  keepalive.pinged(1025);
  keepalive.heard(1044);
  t.equal(keepalive.nextCheckMs(LIMITS), 1069);
  t.equal(keepalive.check(1068, LIMITS), 'none');
  t.equal(keepalive.check(1069, LIMITS), 'ping');
});

t.test('the next Ping after an answer that came at once is not late', async (t) => {
  const limits = { pingInterval: 10, pongTimeout: 20, idleTimeout: 0 };
  const keepalive = new Keepalive(START_MS);
  keepalive.pinged(1010);
  t.equal(keepalive.nextCheckMs(limits), 1020, 'before the answer is late');
  t.equal(keepalive.check(1020, limits), 'none');
  keepalive.heard(1010);
  t.equal(keepalive.check(1020, limits), 'ping');
});

t.test('a Ping at time zero is one', async (t) => {
  const keepalive = new Keepalive(-25);
  keepalive.pinged(0);
  t.equal(keepalive.check(19, LIMITS), 'none');
  t.equal(keepalive.check(20, LIMITS), 'pong-timeout');
});

t.test('0 means never', async (t) => {
  const keepalive = new Keepalive(START_MS);
  t.equal(keepalive.check(1e12, OFF), 'none');
  t.equal(keepalive.nextCheckMs(OFF), Number.MAX_SAFE_INTEGER);
});

t.test('idle is who brings no message, whatever else is heard', async (t) => {
  const limits = { ...LIMITS, idleTimeout: 60 };
  const keepalive = new Keepalive(START_MS);
  keepalive.heard(1050);
  t.equal(keepalive.nextCheckMs(limits), 1060);
  t.equal(keepalive.check(1059, limits), 'none');
  t.equal(keepalive.check(1060, limits), 'idle');
  keepalive.message(1060);
  t.equal(keepalive.check(1060, limits), 'none');
  t.equal(keepalive.nextCheckMs(limits), 1075, 'the Ping is due before the next idle time');
  keepalive.pinged(1110);
  t.equal(keepalive.nextCheckMs(limits), 1120, 'idle is due before the Pong');
  t.equal(keepalive.check(1130, limits), 'idle', 'and is what a late check finds');
});

t.test('idle without Pings', async (t) => {
  const limits = { ...OFF, idleTimeout: 60 };
  const keepalive = new Keepalive(START_MS);
  t.equal(keepalive.nextCheckMs(limits), 1060);
  t.equal(keepalive.check(1059, limits), 'none');
  t.equal(keepalive.check(1060, limits), 'idle');
});
