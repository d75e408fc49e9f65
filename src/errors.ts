/**
 * Every error class of twist. This file imports nothing.
 *
 *     TwistError
 *     ├── PeerError              the peer broke a rule: answered with a Close frame
 *     │   ├── ProtocolError          1002
 *     │   ├── AbsenceError           1001
 *     │   ├── InvalidPayloadError    1007
 *     │   ├── PolicyError            1008
 *     │   ├── MessageTooBigError     1009
 *     │   └── OverloadError          1013
 *     ├── HandshakeError         an opening handshake that is refused: answered over HTTP
 *     ├── NegotiationError       an extension offer that is declined: the handshake goes on
 *     ├── ExtensionError         an extension failed by its own fault: 1011, like all that is ours
 *     ├── ConfigError            a wrong flag, environment variable, configuration key or file
 *     ├── InvalidArgumentError   something was given to a call that it does not take
 *     └── InvalidStateError      our own misuse of an object: never shown to the peer
 *
 * The peer's fault and our fault never share a class. Each broken rule has one name, used by logs,
 * metrics and tests alike, and one sentence, which is the close reason a client author reads.
 */

/** Names of the kinds of errors, which stay the same when a sentence changes. */
export type ErrorCode =
  | 'TWIST_ABSENCE'
  | 'TWIST_CONFIG'
  | 'TWIST_CONVERT'
  | 'TWIST_EXTENSION'
  | 'TWIST_HANDSHAKE'
  | 'TWIST_INVALID_ARGUMENT'
  | 'TWIST_INVALID_PAYLOAD'
  | 'TWIST_INVALID_STATE'
  | 'TWIST_MESSAGE_TOO_BIG'
  | 'TWIST_NEGOTIATION'
  | 'TWIST_OVERLOAD'
  | 'TWIST_POLICY'
  | 'TWIST_PROTOCOL';

/** What is common to all errors that twist makes itself. */
export abstract class TwistError extends Error {
  /** By this, and not by its class, an error is told from others when two copies of twist are loaded. */
  abstract readonly code: ErrorCode;

  override get name(): string {
    return this.constructor.name;
  }
}

/** Rules whose breach is answered with close code 1002 (RFC 6455 §7.4.1). */
export const PROTOCOL_RULES = {
  'frame-unmasked': 'unmasked client frame (RFC 6455 5.1)',
  'frame-masked': 'masked server frame (RFC 6455 5.1)',
  'reserved-bit': 'reserved bit RSV1, RSV2 or RSV3 set without an extension (RFC 6455 5.2)',
  'reserved-bit-misplaced':
    'reserved bit of an extension on a frame that does not begin a message (RFC 7692 6.1)',
  'reserved-opcode': 'reserved opcode (RFC 6455 5.2)',
  'length-not-minimal': 'payload length not in its shortest form (RFC 6455 5.2)',
  'length-top-bit': '64-bit payload length with its top bit set (RFC 6455 5.2)',
  'control-fragmented': 'fragmented control frame (RFC 6455 5.5)',
  'control-too-long': 'control frame payload over 125 bytes (RFC 6455 5.5)',
  'continuation-unexpected': 'continuation frame with no message open (RFC 6455 5.4)',
  'message-interleaved': 'new data frame inside a fragmented message (RFC 6455 5.4)',
  'close-payload-length': 'Close payload of one byte (RFC 6455 5.5.1)',
  'close-code': 'close code that must not be sent (RFC 6455 7.4)',
} as const;

/** Rules whose breach is answered with close code 1007 (RFC 6455 §7.4.1). */
export const PAYLOAD_RULES = {
  'text-not-utf8': 'text message is not valid UTF-8 (RFC 6455 8.1)',
  'close-reason-not-utf8': 'close reason is not valid UTF-8 (RFC 6455 5.5.1)',
  'deflate-data': 'compressed data cannot be decompressed (RFC 7692 7.2.2)',
  'extension-data': 'message cannot be decoded by the extension that was agreed on',
} as const;

/** Rules whose breach is answered with close code 1008 (RFC 6455 §7.4.1). */
export const POLICY_RULES = {
  'too-many-fragments': 'too many fragments in one message',
  'message-timeout': 'message took too long to arrive',
  'output-limit': 'client reads too slowly: too much output is waiting',
  'send-timeout': 'client reads too slowly: it took nothing for too long',
} as const;

/** Rules whose breach is answered with close code 1001: the peer seems to be gone (RFC 6455 §7.4.1). */
export const PRESENCE_RULES = {
  'pong-timeout': 'no answer to a Ping for too long',
} as const;

/** Rules whose breach is answered with close code 1009 (RFC 6455 §7.4.1). */
export const SIZE_RULES = {
  'message-too-big': 'message is over the limit',
} as const;

/** Rules by which a peer is closed that may come again: close code 1013 (the IANA registry of close codes). */
export const OVERLOAD_RULES = {
  memory: 'the server is short of memory, and much of it was held for this client: try again later',
} as const;

/** The names of all rules that a peer can break once its handshake is answered. */
export const PEER_RULES: readonly PeerRule[] = [
  PROTOCOL_RULES,
  PRESENCE_RULES,
  PAYLOAD_RULES,
  POLICY_RULES,
  SIZE_RULES,
  OVERLOAD_RULES,
].flatMap((rules) => Object.keys(rules) as PeerRule[]);

export type ProtocolRule = keyof typeof PROTOCOL_RULES;
export type PayloadRule = keyof typeof PAYLOAD_RULES;
export type PolicyRule = keyof typeof POLICY_RULES;
export type SizeRule = keyof typeof SIZE_RULES;
export type PresenceRule = keyof typeof PRESENCE_RULES;
export type OverloadRule = keyof typeof OVERLOAD_RULES;
export type PeerRule =
  ProtocolRule | PayloadRule | PolicyRule | SizeRule | PresenceRule | OverloadRule;

/** The peer broke a rule of RFC 6455 or a limit. `message` is what goes out as the close reason. */
export abstract class PeerError extends TwistError {
  readonly rule: PeerRule;
  /** The close code that answers it (RFC 6455 §7.4.1). */
  readonly closeCode: number;

  constructor(closeCode: number, rule: PeerRule, reason: string) {
    super(reason);
    this.closeCode = closeCode;
    this.rule = rule;
  }
}

/** The peer broke the framing or closing rules; close code 1002 (RFC 6455 §7.4.1). */
export class ProtocolError extends PeerError {
  override readonly code = 'TWIST_PROTOCOL';

  constructor(rule: ProtocolRule) {
    super(1002, rule, PROTOCOL_RULES[rule]);
  }
}

/** The peer sent a payload that does not fit its type; close code 1007 (RFC 6455 §7.4.1). */
export class InvalidPayloadError extends PeerError {
  override readonly code = 'TWIST_INVALID_PAYLOAD';

  constructor(rule: PayloadRule, reason: string = PAYLOAD_RULES[rule]) {
    super(1007, rule, reason);
  }
}

/** The peer broke a limit that is ours to set; close code 1008 (RFC 6455 §7.4.1). */
export class PolicyError extends PeerError {
  override readonly code = 'TWIST_POLICY';

  constructor(rule: PolicyRule) {
    super(1008, rule, POLICY_RULES[rule]);
  }
}

/** The peer has given no sign of life; close code 1001 (RFC 6455 §7.4.1). */
export class AbsenceError extends PeerError {
  override readonly code = 'TWIST_ABSENCE';

  constructor(rule: PresenceRule) {
    super(1001, rule, PRESENCE_RULES[rule]);
  }
}

/** The peer's message is over the limit; close code 1009 (RFC 6455 §7.4.1). */
export class MessageTooBigError extends PeerError {
  override readonly code = 'TWIST_MESSAGE_TOO_BIG';

  readonly limitBytes: number;

  /**
   * @param limitBytes the largest message that is taken, in bytes
   * @param isOnWire true when the limit is that of a message that an extension has changed
   */
  constructor(limitBytes: number, isOnWire = false) {
    const sentence = `${SIZE_RULES['message-too-big']} of ${String(limitBytes)} bytes`;
    super(1009, 'message-too-big', isOnWire ? `${sentence} on the wire` : sentence);
    this.limitBytes = limitBytes;
  }
}

/** The peer holds most of what there is too little of; close code 1013. */
export class OverloadError extends PeerError {
  override readonly code = 'TWIST_OVERLOAD';

  constructor(rule: OverloadRule) {
    super(1013, rule, OVERLOAD_RULES[rule]);
  }
}

/**
 * Rules of the opening handshake: the HTTP status and the one line of text that answer their breach.
 * The text never contains a byte of the request.
 */
export const HANDSHAKE_RULES = {
  tls: [
    400,
    'this is the beginning of TLS, and plain HTTP is spoken here: use http:// or ws://, or the port of the proxy that ends TLS',
  ],
  'not-tls': [400, 'this port speaks TLS: use wss:// (or https://)'],
  'request-line': [400, 'malformed request line (RFC 9112 3)'],
  'request-target': [
    400,
    'request target must be a path or an absolute URL without fragment (RFC 9112 3.2)',
  ],
  'header-line': [400, 'malformed header line (RFC 9112 5)'],
  'line-ending': [400, 'lines must end in CRLF (RFC 9112 2.2)'],
  'request-escape': [
    400,
    'a % in the path or the token must begin an escape of two hex digits: send %25 for the sign itself (RFC 3986 2.1)',
  ],
  host: [400, 'exactly one valid Host header is required (RFC 9112 3.2)'],
  'host-zone': [
    400,
    'Host must name an IPv6 address without its zone: send [fe80::1], not [fe80::1%eth0] (RFC 9110 7.2)',
  ],
  'host-brackets': [
    400,
    'Host must have an IPv6 address in brackets: send [::1]:9001, not ::1:9001 (RFC 9110 7.2)',
  ],
  body: [400, 'an opening handshake has no body (RFC 6455 4.1)'],
  'websocket-key': [
    400,
    'exactly one Sec-WebSocket-Key of 16 bytes in base64 is required (RFC 6455 4.2.1)',
  ],
  'websocket-version-repeated': [400, 'Sec-WebSocket-Version must not be repeated (RFC 6455 4.1)'],
  subprotocol: [400, 'malformed Sec-WebSocket-Protocol header (RFC 6455 4.1)'],
  extensions: [400, 'malformed Sec-WebSocket-Extensions header (RFC 6455 9.1)'],
  'subprotocol-unsupported': [400, 'none of the offered subprotocols is spoken here'],
  'echo-control': [400, 'the query asks for a control of the echo that does not exist'],
  'proxy-header': [400, 'a PROXY protocol header must come first (PROXY protocol 2.1, 2.2)'],
  'origin-repeated': [400, 'Origin must not be repeated (RFC 6454 7.3)'],
  unauthorized: [401, 'authentication required'],
  origin: [403, 'origin not allowed'],
  address: [403, 'address not allowed'],
  'page-token': [
    403,
    'this page needs a token: open the URL that twist has shown, with ?token= in it',
  ],
  route: [404, 'nothing is served on this path'],
  method: [405, 'method must be GET (RFC 6455 4.1)'],
  'host-not-allowed': [
    421,
    'this host name is not allowed: name it with --allowed-hosts, or the proxy in front with --trust-proxy',
  ],
  'handshake-timeout': [408, 'opening handshake took too long'],
  'request-line-too-long': [414, 'request line is too long'],
  'not-an-upgrade': [
    426,
    'this is a WebSocket server: an upgrade to websocket is required (RFC 6455 4.2.1)',
  ],
  'websocket-version': [426, 'Sec-WebSocket-Version must be 13 (RFC 6455 4.2.2)'],
  'connection-rate': [429, 'too many new connections from this address'],
  'too-many-login-failures': [429, 'too many failed logins from this address'],
  'too-many-connections-from-address': [429, 'too many connections from this address'],
  'header-line-too-long': [431, 'header line is too long'],
  'head-too-long': [431, 'request head is too long'],
  'too-many-headers': [431, 'too many headers'],
  internal: [500, 'internal error'],
  'target-refused': [502, 'the target refused the connection'],
  'target-unreachable': [502, 'the target cannot be reached'],
  'target-unknown': [502, 'no address is known for the target'],
  'target-tls': [502, 'the TLS handshake with the target failed'],
  'target-not-allowed': [502, 'the target may not be connected to'],
  'recording-stopped': [503, 'the recording cannot be written'],
  exhausted: [503, 'the server has no resources left for this connection'],
  'handshake-rate': [503, 'too many handshakes now'],
  'logins-busy': [503, 'too many passwords are being verified now'],
  full: [503, 'no more connections are taken now'],
  memory: [503, 'the server is short of memory'],
  draining: [503, 'the server is shutting down'],
  'echo-reject': [503, 'refused, as the query has asked for'],
  'target-timeout': [504, 'the target was not reached in time'],
  'http-version': [505, 'HTTP version must be 1.1 (RFC 6455 4.1)'],
} as const satisfies Record<string, readonly [status: number, text: string]>;

export type HandshakeRule = keyof typeof HANDSHAKE_RULES;

/** An opening handshake is refused with an HTTP status (RFC 6455 §4.2.2). */
export class HandshakeError extends TwistError {
  override readonly code = 'TWIST_HANDSHAKE';

  readonly rule: HandshakeRule;
  /** HTTP status code of the answer. */
  readonly status: number;
  /** Headers of the answer beyond those that every refusal has. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the log says beside the rule, and the client is not told. */
  readonly notes: Readonly<Record<string, unknown>>;

  constructor(
    rule: HandshakeRule,
    headers: Readonly<Record<string, string>> = {},
    notes: Readonly<Record<string, unknown>> = {},
    // In the place of those of the rule; the text is one line of ASCII.
    words: { readonly status?: number; readonly text?: string } = {},
  ) {
    const [status, text] = HANDSHAKE_RULES[rule];
    super(words.text ?? text);
    this.rule = rule;
    this.status = words.status ?? status;
    this.headers = headers;
    this.notes = notes;
  }
}

/** An extension offer cannot be honoured and is declined (RFC 7692 §5.1); never fatal. */
export class NegotiationError extends TwistError {
  override readonly code = 'TWIST_NEGOTIATION';
}

/** An extension failed while it worked on a message; `cause` is what it threw. */
export class ExtensionError extends TwistError {
  override readonly code = 'TWIST_EXTENSION';
}

/** The places a value of a setting can come from; `preset` is a `TWIST_DEFAULT_*` variable. */
export type ConfigSource = 'flag' | 'environment' | 'file' | 'call' | 'preset' | 'default';

/** A wrong flag, environment variable, configuration key or file; `message` is one clear sentence. */
export class ConfigError extends TwistError {
  override readonly code = 'TWIST_CONFIG';
  /** Where the fault is: `call` is an option of `serve`. Null when something on this machine is in the way. */
  readonly source: ConfigSource | null;

  constructor(message: string, options: ErrorOptions & { readonly source?: ConfigSource } = {}) {
    super(message, options);
    this.source = options.source ?? null;
  }
}

/** A call was given what it does not take: a defect of a mode, or of twist; `message` is one clear sentence. */
export class InvalidArgumentError extends TwistError {
  override readonly code = 'TWIST_INVALID_ARGUMENT';
}

/** An object was used in a state that forbids it: a defect of twist or of a mode, not of the peer. */
export class InvalidStateError extends TwistError {
  override readonly code = 'TWIST_INVALID_STATE';
}
