/** The rows of the option table that are about replaying a recording. */
import { file, toggle } from '../values/values.js';
import type { OptionTable } from './option.js';
import { factor, recordedSession } from '../values/replay-values.js';

export const REPLAY_OPTIONS = {
  replay: {
    group: 'Mode',
    kind: file(),
    default: 'off',
    help: 'serve what a server said in a recording, as a mock of it',
    docs:
      'Each client gets the first session of the recording that was on its path, or see `session`; a path without one is 404. What the server sent then is sent again, ' +
      'in its order and at its pace, behind the messages of the client that it came behind. The file is looked through once at start, and read on as it is needed: it may be larger than memory. ' +
      'The guide is `docs/replay.md`.',
  },
  session: {
    group: 'Mode',
    needs: 'replay',
    kind: recordedSession(),
    default: 'off',
    help: 'which session of the recording all clients get',
    docs:
      'Its id in the recording (`s`), as much of the beginning as no other one has, or its number in the log (`id`). It is served on every path then. ' +
      'Numbers begin anew when a server is started, so one may not be enough where a recording has several runs.',
  },
  speed: {
    group: 'Mode',
    needs: 'replay',
    kind: factor(),
    default: '1',
    help: 'how much faster than recorded; 0 is at once',
    docs:
      'What is sent comes as long after what was before it as in the recording, divided by this: 2 is twice as fast, 0.5 half as fast, 0 waits for nothing but the client. ' +
      'The time that the client takes is not counted.',
  },
  strict: {
    group: 'Mode',
    needs: 'replay',
    kind: toggle(),
    default: 'false',
    help: 'close clients that do not send what is recorded',
    docs:
      'A client whose message differs from the recorded one, or is one too many, is closed with 1008, and the reason names the message. ' +
      'Without it that is a warning in the log, and the replay goes on.',
  },
} as const satisfies OptionTable;
