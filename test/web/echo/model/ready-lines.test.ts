import t from 'tap';
import { readyLines, shell } from '../../../../web/echo/model/ready-lines.js';

const codeOf = (id: string, url: string, subprotocols: readonly string[] = []): string => {
  const line = readyLines(url, subprotocols).find((one) => one.id === id);
  return line?.code ?? '';
};

t.test('words of a shell', async (t) => {
  t.equal(shell('ws://127.0.0.1:9001/a-b_c'), 'ws://127.0.0.1:9001/a-b_c');
  t.equal(shell('ws://h/?a=1&b=$(c)'), "'ws://h/?a=1&b=$(c)'");
  t.equal(shell("it's"), `'it'\\''s'`);
});

t.test('each has the URL', async (t) => {
  const url = 'ws://[::1]:9001/?delay=1s&mute';
  for (const { id, name, about, code } of readyLines(url, [])) {
    t.ok(code.includes(url.replace('ws', '').slice(1)), id);
    t.match(about, /\.$/, name);
  }
  t.match(codeOf('curl', 'wss://a/'), /^curl https:\/\/a\/$/);
});

t.test('and the subprotocols', async (t) => {
  const url = 'ws://h/';
  for (const id of ['wscat', 'websocat', 'handshake', 'python', 'javascript'])
    t.notMatch(codeOf(id, url), /protocol/, id);
  const names = ['chat', 'v2'];
  t.equal(
    codeOf('wscat', url, names),
    'npx wscat --connect ws://h/ --subprotocol chat --subprotocol v2',
  );
  t.match(codeOf('websocat', url, names), "--protocol 'chat, v2' ws://h/");
  t.match(codeOf('handshake', url, names), "--header 'Sec-WebSocket-Protocol: chat, v2' \\\n");
  t.match(codeOf('python', url, names), 'connect("ws://h/", subprotocols=["chat", "v2"])');
  t.match(codeOf('javascript', url, names), 'new WebSocket("ws://h/", ["chat", "v2"])');
});
