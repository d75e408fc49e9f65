/**
 * Hides in other recordings, and in those of earlier versions, what ours would not show. A file that
 * says it is `redacted` is believed, since its operator may have chosen to show more.
 */
import { STRICT_REDACTION } from '../../handshake/redaction/redaction.js';
import type { HeaderField } from '../../handshake/request-head.js';
import { lineOf } from '../write/record-encoder.js';
import type { AnyRecord, OpenRecord } from './record.js';

const OPEN_KEYS: ReadonlySet<string> = new Set<keyof OpenRecord>([
  ...([
    'ev',
    's',
    't',
    'id',
    'remote',
    'local',
    'tls',
    'clientCertificate',
    'url',
    'headers',
  ] as const),
  ...(['subprotocol', 'extensions', 'mode'] as const),
]);

/** A record and its line, without the newline. */
interface Read {
  readonly record: AnyRecord;
  readonly bytes: Uint8Array;
}

/** Takes the records of one file in their order. */
export class OpenRedaction {
  #isRedacted = false;

  /** @returns the input, or the same with its secrets hidden, in the record and in its line */
  apply<Kind extends Read>(read: Kind): Kind {
    const { record } = read;
    // Each run of a server begins with its own header.
    if (record.ev === 'file') this.#isRedacted = record.redacted === true;
    if (record.ev !== 'open' || this.#isRedacted) return read;
    const redacted = redactedOpen(record);
    // Most records have nothing to hide, and then pass unchanged to the byte.
    if (JSON.stringify(redacted) === JSON.stringify(record)) return read;
    return { ...read, record: redacted, bytes: lineOf(redacted).subarray(0, -1) };
  }
}

/** The known keys, in their order, and no others: nobody can tell what unknown keys hold. */
function redactedOpen(record: OpenRecord): OpenRecord {
  const { subprotocol, extensions } = record;
  const shown: OpenRecord = {
    ...record,
    url: STRICT_REDACTION.url(record.url),
    headers: STRICT_REDACTION.headers(fieldsOf(record.headers)),
    subprotocol: subprotocol === null ? null : STRICT_REDACTION.subprotocol(subprotocol),
    extensions: extensions === null ? null : STRICT_REDACTION.extensions(extensions),
  };
  const entries = Object.entries(shown).filter(([key]) => OPEN_KEYS.has(key));
  return Object.fromEntries(entries) as unknown as OpenRecord;
}

function fieldsOf(headers: OpenRecord['headers']): HeaderField[] {
  return Object.entries(headers).flatMap(([key, value]) => {
    const name = key.toLowerCase();
    return typeof value === 'string'
      ? [{ name, value }]
      : value.map((one): HeaderField => ({ name, value: one }));
  });
}
