/** The echo mode: every message goes back with its own opcode, and nothing else does. */
import type { ModeSession } from '../session/session.js';
import type { DataOpcode } from '../protocol/frame.js';
import type { BuiltInMode } from './built-in.js';
import type { Mode } from '../session/mode.js';

/** Echoes whole messages. A client that does not read its echoes is not read from either. */
export const echoMode: Mode = {
  name: 'echo',
  delivery: 'messages',
  echoes: true,

  message(
    session: ModeSession,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (session.sendRange(opcode, bytes, start, end) === 'wait') session.pause();
  },

  drain(session: ModeSession): void {
    session.resume();
  },
};

/** What clients can ask for is loaded only where it is switched on. */
export const echo: BuiltInMode<'echo'> = {
  filesEach: 1,
  async prepare(context) {
    if (!context.settings.echoControls) return () => echoMode;
    const { controlledEcho } = await import('./echo-controls/echo-controls.js');
    const mode = controlledEcho(context);
    return () => mode;
  },
};
