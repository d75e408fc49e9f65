/**
 * Makes times of sessions that do not go back. In our recordings they never do. In others, and in those
 * of earlier versions, somebody may have set the machine's clock in the middle of a session. All later
 * times of that session are then shifted by as much, so the time between two records stays true.
 */
import type { AnyRecord } from '../format/record.js';
import type { Converter } from './converter.js';
import { OpenSessions } from './open-sessions.js';

/** What an entry takes, about. */
const SESSION_BYTES = 250;

interface SessionTime {
  /** The time given to its last record. */
  last: number;
  /** What is added to the times of its records. */
  shift: number;
}

/** @returns a converter that passes on every record, with such a time */
export function steadyTimes(next: Converter): Converter {
  const sessions = new OpenSessions<SessionTime>(SESSION_BYTES);
  return {
    get givenUp() {
      return next.givenUp;
    },
    convert: (record, line) => next.convert(steady(record, sessions), line),
    flush: async () => {
      await next.flush?.();
    },
    finish: () => next.finish(),
  };
}

function steady(record: AnyRecord, sessions: OpenSessions<SessionTime>): AnyRecord {
  if (record.ev === 'file' || record.ev === 'gap') return record;
  const { s, t } = record;
  let time = sessions.get(s);
  // A session can begin twice, for instance if the same recording was given twice.
  if (time === undefined || record.ev === 'open') {
    time = { last: t, shift: 0 };
    sessions.set(s, time);
  }
  if (t + time.shift < time.last) time.shift = time.last - t;
  time.last = Math.max(time.last, Math.round((t + time.shift) * 1e6) / 1e6);
  if (record.ev === 'close') sessions.delete(s);
  return time.shift === 0 ? record : { ...record, t: time.last };
}
