/** The example of a chat, examples/chat, with clients of the npm package ws and of undici. */
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { WebSocket as UndiciSocket } from 'undici';
import { WebSocket } from 'ws';
import { MessageQueue } from '../fixtures/message-queue.js';
import { type LogLine, type TwistProcess, startServing } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

t.setTimeout(120_000);

const MIB = 1024 * 1024;

const startChat = (t: Test, flags: string[] = []): Promise<TwistProcess> =>
  startServing(t, {
    args: [
      ...['serve', '--mode', 'examples/chat/chat.mjs'],
      ...['--listen', '127.0.0.1:0', '--log-format', 'json', ...flags],
    ],
    // So that the memory that is looked at is that of messages.
    nodeArgs: ['--max-semi-space-size=1'],
  });

type ChatMessage = Readonly<Record<string, unknown>>;

class Guest {
  readonly socket: WebSocket;
  readonly #messages = new MessageQueue<string>();
  /** Messages that came. */
  count = 0;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      this.count++;
      this.#messages.push(data.toString());
    });
  }

  send(message: ChatMessage | string): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  say(room: string, text: string): void {
    this.send({ type: 'say', room, text });
  }

  async next(): Promise<ChatMessage> {
    return JSON.parse(await within(this.#messages.next(), 'a message')) as ChatMessage;
  }

  /** Takes a name, before anybody could hear of it. */
  async named(name: string): Promise<this> {
    this.send({ type: 'name', name });
    const { to } = await this.next();
    t.equal(to, name);
    return this;
  }

  async close(): Promise<void> {
    const closed = once(this.socket, 'close');
    this.socket.close(1000);
    await within(closed, 'the end');
  }
}

/** @returns a client that has had its welcome, and on the path of a room its list */
async function connect(t: Test, twist: TwistProcess, path = '/'): Promise<Guest> {
  // Compression would make the load of this test the client's.
  const socket = new WebSocket(`${twist.url}${path}`, { perMessageDeflate: false });
  t.teardown(() => {
    socket.terminate();
  });
  const guest = new Guest(socket);
  await within(once(socket, 'open'), 'the connection');
  t.match(await guest.next(), { type: 'welcome', name: /^guest-\d+$/ });
  return guest;
}

t.test('rooms, names and leaving', async (t) => {
  const twist = await startChat(t);
  const ada = await (await connect(t, twist)).named('Ada');
  const bob = await (await connect(t, twist)).named('Bob');
  ada.send({ type: 'join', room: 'red' });
  t.strictSame(await ada.next(), { type: 'room', room: 'red', members: ['Ada'] });
  bob.send({ type: 'join', room: 'red' });
  t.strictSame(await bob.next(), { type: 'room', room: 'red', members: ['Ada', 'Bob'] });
  t.strictSame(await ada.next(), { type: 'joined', room: 'red', name: 'Bob' });

  const late = await connect(t, twist, '/red?query=does+not+count');
  t.match(await late.next(), { type: 'room', members: ['Ada', 'Bob', /^guest/] }, 'by its path');
  for (const one of [ada, bob]) t.match(await one.next(), { type: 'joined', room: 'red' });

  late.send({ type: 'name', name: 'Cleo' });
  for (const one of [late, ada, bob]) t.match(await one.next(), { type: 'renamed', to: 'Cleo' });
  ada.say('red', 'grüß euch');
  const said = { type: 'said', room: 'red', name: 'Ada', text: 'grüß euch' };
  for (const one of [ada, bob, late]) t.strictSame(await one.next(), said, 'its speaker included');

  bob.send({ type: 'join', room: 'blue' });
  t.strictSame(await bob.next(), { type: 'room', room: 'blue', members: ['Bob'] });
  bob.say('blue', 'nobody here');
  t.match(await bob.next(), { text: 'nobody here' });
  bob.send({ type: 'leave', room: 'red' });
  for (const one of [bob, ada, late])
    t.strictSame(await one.next(), { type: 'left', room: 'red', name: 'Bob' });

  await ada.close();
  t.strictSame(await late.next(), { type: 'left', room: 'red', name: 'Ada' });
  late.socket.terminate();
  const next = await connect(t, twist, '/red');
  t.match(await next.next(), { members: [/^guest/] }, 'nobody is left behind');
  await next.named('Ada');
  await Promise.all([bob.close(), next.close()]);
  const lines = await twist.waitForLogs(({ msg }) => msg === 'session ended', 4);
  t.strictSame(
    lines.map(({ mode, name, code }) => [mode, name, code]).sort(),
    [
      ['chat', 'Ada', 1000],
      ['chat', 'Ada', 1000],
      ['chat', 'Bob', 1000],
      ['chat', 'Cleo', 1006],
    ],
    'names are in the log',
  );
});

t.test('what is wrong is said, and changes nothing', async (t) => {
  const twist = await startChat(t);
  const ada = await (await connect(t, twist)).named('Ada');
  const other = await connect(t, twist);
  const nameRule = 'must be a text of letters and digits with at most 40 characters';
  for (const [message, problem] of [
    ['no JSON', 'a message must be a JSON object'],
    ['[]', 'a message must be a JSON object'],
    ['null', 'a message must be a JSON object'],
    ['{}', 'type must be one of join, leave, name, say'],
    ['{"type":"toString"}', 'type must be one of join, leave, name, say'],
    [{ type: 'say', room: 'red', text: 'hello' }, 'join the room first'],
    [{ type: 'leave', room: 'red' }, 'you are not in that room'],
    [{ type: 'join' }, `room ${nameRule}`],
    [{ type: 'join', room: 'a'.repeat(41) }, `room ${nameRule}`],
    [{ type: 'name', name: '<b>' }, `name ${nameRule}`],
    [{ type: 'name', name: 'Ada' }, 'the name Ada is taken'],
  ] as const) {
    other.send(message);
    t.strictSame(await other.next(), { type: 'error', message: problem });
  }
  for (let number = 0; number < 20; number++) {
    other.send({ type: 'join', room: `room ${number}` });
    t.match(await other.next(), { type: 'room' });
  }
  for (const [message, problem] of [
    [{ type: 'join', room: 'one more' }, 'you can be in 20 rooms'],
    [{ type: 'join', room: 'room 7' }, 'you are in that room already'],
    [{ type: 'say', room: 'room 7', text: '' }, 'text must be a text'],
    [{ type: 'say', room: 'room 7', text: '€'.repeat(1366) }, 'text can have 4096 bytes'],
  ] as const) {
    other.send(message);
    t.strictSame(await other.next(), { type: 'error', message: problem });
  }
  const odd = await connect(t, twist, '/%ff');
  t.strictSame(await odd.next(), { type: 'error', message: `room ${nameRule}` });
  const closed = once(ada.socket, 'close');
  ada.socket.send(Buffer.from('{}'));
  const [code, reason] = (await within(closed, 'the end')) as [number, Buffer];
  t.strictSame([code, reason.toString()], [1003, 'JSON texts only, please']);
});

t.test('the same order for all', async (t) => {
  const twist = await startChat(t);
  const guests: Guest[] = [];
  for (let index = 0; index < 5; index++) {
    const guest = await connect(t, twist, '/red');
    t.match(await guest.next(), { type: 'room' });
    for (const other of guests) t.match(await other.next(), { type: 'joined' });
    guests.push(guest);
  }
  const each = 100;
  for (let round = 0; round < each; round++)
    for (const [index, guest] of guests.entries()) guest.say('red', `${index}:${round}`);
  const seen: unknown[][] = [];
  for (const guest of guests) {
    const texts: unknown[] = [];
    while (texts.length < each * guests.length) texts.push((await guest.next())['text']);
    seen.push(texts);
  }
  t.equal(new Set(seen[0]).size, each * guests.length, 'each message came once');
  for (const texts of seen) t.strictSame(texts, seen[0], 'in the same order');
});

const TEXT = 'x'.repeat(4000);

t.test('a slow reader misses messages and is told how many', async (t) => {
  const twist = await startChat(t, ['--send-timeout', '1h']);
  const speaker = await connect(t, twist, '/news');
  await speaker.next();
  const slow = await connect(t, twist, '/news');
  await slow.next();
  await speaker.next();
  slow.socket.pause();
  const before = process.platform === 'linux' ? twist.memory().rssBytes : 0;
  // More than the systems of both sides keep on the way.
  const count = 10_000;
  for (let number = 0; number < count; number++) {
    speaker.say('news', `${number} ${TEXT}`);
    t.match(await speaker.next(), { type: 'said' });
  }
  if (process.platform === 'linux') {
    // The output pause, twice, and what the runtime takes for itself.
    const growth = twist.memory().peakBytes - before;
    t.ok(growth < 16 * MIB, `memory grew by ${growth} bytes, for ${count * 4000} sent`);
  }
  slow.socket.resume();
  let got = 0;
  let missed = 0;
  // What is said while it catches up may get lost again.
  while (got + missed < count) {
    const message = await slow.next();
    if (message['type'] === 'said') got++;
    else if (message['type'] === 'missed') {
      missed += Number(message['count']);
      t.match(await slow.next(), { type: 'room', room: 'news' }, 'who is there now');
    } else t.fail(String(message['type']));
  }
  t.ok(missed > 0, `it had ${got}, and missed ${missed}`);
  t.equal(got + missed, count);
  speaker.say('news', 'again');
  t.match(await slow.next(), { type: 'said', text: 'again' }, 'and it is back');
  await Promise.all([speaker.close(), slow.close()]);
});

t.test('a client that never reads again is dropped, and the others do not notice', async (t) => {
  const twist = await startChat(t, ['--send-timeout', '1s']);
  const speaker = await connect(t, twist, '/news');
  await speaker.next();
  const dead = await connect(t, twist, '/news');
  await dead.next();
  await speaker.next();
  dead.socket.pause();
  const isDropped = ({ msg, rule }: LogLine): boolean =>
    msg === 'session ended' && rule === 'send-timeout';
  const end = Date.now() + 60_000;
  let type: unknown = 'said';
  while (type === 'said' && Date.now() < end) {
    speaker.say('news', TEXT);
    ({ type } = await speaker.next());
  }
  t.equal(type, 'left', 'the others are told');
  await eventually(() => twist.log.some(isDropped), 'its line in the log');
  t.match(twist.log.find(isDropped), { code: 1008 });
});

t.test('the WebSocket of undici', async (t) => {
  const twist = await startChat(t);
  const socket = new UndiciSocket(`${twist.url}/red`);
  const messages = new MessageQueue<unknown>();
  socket.addEventListener('message', ({ data }) => {
    messages.push(JSON.parse(String(data)));
  });
  const next = (): Promise<unknown> => within(messages.next(), 'a message');
  t.match(await next(), { type: 'welcome' });
  t.match(await next(), { type: 'room', room: 'red' });
  socket.send(JSON.stringify({ type: 'say', room: 'red', text: 'hello' }));
  t.match(await next(), { type: 'said', text: 'hello' });
  const closed = new Promise((resolve) => {
    socket.addEventListener('close', ({ code }) => {
      resolve(code);
    });
  });
  socket.close(1000);
  t.equal(await within(closed, 'the end'), 1000);
});
