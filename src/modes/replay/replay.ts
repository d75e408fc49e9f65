/** The replay: clients get what a server said in a recorded session. */
import type { ModeSession } from '../../session/session.js';
import { HandshakeError } from '../../errors.js';
import { STRICT_REDACTION, withoutLengths } from '../../handshake/redaction/redaction.js';
import type { DataOpcode } from '../../protocol/frame.js';
import type { ReplaySession } from '../../recording/replay/replay-index.js';
import { ReplayScript } from '../../recording/replay/replay-script.js';
import type { Mode } from '../../session/mode.js';
import { type ReplayOptions, ReplayPlayer } from './replay-player.js';

export interface ReplayModeOptions extends ReplayOptions {
  /** The recording. */
  readonly file: string;
  /** Its sessions, in its order. A client gets the first one that was on the client's path. */
  readonly sessions: readonly ReplaySession[];
  /** The session that all clients get, whatever their path. */
  readonly only: ReplaySession | null;
}

export class ReplayMode implements Mode {
  readonly name: string;
  readonly defaults: Required<Mode>['defaults'];
  /** A message may be larger than memory, as it may be where recordings are made. */
  readonly delivery = 'chunks';

  readonly #options: ReplayModeOptions;
  /** The first session of each path. */
  readonly #byPath = new Map<string, ReplaySession>();
  /** The same, by paths as they are shown: tokens in them were not recorded, and differ for each client. */
  readonly #byShownPath = new Map<string, ReplaySession>();

  constructor(options: ReplayModeOptions) {
    const { file, sessions, only } = options;
    this.#options = options;
    this.name = `replay:${file}`;
    for (const session of sessions) {
      const { path } = session;
      if (path === null || this.#byPath.has(path)) continue;
      this.#byPath.set(path, session);
      const shown = shownPath(path);
      if (!this.#byShownPath.has(shown)) this.#byShownPath.set(shown, session);
    }
    const served = only === null ? [...this.#byPath.values()] : [only];
    // Compress only if it was so in the recording: a message sent uncompressed may exceed the limit for
    // compressed ones.
    const deflate = served.some(({ extensions }) => extensions?.includes('permessage-deflate'));
    this.defaults = { origin: 'any', deflate };
  }

  async upgrade(session: ModeSession): Promise<void> {
    const { file, only, memory = null } = this.#options;
    const recorded = only ?? this.#find(session.path);
    if (recorded === undefined) {
      const reason = `no session on this path is in ${file}`;
      throw new HandshakeError('route', {}, { reason });
    }
    let script: ReplayScript;
    try {
      script = await ReplayScript.open(file, recorded, memory);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = `${file} cannot be read: ${code ?? message}`;
      throw new HandshakeError('internal', {}, { reason });
    }
    // If the client has left meanwhile, `close` is called all the same, which closes the file.
    session.data = new ReplayPlayer(session, script, recorded, this.#options);
  }

  #find(path: string): ReplaySession | undefined {
    return this.#byPath.get(path) ?? this.#byShownPath.get(shownPath(path));
  }

  open(session: ModeSession): void {
    playerOf(session).start();
  }

  chunk(
    session: ModeSession,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
    isFirst: boolean,
    isLast: boolean,
  ): void {
    playerOf(session).receive(opcode, bytes.subarray(start, end), isFirst, isLast);
  }

  drain(session: ModeSession): void {
    playerOf(session).resume();
  }

  heldBytes(session: ModeSession): number {
    return playerOf(session).heldBytes;
  }

  closing(session: ModeSession): Promise<void> {
    return playerOf(session).clientClosed();
  }

  close(session: ModeSession): void {
    playerOf(session).stop();
  }
}

function shownPath(path: string): string {
  return withoutLengths(STRICT_REDACTION.path(path));
}

function playerOf({ data }: ModeSession): ReplayPlayer {
  return data as ReplayPlayer;
}
