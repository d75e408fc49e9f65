/** Messages as commands that send them again. */

export interface Target {
  readonly url: string;
  readonly subprotocol: string | null;
}

/** A line for a POSIX shell that sends a message with websocat, and prints one that comes back. */
export function websocatLine(bytes: Uint8Array, text: string | null, target: Target): string {
  const options = ['-n1'];
  let print: string;
  if (text === null || text.includes('\0')) {
    // No argument can have a NUL in it.
    options.push('-b');
    print = `printf ${quoted(octal(bytes))}`;
  } else if (/[\n\r]/.test(text)) {
    // By itself a line is a message: here a NUL ends it.
    options.push('-0');
    print = `printf '%s\\0' ${quoted(text)}`;
  } else {
    print = `printf '%s\\n' ${quoted(text)}`;
  }
  if (target.subprotocol !== null) options.push(`--protocol ${quoted(target.subprotocol)}`);
  return `${print} | websocat ${options.join(' ')} ${quoted(target.url)}`;
}

/**
 * The URL that a client can connect to again.
 * @param open the session's open record, as far as it is known
 */
export function targetOf(open: Readonly<Record<string, unknown>>): Target {
  const { url, local, tls, subprotocol } = open;
  const headers = (open['headers'] ?? {}) as Readonly<Record<string, unknown>>;
  const host = typeof headers['host'] === 'string' ? headers['host'] : String(local);
  const path = String(url);
  const isWhole = /^[a-z]+:\/\//.test(path);
  const scheme = typeof tls === 'string' ? 'wss' : 'ws';
  return {
    url: isWhole ? path.replace(/^http/, 'ws') : `${scheme}://${host}${path}`,
    subprotocol: typeof subprotocol === 'string' ? subprotocol : null,
  };
}

function octal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
