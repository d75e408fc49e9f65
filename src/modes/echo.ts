/** The echo mode: every message goes back with its own opcode, and nothing else does. */
import type { Session } from '../session/session.js';
import type { DataOpcode } from '../protocol/frame.js';
import type { Mode } from './mode.js';

/** Echoes whole messages. A client that does not read its echoes is not read from either. */
export const echoMode: Mode = {
  name: 'echo',
  delivery: 'messages',

  message(
    session: Session,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (!session.send(opcode, bytes, start, end)) session.pauseInput();
  },

  drain(session: Session): void {
    session.resumeInput();
  },
};
