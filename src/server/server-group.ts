/** The processes that serve together with this one, which listen on the same addresses. */
import type { Log } from '../log.js';
import type { AdmissionLimits } from './admission/admission.js';

/** An address that is listened on, as the log shows it. */
export interface ListeningLine {
  readonly address: string;
  /** What is served there: the modes, each with its path. */
  readonly mode: string;
}

/** Limits that hold for all processes together. */
export type PlaceLimits = AdmissionLimits;

/** Why a connection gets no place among those of all processes. */
export type PlaceRule =
  'full' | 'too-many-connections-from-address' | 'connection-rate' | 'handshake-rate' | 'draining';

export interface ServerGroup {
  /** The number of this process. */
  readonly worker: number;
  /** What came of a reload is said here, once for all of them. */
  readonly reloadLog: Pick<Log, 'info' | 'error'>;
  /** All addresses are ours too. Whoever leads the group says so. */
  listening(lines: readonly ListeningLine[]): void;
  /**
   * Asks for a place.
   *
   * @param network what the client is counted by; null for nothing
   * @param isHandshake whether it is for a handshake, whose rate has a limit
   * @returns why there is none; null when there is one, which has to be released
   */
  reserve(
    network: string | null,
    limits: PlaceLimits,
    isHandshake: boolean,
  ): Promise<PlaceRule | null>;
  release(network: string | null): void;
}
