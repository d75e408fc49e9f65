/**
 * Broadcast: each message goes to everybody who has connected to the same path, its sender included, so
 * that all see the same messages in the same order.
 *
 * A slow reader must not cost memory, nor hold up the others. So what it cannot take it misses: this
 * suits news, where the latest counts. When it has caught up it is told how many it missed, in a text
 * message of its own; to whom each message matters that is the sign to ask anew. (The other way is to
 * close such a session, with code 1013: right where a gap makes all that follows useless.)
 */

/** @typedef {import('twist-server').Mode} Mode */
/** @typedef {import('twist-server').Session} Session */

/**
 * @typedef {object} Reader
 * @property {boolean} isBehind too much waits for it: it gets nothing until `drain`
 * @property {number} missed how many messages it did not get since
 */

/** @typedef {Map<Session, Reader>} Room */

/** @type {Map<string, Room>} who is there, by path */
const rooms = new Map();

/** @type {Mode} */
export default {
  name: 'broadcast',
  delivery: 'messages',

  upgrade(session) {
    /** @type {Room} */
    const room = rooms.get(session.path) ?? new Map();
    rooms.set(session.path, room.set(session, { isBehind: false, missed: 0 }));
  },

  message(sender, data, isBinary) {
    for (const [session, reader] of rooms.get(sender.path) ?? []) {
      if (reader.isBehind) reader.missed++;
      // This message is taken even then: `wait` means no more, please.
      else reader.isBehind = session.send(data, isBinary) === 'wait';
    }
  },

  drain(session) {
    const reader = rooms.get(session.path)?.get(session);
    if (reader === undefined) return;
    const { missed } = reader;
    reader.missed = 0;
    reader.isBehind = missed > 0 && session.send(`missed ${missed}`) === 'wait';
  },

  close(session) {
    const room = rooms.get(session.path);
    room?.delete(session);
    // Clients choose their paths: one that nobody has any more must leave nothing behind.
    if (room?.size === 0) rooms.delete(session.path);
  },
};
