import t from 'tap';
import { favouriteOf, isKnownSubprotocol } from '../../../src/handshake/redaction/subprotocols.js';

t.test('names that others use too are known, and no others', async (t) => {
  for (const name of ['mqtt', 'MQTT', 'binary', 'base64', 'graphql-ws', 'wamp.2.json', 'v12.stomp'])
    t.equal(isKnownSubprotocol(name), true, name);
  for (const name of ['', 'mqtt-secret', 'xmqtt', 'bearer', 'access_token', 'eyJhbGciOi'])
    t.equal(isKnownSubprotocol(name), false, name);
});

t.test('the favourite is the first that is no token', async (t) => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln';
  const cases: readonly [offered: string[], favourite: string | null][] = [
    [[], null],
    [['a'], 'a'],
    [['b', 'a'], 'b'],
    [['my-app.v2', 'json'], 'my-app.v2'],
    [['bearer.TOKEN', 'chat'], 'chat'],
    [['chat', 'bearer.TOKEN'], 'chat'],
    [['realtime', 'openai-insecure-api-key.sk-abc', 'openai-beta.realtime-v1'], 'realtime'],
    [['openai-insecure-api-key.sk-abc', 'realtime'], 'realtime'],
    [['base64url.bearer.authorization.k8s.io.VE9LRU4', 'v4.channel.k8s.io'], 'v4.channel.k8s.io'],
    [[`header-${jwt}`, 'graphql-ws'], 'graphql-ws'],
    [[jwt, 'my.app'], 'my.app'],
    [['access_token', 'abc', 'my.app'], 'my.app'],
    [['session', 'v10.stomp'], 'v10.stomp'],
    // Nothing else is on offer: a name that says what it is comes before the token itself.
    [['access_token', 'abc'], 'access_token'],
    [[jwt, 'bearer'], 'bearer'],
    [[jwt], jwt],
    [['bearer.TOKEN'], 'bearer.TOKEN'],
  ];
  for (const [offered, favourite] of cases)
    t.equal(favouriteOf(offered), favourite, offered.join(', '));
});
