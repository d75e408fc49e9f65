/** What close codes say (RFC 6455 §7.4). */

const SENTENCES: Readonly<Record<number, string>> = {
  1000: 'Normal: what it was for is done.',
  1001: 'Going away: the server stops, or the page was left.',
  1002: 'A rule of the protocol was broken.',
  1003: 'A kind of data that cannot be taken.',
  1005: 'The Close frame had no code.',
  1006: 'No Close frame came: the connection was lost, or refused.',
  1007: 'Data that does not fit its kind, such as text that is not UTF-8.',
  1008: 'A policy or a limit was broken.',
  1009: 'The message is too big.',
  1010: 'An extension that the client needs was not agreed on.',
  1011: 'The server failed.',
  1012: 'The server restarts.',
  1013: 'The server is overloaded: try again later.',
  1014: 'A gateway got a bad answer.',
  1015: 'The TLS handshake failed.',
};

export function closeSentence(code: number): string {
  const known = SENTENCES[code];
  if (known !== undefined) return known;
  if (code >= 3000 && code < 4000) return 'Registered with IANA by a library or an application.';
  if (code >= 4000 && code < 5000) return 'The application gives it its meaning.';
  return 'Nobody has given it a meaning.';
}
