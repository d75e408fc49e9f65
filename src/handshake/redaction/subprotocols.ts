/** Names of subprotocols: which are known, and which one of an offer to select. */
import { looksSecret } from './secret-look.js';

/**
 * The registry of IANA (RFC 6455 §11.5), and what is used without being in it. A name that is not here
 * may be a token: clients that cannot send a header offer one as a subprotocol.
 */
const KNOWN: ReadonlySet<string> = new Set(
  [
    // Registered.
    ...['MBWS.huawei.com', 'MBLWS.huawei.com', 'soap', 'wamp', 'wamp.2.json', 'wamp.2.msgpack'],
    ...['v10.stomp', 'v11.stomp', 'v12.stomp', 'rfb', 'sip', 'wpcp', 'amqp', 'mqtt', 'jsflow'],
    ...['ocpp1.2', 'ocpp1.5', 'ocpp1.6', 'ocpp2.0', 'ocpp2.0.1', 'ocpp2.1', 'rwpcp', 'xmpp'],
    ...['notificationchannel-netapi-rest.openmobilealliance.org', 'ship', 'mielecloudconnect'],
    ...['v10.pcp.sap.com', 'msrp', 'v1.saltyrtc.org', 'bfcp', 'sldp.softvelum.com', 'opcua+uacp'],
    ...['TLCP-2.0.0.lightstreamer.com', 'TLCP-2.1.0.lightstreamer.com', 'opcua+uajson', 'coap'],
    ...['TLCP-2.2.0.lightstreamer.com', 'v1.swindon-lattice+json', 'v1.usp', 'mles-websocket'],
    ...['oneM2M.R2.0.json', 'oneM2M.R2.0.xml', 'oneM2M.R2.0.cbor', 'sqlnet.oracle.com'],
    ...['2016.serverpush.dash.mpeg.org', '2018.mmt.mpeg.org', 'transit', 'clue', 'cobra.v2.json'],
    ...['webrtc.softvelum.com', 'drp', 'hub.bsc.bacnet.org', 'dc.bsc.bacnet.org', 'jmap', 't140'],
    ...[
      'done',
      'collection-update',
      'text.ircv3.net',
      'binary.ircv3.net',
      'v3.penguin-stats.live+proto',
    ],
    // Not registered.
    ...[
      'binary',
      'base64',
      'text',
      'json',
      'chat',
      'superchat',
      'echo',
      'echo-protocol',
      'realtime',
    ],
    ...['graphql-ws', 'graphql-transport-ws', 'actioncable-v1-json', 'actioncable-unsupported'],
    ...['channel.k8s.io', 'v2.channel.k8s.io', 'v3.channel.k8s.io', 'v4.channel.k8s.io'],
    ...['v5.channel.k8s.io', 'base64.channel.k8s.io', 'v4.base64.channel.k8s.io', 'mqttv3.1'],
    ...[
      'SPDY/3.1+portforward.k8s.io',
      'portforward.k8s.io',
      'binary.k8s.io',
      'base64.binary.k8s.io',
    ],
    ...['v1.kernel.websocket.jupyter.org', 'vite-hmr', 'vite-ping', 'webtty', 'tty', 'guacamole'],
    ...[
      'wamp.2.cbor',
      'wamp.2.msgpack.batched',
      'wamp.2.json.batched',
      'janus-protocol',
      'msgpack',
    ],
    ...[
      'json.webpubsub.azure.v1',
      'json.reliable.webpubsub.azure.v1',
      'protobuf.webpubsub.azure.v1',
    ],
    ...[
      'protobuf.reliable.webpubsub.azure.v1',
      'janus-admin-protocol',
      'protobuf',
      'cbor',
      'stomp',
    ],
    ...['com.microsoft.minecraft.wsencrypt', 'lws-mirror-protocol', 'dumb-increment-protocol'],
    ...['tr_json2', 'rssl.json.v2', 'rssl.rwf', 'nats', 'irc', 'ssh', 'telnet', 'vnc', 'spice'],
    ...['electrum', 'bitfinex', 'signalr', 'livekit', 'twist'],
  ].map((name) => name.toLowerCase()),
);

/** Words in names that announce a token, in the name itself or in the next one. */
const CREDENTIAL_WORDS = [
  ...['auth', 'bearer', 'cookie', 'credential', 'jwt', 'key', 'pass', 'secret', 'session'],
  ...['sid', 'ticket', 'token'],
];

/** Whether this is the name of a subprotocol that others use too, and so tells nothing. */
export function isKnownSubprotocol(name: string): boolean {
  return KNOWN.has(name.toLowerCase());
}

/**
 * The client's favourite among the subprotocols that do not look like a token. A token is selected only
 * where nothing else is on offer: everybody in between sees the answer, but a browser drops the connection
 * without one.
 *
 * @param offered in the client's order of preference
 */
export function favouriteOf(offered: readonly string[]): string | null {
  const plain = offered.find(
    (name, index) =>
      isKnownSubprotocol(name) ||
      !(mentionsCredential(name) || looksSecret(name) || isAnnounced(offered, index)),
  );
  // Of the pair `access_token, TOKEN` the name is what a client wants to hear.
  return plain ?? offered.find((name) => !looksSecret(name)) ?? offered[0] ?? null;
}

/** Whether the name before it says that a token comes. */
function isAnnounced(offered: readonly string[], index: number): boolean {
  const before = offered[index - 1];
  return before !== undefined && !isKnownSubprotocol(before) && mentionsCredential(before);
}

function mentionsCredential(name: string): boolean {
  const lowercase = name.toLowerCase();
  return CREDENTIAL_WORDS.some((word) => lowercase.includes(word));
}
