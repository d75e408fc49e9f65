/**
 * A chat with rooms. Messages are JSON texts, such as `{"type":"say","room":"red","text":"hello"}`; the README lists
 * them all.
 *
 * A slow reader costs no memory and holds nobody up: while too much waits for it, it misses what is said. When it has
 * caught up it is told how many messages it missed, and who is in its rooms now.
 */
import { Buffer } from 'node:buffer';

/** @typedef {import('twist-server').Session<Visitor>} Session */

/**
 * @typedef {object} Visitor
 * @property {string} name by which the others know it
 * @property {Set<string>} rooms where it is
 * @property {boolean} isBehind too much waits for it: it gets nothing until `drain`
 * @property {number} missed messages that it did not get since
 */

const MAX_ROOMS = 20;
const MAX_NAME_CHARACTERS = 40;
const MAX_TEXT_BYTES = 4096;

/** @type {Map<string, Set<Session>>} who is in a room, by its name */
const rooms = new Map();

/** @type {Map<string, Session>} who has a name */
const names = new Map();

/** What is wrong with a request: the client is told. */
class ChatError extends Error {}

/** @type {Readonly<Record<string, (session: Session, request: Readonly<Record<string, unknown>>) => void>>} */
const REQUESTS = {
  join(session, { room }) {
    join(session, checkName('room', room));
  },

  leave(session, { room }) {
    const { rooms: joined } = session.data;
    if (!joined.has(String(room))) throw new ChatError('you are not in that room');
    leave(session, String(room));
  },

  name(session, { name }) {
    const visitor = session.data;
    const to = checkName('name', name);
    if (names.has(to)) throw new ChatError(`the name ${to} is taken`);
    const from = visitor.name;
    names.delete(from);
    names.set(to, session);
    visitor.name = to;
    const others = new Set([session]);
    for (const room of visitor.rooms) for (const one of membersOf(room)) others.add(one);
    for (const one of others) deliver(one, { type: 'renamed', from, to });
  },

  say(session, { room, text }) {
    const { name, rooms: joined } = session.data;
    if (!joined.has(String(room))) throw new ChatError('join the room first');
    if (typeof text !== 'string' || text === '') throw new ChatError('text must be a text');
    if (Buffer.byteLength(text) > MAX_TEXT_BYTES)
      throw new ChatError(`text can have ${MAX_TEXT_BYTES} bytes`);
    tell(String(room), { type: 'said', room, name, text });
  },
};

/** @type {import('twist-server').Mode<Visitor>} */
export default {
  name: 'chat',

  upgrade(session) {
    session.data = { name: `guest-${session.id}`, rooms: new Set(), isBehind: false, missed: 0 };
  },

  open(session) {
    const visitor = session.data;
    names.set(visitor.name, session);
    session.notes = { name: visitor.name };
    deliver(session, { type: 'welcome', name: visitor.name });
    const room = decoded(session.path.slice(1));
    if (room !== '')
      attempt(session, () => {
        join(session, checkName('room', room));
      });
  },

  message(session, data, isBinary) {
    if (isBinary) {
      session.close(1003, 'JSON texts only, please');
      return;
    }
    attempt(session, () => {
      const request = parse(data.toString());
      const answer = Object.hasOwn(REQUESTS, String(request['type']))
        ? REQUESTS[String(request['type'])]
        : undefined;
      if (answer === undefined)
        throw new ChatError(`type must be one of ${Object.keys(REQUESTS).join(', ')}`);
      answer(session, request);
    });
    session.notes = { name: session.data.name };
  },

  drain(session) {
    const visitor = session.data;
    const { missed } = visitor;
    visitor.isBehind = false;
    visitor.missed = 0;
    if (missed === 0) return;
    deliver(session, { type: 'missed', count: missed });
    for (const room of visitor.rooms) deliver(session, { type: 'room', room, members: list(room) });
  },

  close(session) {
    const { name, rooms: joined } = session.data;
    for (const room of joined) leave(session, room);
    if (names.get(name) === session) names.delete(name);
  },
};

/** @param {Session} session @param {string} room */
function join(session, room) {
  const { name, rooms: joined } = session.data;
  if (joined.has(room)) throw new ChatError('you are in that room already');
  if (joined.size === MAX_ROOMS) throw new ChatError(`you can be in ${MAX_ROOMS} rooms`);
  tell(room, { type: 'joined', room, name });
  rooms.set(room, membersOf(room).add(session));
  joined.add(room);
  deliver(session, { type: 'room', room, members: list(room) });
}

/** @param {Session} session @param {string} room */
function leave(session, room) {
  const { name, rooms: joined } = session.data;
  joined.delete(room);
  const members = membersOf(room);
  members.delete(session);
  // Clients choose the names of rooms: an empty one must leave nothing.
  if (members.size === 0) rooms.delete(room);
  deliver(session, { type: 'left', room, name });
  tell(room, { type: 'left', room, name });
}

/** @param {string} room @returns {Set<Session>} */
function membersOf(room) {
  return rooms.get(room) ?? new Set();
}

/** @param {string} room */
function list(room) {
  return [...membersOf(room)].map((session) => session.data.name);
}

/** Tells everybody in a room. @param {string} room @param {object} message */
function tell(room, message) {
  const text = JSON.stringify(message);
  for (const session of membersOf(room)) send(session, text);
}

/** @param {Session} session @param {object} message */
function deliver(session, message) {
  send(session, JSON.stringify(message));
}

/** @param {Session} session @param {string} text */
function send(session, text) {
  const visitor = session.data;
  if (visitor.isBehind) visitor.missed++;
  // This message is taken even then: `wait` means no more, please.
  else visitor.isBehind = session.send(text) === 'wait';
}

/** Tells the client what it did wrong. @param {Session} session @param {() => void} work */
function attempt(session, work) {
  try {
    work();
  } catch (error) {
    // Everything else is our own fault, and ends the session with 1011.
    if (!(error instanceof ChatError)) throw error;
    deliver(session, { type: 'error', message: error.message });
  }
}

/** @param {string} text @returns {Readonly<Record<string, unknown>>} */
function parse(text) {
  try {
    /** @type {unknown} */
    const request = JSON.parse(text);
    if (typeof request === 'object' && request !== null && !Array.isArray(request))
      return /** @type {Record<string, unknown>} */ (request);
  } catch {
    // Told as any other wrong request.
  }
  throw new ChatError('a message must be a JSON object');
}

/** @param {string} what @param {unknown} name */
function checkName(what, name) {
  if (typeof name === 'string' && /^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u.test(name))
    if (name.length <= MAX_NAME_CHARACTERS) return name;
  throw new ChatError(
    `${what} must be a text of letters and digits with at most ${MAX_NAME_CHARACTERS} characters`,
  );
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
