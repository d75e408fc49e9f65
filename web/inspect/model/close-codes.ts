/** Close codes that a server may send, and what is wrong with others (RFC 6455 §7.4). */

export const CLOSE_CODES: readonly (readonly [code: number, meaning: string])[] = [
  [1000, 'done: what the session was for is complete'],
  [1001, 'going away: the server stops, or has others to serve'],
  [1008, 'policy: something that it did is not allowed'],
  [1011, 'internal error of the server'],
  [1012, 'the server restarts: come back'],
  [1013, 'try again later: too much to do'],
];

/** Two bytes of the Close's payload are the code (RFC 6455 §5.5). */
const MAX_REASON_BYTES = 123;

export interface CloseFault {
  readonly of: 'code' | 'reason';
  readonly sentence: string;
}

export function closeFault(code: string, reason: string): CloseFault | null {
  if (!/^\d{4}$/.test(code.trim()) || !isSendable(Number(code)))
    return {
      of: 'code',
      sentence: `“${code}” is no code that a server may send: 1000 to 1003, 1007 to 1009, 1011 to 1014, or 3000 to 4999.`,
    };
  const { length } = new TextEncoder().encode(reason);
  return length <= MAX_REASON_BYTES
    ? null
    : {
        of: 'reason',
        sentence: `The reason has ${length} bytes; a Close frame has room for ${MAX_REASON_BYTES}.`,
      };
}

function isSendable(code: number): boolean {
  return (
    (code >= 1000 && code <= 1003) ||
    (code >= 1007 && code <= 1009) ||
    (code >= 1011 && code <= 1014) ||
    (code >= 3000 && code <= 4999)
  );
}
