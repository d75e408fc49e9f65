import t from 'tap';
import type { Session, SessionSummary } from '../../../src/session/session.js';
import { HandshakeError } from '../../../src/errors.js';
import { Redaction } from '../../../src/handshake/redaction/redaction.js';
import {
  logDeclined,
  logLateFailure,
  logRefusal,
  logSession,
} from '../../../src/server/log/session-log.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { SECRET } from '../../fixtures/telling-requests.js';

const PEER = { remoteAddress: '203.0.113.7', remotePort: 51_234 };

const SESSION = { ...PEER, id: 7 };

const SUMMARY: SessionSummary = {
  ...PEER,
  id: 7,
  path: '/room',
  mode: 'echo',
  notes: {},
  subprotocol: null,
  extensions: null,
  extensionStats: {},
  messagesIn: 1,
  bytesIn: 2,
  messagesOut: 3,
  bytesOut: 4,
  durationMs: 1500,
  closeCode: 1000,
  closeReason: '',
  closedBy: 'client',
  rule: null,
  error: null,
};

const FIELDS = {
  session: 7,
  peer: '203.0.113.7:51234',
  path: '/room',
  mode: 'echo',
  in: { messages: 1, bytes: 2 },
  out: { messages: 3, bytes: 4 },
  durationMs: 1500,
  closedBy: 'client',
  code: 1000,
};

t.test('a session makes one line, without what does not matter', async (t) => {
  const log = new KeptLog();
  logSession(log, SUMMARY);
  t.strictSame(log.lines, [{ level: 'info', message: 'session ended', fields: FIELDS }]);
});

t.test('and with everything that does', async (t) => {
  const log = new KeptLog();
  logSession(log, {
    ...SUMMARY,
    subprotocol: 'chat',
    notes: { target: 'localhost:5900', mode: 'not its name' },
    closeReason: 'bye\u202e',
    rule: 'send-timeout',
    error: 'ECONNRESET',
  });
  const fields = {
    ...FIELDS,
    target: 'localhost:5900',
    subprotocol: 'chat',
    reason: 'bye\\u202e',
    rule: 'send-timeout',
    error: 'ECONNRESET',
  };
  t.strictSame(log.lines, [{ level: 'info', message: 'session ended', fields }]);
});

t.test('a defect of our own is an error', async (t) => {
  const log = new KeptLog();
  const error = new TypeError('a defect');
  logSession(log, { ...SUMMARY, error });
  t.match(log.lines, [
    {
      level: 'error',
      message: 'session ended by an internal error',
      fields: { ...FIELDS, err: error },
    },
  ]);
});

t.test('a refused handshake', async (t) => {
  const log = new KeptLog();
  const error = new HandshakeError('origin', {}, { origin: 'https://there' });
  logRefusal(log, PEER, error, error);
  t.strictSame(log.lines, [
    {
      level: 'info',
      message: 'handshake refused: origin not allowed',
      fields: { peer: '203.0.113.7:51234', status: 403, rule: 'origin', origin: 'https://there' },
    },
  ]);
});

t.test('a handshake that was refused because nothing is left is a warning', async (t) => {
  const log = new KeptLog();
  const error = new HandshakeError('exhausted', {}, { reason: 'EMFILE 127.0.0.1:5900' });
  logRefusal(log, PEER, error, error);
  t.match(log.lines, [
    {
      level: 'warn',
      message: 'handshake refused: the server has no resources left for this connection',
      fields: { rule: 'exhausted', status: 503, reason: 'EMFILE 127.0.0.1:5900' },
    },
  ]);
});

t.test('a handshake that failed by our own fault', async (t) => {
  const log = new KeptLog();
  const cause = new TypeError('a defect');
  logRefusal(log, PEER, new HandshakeError('internal'), cause);
  t.match(log.lines, [
    {
      level: 'error',
      message: 'handshake failed by an internal error',
      fields: { peer: '203.0.113.7:51234', status: 500, rule: 'internal', err: cause },
    },
  ]);
});

t.test('the line shows what was negotiated, and what the extensions say', async (t) => {
  const log = new KeptLog();
  const extensions = 'permessage-deflate; client_max_window_bits=12';
  const extensionStats = { 'permessage-deflate': { ratioIn: 4.2, ratioOut: null } };
  logSession(log, { ...SUMMARY, extensions, extensionStats });
  t.strictSame(log.lines, [
    { level: 'info', fields: { ...FIELDS, extensions, extensionStats }, message: 'session ended' },
  ]);
});

t.test('an extension that is not used: everyday, or worth a look', async (t) => {
  const log = new KeptLog();
  logDeclined(log, SESSION, { name: 'x-a', reason: 'no offer suits', why: 'offer' });
  logDeclined(log, SESSION, { name: 'x-b', reason: 'RSV1 is taken', why: 'reserved-bit' });
  logDeclined(log, SESSION, { name: 'x-c', reason: 'boom', why: 'defect' });
  const fields = (extension: string, why: string, reason: string): object => ({
    session: 7,
    extension,
    why,
    reason,
  });
  const message = 'extension declined';
  t.strictSame(log.lines, [
    { level: 'debug', fields: fields('x-a', 'offer', 'no offer suits'), message },
    { level: 'warn', fields: fields('x-b', 'reserved-bit', 'RSV1 is taken'), message },
    { level: 'warn', fields: fields('x-c', 'defect', 'boom'), message },
  ]);
});

t.test('no line tells what a client told in confidence', async (t) => {
  const log = new KeptLog();
  const url = `https://user:${SECRET}@h/?token=${SECRET}`;
  const told: SessionSummary = {
    ...SUMMARY,
    path: `/room;jsessionid=${SECRET}/${SECRET}`,
    subprotocol: `bearer.${SECRET}`,
    extensions: `x-own; key=${SECRET}`,
    closeReason: `see ${url}`,
    notes: { target: url, deep: { list: [url] } },
    error: `thrown: ${url}`,
  };
  logSession(log, told);
  logRefusal(log, PEER, new HandshakeError('origin', {}, { why: url }), null);
  logDeclined(log, SESSION, { name: 'x-own', reason: `not ${url}`, why: 'offer' });
  const headers = { origin: `https://h/${SECRET}?${SECRET}`, host: `u:${SECRET}@h` };
  logRefusal(log, PEER, new HandshakeError('origin', {}, headers), null);
  t.match(log.lines.at(-1)?.fields, {
    origin: 'https://h/[hidden:25]?[hidden:25]',
    host: /hidden/,
  });
  t.match(log.lines[0]?.fields, {
    path: '/room;jsessionid=[hidden:25]/[hidden:25]',
    subprotocol: '[hidden:32]',
    extensions: 'x-own; key=[hidden:25]',
  });
  t.notOk(JSON.stringify(log.lines).includes(SECRET), JSON.stringify(log.lines));
});

t.test('what the operator has written is shown', async (t) => {
  const log = new KeptLog();
  const path = `/${SECRET}`;
  const redaction = new Redaction({ paths: [path], subprotocols: ['my.app'] });
  logSession(log, { ...SUMMARY, path, subprotocol: 'my.app' }, redaction);
  t.match(log.lines, [{ fields: { path, subprotocol: 'my.app' } }]);
});

t.test('what fails after the end of a session has a line of its own', async (t) => {
  const log = new KeptLog();
  const session = { ...PEER, id: 7, path: '/a' } as unknown as Session;
  logLateFailure(log, session, 'mine', new TypeError('late'));
  t.match(log.lines, [
    {
      level: 'error',
      message: 'failed after the end of a session',
      fields: {
        session: 7,
        peer: '203.0.113.7:51234',
        path: '/a',
        mode: 'mine',
        err: { name: 'TypeError', message: 'late' },
      },
    },
  ]);
});

t.test('notes and errors that cannot be read cost no line', async (t) => {
  const log = new KeptLog();
  const thrown = (): never => {
    throw new Error('no');
  };
  const notes = {
    fine: 1,
    level: 'fatal',
    get broken() {
      return thrown();
    },
  };
  const error = Object.defineProperty(new Error(), 'message', { get: thrown });
  logSession(log, { ...SUMMARY, notes, error });
  t.match(log.lines, [{ level: 'error', fields: { fine: 1 } }]);
  t.notOk('level' in log.lines[0]!.fields);
  const refusal = new HandshakeError('origin', {}, notes);
  logRefusal(log, PEER, refusal, refusal);
  t.match(log.lines[1], { fields: { fine: 1, rule: 'origin' } });
});

t.test("a client's certificate", async (t) => {
  const log = new KeptLog();
  const certificate = { issuer: 'CN=ca', serialNumber: '01', altNames: null };
  logSession(log, {
    ...SUMMARY,
    notes: { clientCertificate: 'forged' },
    clientCertificate: { ...certificate, subject: 'CN=a\u202e', fingerprint: 'AB:CD' },
  });
  t.strictSame(log.lines[0]!.fields['clientCertificate'], {
    subject: 'CN=a\\u202e',
    fingerprint: 'AB:CD',
  });
});

t.test('the user whose password was right', async (t) => {
  const log = new KeptLog();
  logSession(log, { ...SUMMARY, notes: { user: 'forged' }, user: 'zo\u202eë' });
  t.equal(log.lines[0]!.fields['user'], 'zo\\u202eë');
  logSession(log, SUMMARY);
  t.notOk('user' in log.lines[1]!.fields);
});
