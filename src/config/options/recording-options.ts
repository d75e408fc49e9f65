/** The rows of the option table for recording traffic and replaying a recording. */
import { fileSize, headerNames, payloadShare, queryNames } from '../values/recording-values.js';
import { factor, recordedSession } from '../values/recording-values.js';
import { choice, file, size, toggle } from '../values/values.js';
import type { OptionTable } from './option.js';

export const RECORD_OPTIONS = {
  record: {
    group: 'Recording',
    type: file(),
    default: 'off',
    help: 'write all traffic to a file, as NDJSON; alone it takes messages and answers none',
    docs:
      'Every message of every session, in order, decompressed, with its time, and what the sessions were. The file is appended to and is for its owner only. `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%j` and `%s` in the ' +
      'name stand for parts of the time in UTC, and a new file begins when the name changes. Of headers and parameters that may hold credentials only the names and lengths are recorded: see `recordHeaders` and `recordQuery`. `-` is standard output. A file belongs to one server: a second one is refused. The format, and what it costs, is told in `docs/recording.md`; `twist convert` reads it.',
  },
  recordPayload: {
    group: 'Recording',
    needs: 'record',
    type: payloadShare(),
    default: 'full',
    help: 'how much of each payload is recorded: full, none or a size',
    docs: 'Of a longer payload the beginning is recorded, and its length in any case. `none` records that there was a message, and when.',
  },
  recordHeaders: {
    group: 'Recording',
    needs: 'record',
    type: headerNames(),
    default: 'none',
    help: 'headers whose values are recorded too, or * for all',
    docs:
      'The values of headers are recorded only where nobody tells a secret by that name, `User-Agent` for instance; of all others the name and the length are. Name here what you know to be harmless in your service, in any ' +
      'case. With `sec-websocket-protocol` subprotocols are recorded that nobody knows. `*` records every header, credentials too. The log does not show more by it.',
  },
  recordQuery: {
    group: 'Recording',
    needs: 'record',
    type: queryNames(),
    default: 'none',
    help: 'parameters of URLs whose values are recorded too, or * for all',
    docs:
      'The same for the parameters of a URL, behind its `?` or in its path (`/room;id=7`), and of URLs in headers such as `Referer`. Names are compared decoded and without regard to case. `*` records every parameter, those without a name, ' +
      'and segments of paths that look like a token.',
  },
  recordFrames: {
    group: 'Recording',
    needs: 'record',
    type: toggle(),
    default: 'false',
    help: 'a record for each frame as well',
    docs: 'With FIN, the reserved bits, opcode, masking and lengths, for whoever debugs a WebSocket implementation. A record of a frame costs more than that of a message.',
  },
  recordSync: {
    group: 'Recording',
    needs: 'record',
    type: choice('WHEN', ['none', 'interval', 'always']),
    default: 'interval',
    help: 'when records are forced to the disk: none, interval or always',
    docs:
      'Records are written within 50 ms in any case, so a crash of the process costs no more than that. `interval` forces them to the disk once a second, for the case that the whole machine goes down; `none` leaves that to the ' +
      'system. With `always` nothing is sent to a client before the records up to it are on disk; all clients share these writes, and each message waits for one.',
  },
  recordFull: {
    group: 'Recording',
    needs: 'record',
    type: choice('POLICY', ['stop', 'drop']),
    default: 'stop',
    help: 'when the file cannot be written: stop serving, or drop records',
    docs:
      'A full disk, for instance. `stop` closes the sessions with 1013, answers new ones with 503, and goes on once the file can be written again; no message is lost. `drop` goes on serving; how many ' +
      'records are missing is in the log and in the file.',
  },
  recordRotate: {
    group: 'Recording',
    needs: 'record',
    type: fileSize(),
    default: 'off',
    help: 'begin a new file at this size',
    docs: 'The full file gets the time behind its name, `traffic.ndjson.20261123T043105.123Z`, and a new one begins. Nothing deletes old files. For logrotate leave it off: SIGHUP opens the file anew.',
  },
  recordQueue: {
    group: 'Recording',
    needs: 'record',
    type: size({ min: 64 * 1024 }),
    default: '8m',
    help: 'records that may wait for the disk',
    docs: 'Bytes. When the disk does not keep up and this much waits, clients are not read until half of it is written. What one read of each client brings, and one message, comes on top.',
  },
} as const satisfies OptionTable;

export const REPLAY_OPTIONS = {
  replay: {
    group: 'Mode',
    type: file(),
    default: 'off',
    help: 'serve what a server said in a recording, as a mock of it',
    docs:
      'Each client gets the first session of the recording that was on its path, or see `replaySession`; a path without one is 404. What the server sent then is sent again, ' +
      'in its order and at its pace, behind the messages of the client that it came behind. The file is looked through once at start, and read on as it is needed: it may be larger than memory. ' +
      'The guide is `docs/replay.md`.',
  },
  replaySession: {
    group: 'Mode',
    needs: 'replay',
    type: recordedSession(),
    default: 'off',
    help: 'which session of the recording all clients get',
    docs:
      'Its id in the recording (`s`), as much of the beginning as no other one has, or its number in the log (`id`). It is served on every path then. ' +
      'Numbers begin anew when a server is started, so one may not be enough where a recording has several runs.',
  },
  replaySpeed: {
    group: 'Mode',
    needs: 'replay',
    type: factor(),
    default: '1',
    help: 'how much faster than recorded; 0 is at once',
    docs:
      'What is sent comes as long after what was before it as in the recording, divided by this: 2 is twice as fast, 0.5 half as fast, 0 waits for nothing but the client. ' +
      'The time that the client takes is not counted.',
  },
  replayStrict: {
    group: 'Mode',
    needs: 'replay',
    type: toggle(),
    default: 'false',
    help: 'close clients that do not send what is recorded',
    docs:
      'A client whose message differs from the recorded one, or is one too many, is closed with 1008, and the reason names the message. ' +
      'Without it that is a warning in the log, and the replay goes on.',
  },
} as const satisfies OptionTable;
