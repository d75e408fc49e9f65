/** Messages as commands that send them again. */

export interface Target {
  readonly url: string;
  readonly subprotocol: string | null;
}

/**
 * Whatever a terminal does not just print, but for ends of lines and tabs: pasted, it would end the line that is being typed, or what is
 * marked as pasted, and the rest of the message would be typed as commands. Marks that turn text around hide what is pasted.
 */
const TYPED = /[^\P{Cc}\n\r\t]|[\p{Zl}\p{Zp}\p{Bidi_Control}\p{Cs}]/u;

/** A line for a POSIX shell that sends a message with websocat, and prints one that comes back. */
export function websocatLine(bytes: Uint8Array, text: string | null, target: Target): string {
  const options = ['-n1'];
  let print: string;
  if (text === null || text.includes('\0')) {
    // No argument can have a NUL in it.
    options.push('-b');
    print = `printf ${quoted(octal(bytes))}`;
  } else if (/[\n\r]/.test(text) || TYPED.test(text)) {
    // By itself a line is a message: here a NUL ends it.
    options.push('-0');
    const isTyped = TYPED.test(text);
    print = isTyped ? `printf ${quoted(`${octal(bytes)}\\000`)}` : `printf '%s\\0' ${quoted(text)}`;
  } else {
    print = `printf '%s\\n' ${quoted(text)}`;
  }
  if (target.subprotocol !== null) options.push(`--protocol ${quoted(target.subprotocol)}`);
  return `${print} | websocat ${options.join(' ')} ${quoted(target.url)}`;
}

/**
 * The URL that a client can connect to again. Anybody may have written the recording, and websocat runs commands and writes files for other
 * "URLs" (`cmd:`, `writefile:`): this one is always of a WebSocket, and of characters that a URL has.
 *
 * @param open the session's open record, as far as it is known
 */
export function targetOf(open: Readonly<Record<string, unknown>>): Target {
  const { url, local, tls, subprotocol } = open;
  const headers = (open['headers'] ?? {}) as Readonly<Record<string, unknown>>;
  const host = typeof headers['host'] === 'string' ? headers['host'] : String(local);
  const target = String(url);
  const [, scheme, rest = ''] = /^(https?|wss?):\/\/(.*)$/s.exec(target) ?? [];
  const isSecure = scheme === undefined ? typeof tls === 'string' : scheme.endsWith('s');
  const place =
    scheme === undefined ? `${host}${target.startsWith('/') ? '' : '/'}${target}` : rest;
  return {
    url: `${isSecure ? 'wss' : 'ws'}://${place.replace(/[^\x21-\x7e]/gu, percent)}`,
    subprotocol: typeof subprotocol === 'string' && TOKEN.test(subprotocol) ? subprotocol : null,
  };
}

/** RFC 9110 §5.6.2; one that looks like an option of the command is none that it could be given. */
const TOKEN = /^(?!-)[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function percent(character: string): string {
  return Array.from(new TextEncoder().encode(character), (byte) => {
    return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

function octal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
