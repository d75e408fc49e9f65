import { execFileSync } from 'node:child_process';
import t from 'tap';
import { targetOf, websocatLine } from '../../../../web/inspect/model/copy-as.js';

const TARGET = { url: 'ws://127.0.0.1:9001/a?b=1', subprotocol: null };
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

t.test('a line for each kind of message', async (t) => {
  t.equal(
    websocatLine(bytesOf('hello'), 'hello', TARGET),
    `printf '%s\\n' 'hello' | websocat -n1 'ws://127.0.0.1:9001/a?b=1'`,
  );
  t.equal(
    websocatLine(bytesOf("it's"), "it's", { ...TARGET, subprotocol: 'json' }),
    `printf '%s\\n' 'it'\\''s' | websocat -n1 --protocol 'json' 'ws://127.0.0.1:9001/a?b=1'`,
  );
  t.equal(
    websocatLine(bytesOf('a\nb'), 'a\nb', TARGET),
    `printf '%s\\0' 'a\nb' | websocat -n1 -0 'ws://127.0.0.1:9001/a?b=1'`,
  );
  t.equal(
    websocatLine(Uint8Array.of(0, 255), null, TARGET),
    `printf '\\000\\377' | websocat -n1 -b 'ws://127.0.0.1:9001/a?b=1'`,
  );
  t.match(
    websocatLine(bytesOf('a\0b'), 'a\0b', TARGET),
    /^printf '\\141\\000\\142' \| websocat -n1 -b /,
  );
});

t.test('a shell prints just the message', async (t) => {
  for (const [bytes, text, end] of [
    [bytesOf('$HOME `ls` "x" \'y\' %s \\n'), '$HOME `ls` "x" \'y\' %s \\n', '\n'],
    [bytesOf('two\nlines'), 'two\nlines', '\0'],
    [bytesOf('\u0003\nls\n\u001b[201~%s\u202e'), '\u0003\nls\n\u001b[201~%s\u202e', '\0'],
    [Uint8Array.from({ length: 256 }, (_, index) => index), null, ''],
  ] as const) {
    const [print = ''] = websocatLine(bytes, text, TARGET).split(' | websocat');
    const printed = execFileSync('sh', ['-c', print]);
    t.strictSame([...printed], [...bytes, ...bytesOf(end)]);
  }
});

t.test('where a session can be had again', async (t) => {
  t.strictSame(targetOf({ url: '/chat', local: '127.0.0.1:9001', tls: null, subprotocol: null }), {
    url: 'ws://127.0.0.1:9001/chat',
    subprotocol: null,
  });
  t.strictSame(
    targetOf({
      url: '/chat',
      local: '127.0.0.1:9001',
      tls: 'TLSv1.3',
      subprotocol: 'json',
      headers: { host: 'example.com' },
    }),
    { url: 'wss://example.com/chat', subprotocol: 'json' },
  );
  t.equal(targetOf({ url: 'https://example.com/a' }).url, 'wss://example.com/a');
});

t.test('nothing of a message is typed where a line is pasted', async (t) => {
  // Interrupts the line, ends what is marked as pasted, and hides what it is.
  for (const odd of ['\u0003', '\u001b[201~', '\u0015', '\u007f', '\u009b', '\u202e', '\u2028']) {
    const text = `${odd}\nrm x\n`;
    const line = websocatLine(bytesOf(text), text, TARGET);
    t.match(line, /^[\x20-\x7e]+$/, 'one line of ASCII');
    t.match(line, ' | websocat -n1 -0 ', 'a text still');
  }
});

t.test('a recording that somebody else has written', async (t) => {
  const local = '127.0.0.1:9001';
  for (const [url, expected] of [
    // What websocat takes for a command, or a file to be written.
    ['cmd://;reboot', `ws://${local}/cmd://;reboot`],
    ['sh-c:reboot', `ws://${local}/sh-c:reboot`],
    ['writefile:///etc/passwd', `ws://${local}/writefile:///etc/passwd`],
    ['httpscmd://x', `ws://${local}/httpscmd://x`],
    ['/\u0003\nreboot\n\u00e9\ud800', `ws://${local}/%03%0Areboot%0A%C3%A9%EF%BF%BD`],
    ['http://a/\n', 'ws://a/%0A'],
  ] as const)
    t.equal(targetOf({ url, local }).url, expected);
  t.equal(targetOf({ url: '/', headers: { host: 'a\u001b[201~' } }).url, 'ws://a%1B[201~/');
  for (const subprotocol of ['--exec', 'a\u0003b', 'a b', ''])
    t.equal(targetOf({ url: '/', local, subprotocol }).subprotocol, null);
});
