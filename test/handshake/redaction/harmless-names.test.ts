import t from 'tap';
import {
  formOfHeader,
  isHarmlessExtensionParameter,
  isHarmlessParameter,
} from '../../../src/handshake/redaction/harmless-names.js';

t.test('headers', async (t) => {
  t.equal(formOfHeader('user-agent'), 'plain');
  t.equal(formOfHeader('host'), 'host');
  t.equal(formOfHeader('referer'), 'url');
  t.equal(formOfHeader('x-envoy-original-path'), 'url');
  t.equal(formOfHeader('origin'), 'origin');
  t.equal(formOfHeader('sec-websocket-protocol'), 'subprotocols');
  t.equal(formOfHeader('sec-websocket-extensions'), 'extensions');
  t.equal(formOfHeader('forwarded'), 'forwarded');
  for (const name of ['authorization', 'cookie', 'x-anything', 'constructor', '__proto__', ''])
    t.equal(formOfHeader(name), null, name);
});

t.test('parameters', async (t) => {
  for (const name of ['eio', 'transport', 'tty', 'width']) t.ok(isHarmlessParameter(name), name);
  for (const name of ['', 'sid', 't', 'token', 'path', 'url', 'room', 'id', 'constructor'])
    t.notOk(isHarmlessParameter(name), name);
  t.ok(isHarmlessExtensionParameter('server_max_window_bits'));
  t.notOk(isHarmlessExtensionParameter('key'));
});
