/** The permessage-deflate of npm `ws`, another implementation of RFC 7692, on its own. */
import { Buffer } from 'node:buffer';
import { createRequire } from 'node:module';
import path from 'node:path';

/** What ws is told; windows are 8 to 15. */
export interface WsDeflateOptions {
  readonly isServer?: boolean;
  readonly maxPayload?: number;
  readonly serverNoContextTakeover?: boolean;
  readonly clientNoContextTakeover?: boolean;
  readonly serverMaxWindowBits?: number;
  readonly clientMaxWindowBits?: number;
}

/** An error with the close code that it is answered with. */
type Fault = Error & Readonly<Record<symbol, number | undefined>>;

type Done = (fault: Fault | null, result: Buffer) => void;

type Params = Record<string, unknown>;

interface PerMessageDeflate {
  /** Null before the first message, and behind one in which a deflate stream ended or was wrong. */
  readonly _inflate: object | null;
  offer(): Params;
  accept(configurations: readonly Params[]): unknown;
  compress(payload: Uint8Array, isFinal: boolean, done: Done): void;
  decompress(payload: Uint8Array, isFinal: boolean, done: Done): void;
  cleanup(): void;
}

// None of this is among what ws exports, so that it is loaded as files: the version of ws is pinned.
const require = createRequire(import.meta.url);
const folder = path.join(path.dirname(require.resolve('ws/package.json')), 'lib');
const PerMessageDeflate = require(path.join(folder, 'permessage-deflate.js')) as new (
  options: WsDeflateOptions,
) => PerMessageDeflate;
const { kStatusCode } = require(path.join(folder, 'constants.js')) as {
  readonly kStatusCode: symbol;
};
const { format, parse } = require(path.join(folder, 'extension.js')) as {
  readonly format: (extensions: Record<string, Params>) => string;
  readonly parse: (header: string) => Record<string, Params[]>;
};

/** What a message came to: bytes, or a close code. */
export interface WsInflated {
  readonly payload: Buffer | null;
  readonly closeCode: number | null;
  /** A deflate stream ended in it: ws leaves out what is behind. */
  readonly hasEnded: boolean;
}

export class WsDeflate {
  readonly #codec: PerMessageDeflate;

  constructor(options: WsDeflateOptions) {
    this.#codec = new PerMessageDeflate(options);
  }

  /** The element of the request header. */
  get offer(): string {
    return format({ 'permessage-deflate': this.#codec.offer() });
  }

  /** Takes an element of a header. @throws Error for what does not suit the offer */
  accept(element: string): void {
    this.#codec.accept(parse(element)['permessage-deflate']!);
  }

  async compress(message: Uint8Array): Promise<Uint8Array> {
    return await new Promise((resolve, reject) => {
      this.#codec.compress(message, true, (fault, result) => {
        if (fault === null) resolve(new Uint8Array(result));
        else reject(fault);
      });
    });
  }

  async decompress(payload: Uint8Array): Promise<WsInflated> {
    return await new Promise((resolve) => {
      this.#codec.decompress(Buffer.from(payload), true, (fault, result) => {
        resolve({
          payload: fault === null ? result : null,
          closeCode: fault?.[kStatusCode] ?? null,
          hasEnded: fault === null && this.#codec._inflate === null,
        });
      });
    });
  }

  close(): void {
    this.#codec.cleanup();
  }
}
