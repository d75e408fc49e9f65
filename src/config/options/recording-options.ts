/** Rows of the option table: recording traffic, and replaying a recording. */
import { fileSize, headerNames, payloadShare, queryNames } from '../values/recording-values.js';
import { factor, recordedSession } from '../values/recording-values.js';
import { choice, count, file, size, toggle } from '../values/values.js';
import type { OptionTable } from './option.js';

export const RECORD_OPTIONS = {
  record: {
    group: 'Recording',
    type: file(),
    default: 'off',
    help: 'write all traffic to a file as NDJSON; without a mode, accept messages and answer none',
    docs:
      'Every message of every session, in order, decompressed, with its time, and the facts about each session. Records are appended; only the owner can read the file. `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%j` and `%s` in the ' +
      'name stand for parts of the time in UTC, and a new file begins when the name changes; `%w` is the number of the process, which `workers` needs. Headers and parameters that may hold credentials are recorded by name and length only: see `recordHeaders` and `recordQuery`. `-` is standard output. A file belongs to one server: a second one is refused. `docs/recording.md` has the format and its costs; `twist convert` reads it.',
  },
  recordPayload: {
    group: 'Recording',
    needs: 'record',
    type: payloadShare(),
    default: 'full',
    help: 'how much of each payload to record: full, none or a size',
    docs: 'Of a longer payload the beginning is recorded, and always its length. `none` records only that there was a message, and when.',
  },
  recordHeaders: {
    group: 'Recording',
    needs: 'record',
    type: headerNames(),
    default: 'none',
    help: 'headers to record with their values, or * for all',
    docs:
      'Values are recorded only for headers known to be harmless, such as `User-Agent`; of all others the name and the length are. Name here those that you know to be harmless in your service; case does not ' +
      'matter. `sec-websocket-protocol` also records unknown subprotocols. `*` records every header, credentials too. The log is not affected.',
  },
  recordQuery: {
    group: 'Recording',
    needs: 'record',
    type: queryNames(),
    default: 'none',
    help: 'parameters of URLs to record with their values, or * for all',
    docs:
      'The same for the parameters of a URL, after its `?` or in its path (`/room;id=7`), and of URLs in headers such as `Referer`. Names are compared decoded; case does not matter. `*` records every parameter, those without a name, ' +
      'and segments of paths that look like a token.',
  },
  recordFrames: {
    group: 'Recording',
    needs: 'record',
    type: toggle(),
    default: 'false',
    help: 'also write a record for each frame',
    docs: 'With FIN, the reserved bits, opcode, masking and lengths, for debugging a WebSocket implementation. A record of a frame costs more than that of a message.',
  },
  recordSync: {
    group: 'Recording',
    needs: 'record',
    type: choice('WHEN', ['none', 'interval', 'always']),
    default: 'interval',
    help: 'when to force records to disk: none, interval or always',
    docs:
      'Records are written within 50 ms in any case, so a crash of the process costs no more than that. `interval` forces them to disk once a second, in case the whole machine goes down; `none` leaves that to the ' +
      'system. With `always` nothing is sent to a client before the records up to it are on disk; all clients share these writes, and each message waits for one.',
  },
  recordFull: {
    group: 'Recording',
    needs: 'record',
    type: choice('POLICY', ['stop', 'drop']),
    default: 'stop',
    help: 'when the file cannot be written: stop serving or drop records',
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
    docs: 'The time is appended to the name of the full file, `traffic.ndjson.20261123T043105.123Z`, and a new one begins. Old files are kept, unless `recordKeep` says otherwise. For logrotate leave it off: SIGHUP reopens the file.',
  },
  recordKeep: {
    group: 'Recording',
    needs: 'record',
    type: count({ min: 1, max: 1_000_000, canBeOff: true }),
    default: 'off',
    help: 'how many old files of the recording to keep',
    docs:
      'Beside the current one. When a file begins, the oldest that are too many are deleted: those that `recordRotate` has renamed, those of other times when the name contains the time, and those that had failed. ' +
      'Only regular files that begin like a recording and that no process records to are deleted, and nothing that logrotate has renamed. Each process (`%w`) keeps so many of its own.',
  },
  recordMaxTotal: {
    group: 'Recording',
    needs: 'record',
    type: fileSize(),
    default: 'off',
    help: 'the most bytes of all files of the recording together',
    docs:
      'The current file, and those beside it that `recordKeep` would count. No byte more is written, as if the disk were full: what happens then, `recordFull` says. It goes on when files are moved away or deleted, also by `recordKeep` ' +
      'when a file is rotated. With `workers` each process has an equal part. What goes to a pipe does not count.',
  },
  recordQueue: {
    group: 'Recording',
    needs: 'record',
    type: size({ min: 64 * 1024 }),
    default: '8m',
    help: 'how much may wait for the disk',
    docs: 'Bytes of records. When the disk does not keep up and this much waits, clients are not read until half of it is written. One read of each client, and one message, come on top.',
  },
} as const satisfies OptionTable;

export const REPLAY_OPTIONS = {
  replay: {
    group: 'Mode',
    isReloadable: true,
    type: file(),
    default: 'off',
    help: 'play back what a server sent in a recording, as a mock server',
    docs:
      'Each client gets the first session of the recording that was on its path, or see `replaySession`; a path without one is 404. What the server sent then is sent again, ' +
      'in the same order and at the same pace, after the same messages of the client. The file is scanned once at start and then read as needed, so it may be larger than memory. ' +
      'The guide is `docs/replay.md`.',
  },
  replaySession: {
    group: 'Mode',
    isReloadable: true,
    needs: 'replay',
    type: recordedSession(),
    default: 'off',
    help: 'the session of the recording that all clients get',
    docs:
      'Its id in the recording (`s`), a beginning of it that is unique, or its number in the log (`id`). It is then served on every path. ' +
      'Numbers start again with each server, so one may be ambiguous in a recording of several runs.',
  },
  replaySpeed: {
    group: 'Mode',
    isReloadable: true,
    needs: 'replay',
    type: factor(),
    default: '1',
    help: 'how much faster than recorded; 0 means at once',
    docs:
      'Pauses last as long as in the recording, divided by this: 2 is twice as fast, 0.5 half as fast, 0 waits for nothing but the client. ' +
      'The time that the client takes does not count.',
  },
  replayStrict: {
    group: 'Mode',
    isReloadable: true,
    needs: 'replay',
    type: toggle(),
    default: 'false',
    help: 'close clients that do not send what is recorded',
    docs:
      'A client whose message differs from the recorded one, or is one too many, is closed with 1008, and the reason names the message. ' +
      'Without it that is a warning in the log, and the replay goes on.',
  },
} as const satisfies OptionTable;
