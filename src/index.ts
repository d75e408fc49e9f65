/**
 * The library: the server to be started by a program, the types for modes and extensions of one's
 * own, and RFC 6455 without a socket.
 */
export { type RunningServer, type ServeOptions, type Sessions, serve } from './app/serve.js';
export type { Duration, SettingOptions, Size } from './app/setting-options.js';
export type { Log } from './log.js';

// Modes.
export type { PendingRequest as UpgradeRequest, UserMode as Mode } from './app/user-mode.js';
export type { DropRule, SendResult, Session, SessionSummary } from './session/session.js';
export type { FindTarget, TokenRequest } from './modes/tcp/tokens/token-module.js';
export type { HeaderField } from './handshake/request-head.js';
export type { ResponseHeaders, UpgradeResponse } from './handshake/upgrade-response.js';

// Extensions.
export type {
  Extension,
  ExtensionSession,
  FromHeader,
  IntoResponse,
  Message,
  PerMessage,
} from './extensions/extension.js';
export type { ExtensionOffer, ExtensionParam } from './extensions/header.js';
export {
  type DeflateStats,
  type PermessageDeflateOptions,
  permessageDeflate,
} from './extensions/permessage-deflate/permessage-deflate.js';

// The protocol without a socket.
export { Codec, type CodecOptions } from './protocol/codec.js';
export { CloseCode, type CloseStatus } from './protocol/close.js';
export { Opcode } from './protocol/frame.js';
export { acceptKey } from './handshake/response.js';

export {
  AbsenceError,
  ConfigError,
  type ConfigSource,
  type ErrorCode,
  ExtensionError,
  HandshakeError,
  type HandshakeRule,
  InvalidArgumentError,
  InvalidPayloadError,
  InvalidStateError,
  MessageTooBigError,
  NegotiationError,
  OverloadError,
  type OverloadRule,
  type PayloadRule,
  PeerError,
  type PeerRule,
  PolicyError,
  type PolicyRule,
  type PresenceRule,
  ProtocolError,
  type ProtocolRule,
  type SizeRule,
  TwistError,
} from './errors.js';
