import type { ServerSettings } from '../config/settings.js';
import type { Extension } from '../extensions/extension.js';
import { permessageDeflate } from '../extensions/permessage-deflate/permessage-deflate.js';
import type { Mode } from '../modes/mode.js';
import type { ServerOptions } from '../server/server.js';
import type { Log } from '../server/session-log.js';

/** Names the settings as the layers below do: sizes in bytes, durations in milliseconds. */
export function serverOptions(
  settings: ServerSettings,
  mode: Mode,
  extensions: readonly Extension[],
  log: Log,
): ServerOptions {
  return {
    listen: settings.listen,
    mode,
    extensions: settings.deflate ? [...extensions, deflate(settings)] : extensions,
    head: {
      maxRequestLineBytes: settings.maxRequestLine,
      maxHeaderLineBytes: settings.maxHeaderLine,
      maxHeadBytes: settings.maxHead,
      maxHeaderCount: settings.maxHeaders,
    },
    origin: settings.origin,
    subprotocol: settings.subprotocol,
    limits: {
      outputPauseBytes: settings.outputPause,
      outputLimitBytes: settings.outputLimit,
      maxMessageBytes: settings.maxMessage,
      handshakeMs: settings.handshakeTimeout,
      messageMs: settings.messageTimeout,
      sendMs: settings.sendTimeout,
      pingMs: settings.pingInterval,
      pongMs: settings.pongTimeout,
      idleMs: settings.idleTimeout,
      closeMs: settings.closeTimeout,
    },
    maxFragments: settings.maxFragments,
    admission: {
      maxConnections: settings.maxConnections,
      maxConnectionsPerAddress: settings.maxConnectionsPerAddress,
    },
    drainMs: settings.drainTimeout,
    log,
  };
}

function deflate(settings: ServerSettings): Extension {
  return permessageDeflate({
    level: settings.deflateLevel,
    thresholdBytes: settings.deflateThreshold,
    memoryBytes: settings.deflateMemory,
    maxRatio: settings.deflateMaxRatio,
    serverMaxWindowBits: settings.deflateWindowBits,
    clientMaxWindowBits: settings.deflateClientWindowBits,
    serverNoContextTakeover: settings.deflateNoContextTakeover.includes('server'),
    clientNoContextTakeover: settings.deflateNoContextTakeover.includes('client'),
  });
}
