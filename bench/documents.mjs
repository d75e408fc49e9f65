/**
 * JSON as applications send it: events, orders, log lines and readings with names that repeat and values that do not.
 * No two documents are the same. A ring of a few messages would let a compressor copy each one from its history,
 * and any figure would look too good.
 */
import { Buffer } from 'node:buffer';

/** @typedef {() => number} Random a whole number of 32 bits */

const WORDS = (
  'the a to of and for with from order customer payment was received delivered delayed shipped because address could not be ' +
  'found please check your account before next week new price changed connection closed after timeout retry failed request ' +
  'user signed in again report finished meeting moved room booked invoice sent reminder open ticket answered by support team ' +
  'temperature above limit sensor offline battery low update available version installed server restarted backup complete ' +
  'thanks see you tomorrow morning evening lunch great idea let me know when it works we should look at this together'
).split(' ');
const NAMES =
  'Amara Bruno Chiara Daniel Elif Farid Greta Hugo Ines Jonas Kofi Lena Mateo Nadia Olga Pavel'.split(
    ' ',
  );
const CITIES = 'Lisbon Oslo Nairobi Lima Osaka Toronto Vienna Dakar Perth Tallinn'.split(' ');
const SERVICES = 'checkout catalog search auth billing mailer gateway stock'.split(' ');
const LEVELS = ['debug', 'info', 'info', 'info', 'warn', 'error'];
const CURRENCIES = ['EUR', 'USD', 'GBP', 'JPY'];
const PADDING = ',"note":""';

/**
 * One document of exactly so many bytes: an event of its own when it is small, a page of them when it is not.
 * @param {number} sizeBytes at least 100
 * @param {Random} random
 * @returns {Buffer} ASCII
 */
export function makeDocument(sizeBytes, random) {
  const [head, tail] =
    sizeBytes < 512
      ? [JSON.stringify(tick(random)).slice(0, -1), '}']
      : page(sizeBytes - PADDING.length, random);
  const missing = sizeBytes - head.length - tail.length - PADDING.length;
  if (missing < 0) throw new Error(`no document has only ${sizeBytes} bytes`);
  const note = sentence(missing, random);
  return Buffer.from(`${head}${tail.slice(0, -1)}${PADDING.slice(0, -1)}${note}"}`, 'latin1');
}

/**
 * @param {number} sizeBytes that it must not exceed
 * @param {Random} random
 * @returns {[string, string]} everything but the end, and the end
 */
function page(sizeBytes, random) {
  const envelope = { page: random() % 10_000, at: timestamp(random), cursor: hex(random, 16) };
  const head = `${JSON.stringify(envelope).slice(0, -1)},"items":[`;
  const tail = ']}';
  /** @type {string[]} */
  const items = [];
  for (let length = head.length + tail.length; ;) {
    const item = JSON.stringify(record(random));
    length += item.length + 1;
    if (length > sizeBytes) break;
    items.push(item);
  }
  return [head + items.join(','), tail];
}

/** @param {Random} random */
function record(random) {
  const shapes = [order, logLine, message, reading];
  return shapes[random() % shapes.length]?.(random);
}

/** @param {Random} random */
function tick(random) {
  return {
    type: 'tick',
    id: random() % 100_000_000,
    at: 1_790_000_000_000 + random(),
    symbol: `${pick(CURRENCIES, random)}${pick(CURRENCIES, random)}`,
    price: (random() % 2_000_000) / 10_000,
    size: (random() % 500) * 100,
  };
}

/** @param {Random} random */
function order(random) {
  return {
    type: 'order',
    id: hex(random, 12),
    createdAt: timestamp(random),
    customer: {
      id: random() % 1_000_000,
      name: pick(NAMES, random),
      city: pick(CITIES, random),
      isNew: random() % 4 === 0,
    },
    lines: Array.from({ length: 1 + (random() % 3) }, () => ({
      sku: `SKU-${10_000 + (random() % 90_000)}`,
      quantity: 1 + (random() % 9),
      price: (random() % 50_000) / 100,
    })),
    currency: pick(CURRENCIES, random),
    state: pick(['new', 'paid', 'shipped', 'returned'], random),
  };
}

/** @param {Random} random */
function logLine(random) {
  return {
    type: 'log',
    time: timestamp(random),
    level: pick(LEVELS, random),
    service: pick(SERVICES, random),
    traceId: hex(random, 16),
    durationMs: (random() % 200_000) / 100,
    message: sentence(30 + (random() % 50), random),
  };
}

/** @param {Random} random */
function message(random) {
  return {
    type: 'message',
    id: random() % 100_000_000,
    from: pick(NAMES, random),
    to: pick(NAMES, random),
    sentAt: timestamp(random),
    text: sentence(20 + (random() % 120), random),
    reactions: random() % 3 === 0 ? [] : [{ by: pick(NAMES, random), emoji: ':+1:' }],
  };
}

/** @param {Random} random */
function reading(random) {
  return {
    type: 'reading',
    device: `dev-${random() % 5000}`,
    time: timestamp(random),
    temperature: (random() % 4000) / 100,
    humidity: (random() % 10_000) / 100,
    position: [(random() % 18_000_000) / 100_000 - 90, (random() % 36_000_000) / 100_000 - 180],
    battery: random() % 101,
  };
}

/**
 * @param {number} length
 * @param {Random} random
 */
function sentence(length, random) {
  let text = '';
  while (text.length < length) text += `${pick(WORDS, random)} `;
  return text.slice(0, length);
}

/** @param {Random} random */
function timestamp(random) {
  return new Date(1_790_000_000_000 + random()).toISOString();
}

/**
 * @param {Random} random
 * @param {number} length
 */
function hex(random, length) {
  let text = '';
  while (text.length < length) text += random().toString(16).padStart(8, '0');
  return text.slice(0, length);
}

/**
 * @template Value
 * @param {readonly Value[]} values not empty
 * @param {Random} random
 * @returns {Value}
 */
function pick(values, random) {
  return /** @type {Value} */ (values[random() % values.length]);
}
