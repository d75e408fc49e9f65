/** The same connection from other programs, ready to paste. */

export interface ReadyLine {
  readonly id: string;
  readonly name: string;
  /** What it does, and what one needs for it. */
  readonly about: string;
  readonly code: string;
}

/** Any key will do that is 16 bytes in base64; this is the one of RFC 6455 1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/**
 * @param url to connect to, as a browser writes it: ASCII
 * @param subprotocols tokens
 */
export function readyLines(url: string, subprotocols: readonly string[]): ReadyLine[] {
  const httpUrl = url.replace(/^ws/, 'http');
  const list = subprotocols.join(', ');
  const quoted = JSON.stringify(url);
  const names = `[${subprotocols.map((name) => JSON.stringify(name)).join(', ')}]`;
  const hasSome = subprotocols.length > 0;
  return [
    {
      id: 'wscat',
      name: 'wscat',
      about: 'Type a line, see its echo. It comes with npm and needs no installation.',
      code: `npx wscat --connect ${shell(url)}${subprotocols.map((name) => ` --subprotocol ${shell(name)}`).join('')}`,
    },
    {
      id: 'websocat',
      name: 'websocat',
      about: 'Sends what comes on its standard input, line by line.',
      code: `echo hello | websocat --no-close --one-message${hasSome ? ` --protocol ${shell(list)}` : ''} ${shell(url)}`,
    },
    {
      id: 'curl',
      name: 'curl',
      about: 'What the server is asked, as JSON.',
      code: `curl ${shell(httpUrl)}`,
    },
    {
      id: 'handshake',
      name: 'handshake',
      about: 'With curl: the answer that opens a connection, which is left after a second.',
      code: [
        'curl --include --no-buffer --http1.1 --max-time 1 \\',
        "  --header 'Connection: Upgrade' --header 'Upgrade: websocket' \\",
        `  --header 'Sec-WebSocket-Version: 13' --header 'Sec-WebSocket-Key: ${KEY}' \\`,
        ...(hasSome ? [`  --header ${shell(`Sec-WebSocket-Protocol: ${list}`)} \\`] : []),
        `  ${shell(httpUrl)}`,
      ].join('\n'),
    },
    {
      id: 'python',
      name: 'Python',
      about: 'With pip install websockets.',
      code: [
        'from websockets.sync.client import connect',
        '',
        `with connect(${quoted}${hasSome ? `, subprotocols=${names}` : ''}) as ws:`,
        '    ws.send("hello")',
        '    print(ws.recv())',
      ].join('\n'),
    },
    {
      id: 'javascript',
      name: 'JavaScript',
      about: 'In a browser, or in Node 22 and newer.',
      code: [
        `const ws = new WebSocket(${quoted}${hasSome ? `, ${names}` : ''});`,
        "ws.onopen = () => ws.send('hello');",
        'ws.onmessage = ({ data }) => {',
        '  console.log(data);',
        '  ws.close();',
        '};',
      ].join('\n'),
    },
  ];
}

/** A word of a shell: in quotes, unless it needs none. */
export function shell(word: string): string {
  return /^[\w./:@=,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
