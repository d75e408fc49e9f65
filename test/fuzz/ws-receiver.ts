/** The receiver of npm `ws`, another implementation of RFC 6455, on its own. */
import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import path from 'node:path';
import {
  closeEvent,
  messageEvent,
  pingEvent,
  pongEvent,
  type RecordedEvent,
} from '../fixtures/event-recorder.js';

interface ReceiverOptions {
  readonly isServer: boolean;
  readonly maxPayload: number;
  readonly maxFragments: number;
}

interface Receiver {
  on(name: 'message', listener: (payload: Buffer, isBinary: boolean) => void): void;
  on(name: 'ping' | 'pong', listener: (payload: Buffer) => void): void;
  on(name: 'conclude', listener: (code: number, reason: Buffer) => void): void;
  _write(bytes: Uint8Array, encoding: 'buffer', done: (fault?: Fault) => void): void;
}

/** An error with the close code that it is answered with. */
type Fault = Error & { readonly code: string } & Readonly<Record<symbol, number | undefined>>;

// The receiver is not among what ws exports, so that it is loaded as a file. It is not part of the
// public interface either: the version of ws is pinned.
const require = createRequire(import.meta.url);
const folder = path.join(path.dirname(require.resolve('ws/package.json')), 'lib');
const Receiver = require(path.join(folder, 'receiver.js')) as new (
  options: ReceiverOptions,
) => Receiver;
const { kStatusCode } = require(path.join(folder, 'constants.js')) as {
  readonly kStatusCode: symbol;
};

/** What a receiver told: events up to a Close, or to an error that has a close code. */
export interface Heard {
  readonly events: readonly RecordedEvent[];
  readonly error: { readonly closeCode: number; readonly name: string } | null;
}

/** Gives some pieces to a new receiver. */
export function hearWithWs(pieces: readonly Uint8Array[], options: ReceiverOptions): Heard {
  const receiver = new Receiver(options);
  const events: RecordedEvent[] = [];
  const errors: Heard['error'][] = [];
  receiver.on('message', (payload, isBinary) =>
    events.push(messageEvent(isBinary ? 2 : 1, payload)),
  );
  receiver.on('ping', (payload) => events.push(pingEvent(payload)));
  receiver.on('pong', (payload) => events.push(pongEvent(payload)));
  receiver.on('conclude', (code, reason) => {
    // A leading U+FEFF is part of the reason.
    events.push(closeEvent(code, new TextDecoder('utf-8', { ignoreBOM: true }).decode(reason)));
  });
  for (const piece of pieces) {
    // The method behind `write`, which would tell of an error only later.
    receiver._write(Buffer.from(piece), 'buffer', (fault) => {
      if (fault !== undefined) errors.push({ closeCode: fault[kStatusCode]!, name: fault.code });
    });
    if (errors.length > 0 || events.at(-1)?.type === 'close') break;
  }
  return { events, error: errors[0] ?? null };
}
