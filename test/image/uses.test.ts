/** What a container does when it is started in one way or another: a row each, with the command as a user types it. */
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { within } from '../fixtures/within.js';
import { Container, hasImage, removeContainers, runImage } from './container.js';

t.setTimeout(300_000);

/** A service that answers in capitals. */
const SERVICE = `require('net').createServer((socket) => {
  socket.on('data', (data) => socket.write(String(data).toUpperCase())).on('error', () => {});
}).listen(5900, () => console.error('{"msg":"listening"}'))`;

/** What a server does with a message: sends it back, sends it to the service, or nothing but to write it down. */
type Deed = 'echo' | 'proxy' | 'record';

/** Mounted over the file that the image reads. */
const AS_CONFIG = '/etc/twist/config.json';

type Row = readonly [
  flags: string,
  command: string,
  deed: Deed,
  port: number,
  config?: string,
  mountedAs?: string,
];

const SERVES: readonly Row[] = [
  ['', '', 'echo', 9001],
  ['', 'serve', 'echo', 9001],
  ['', 'serve --echo', 'echo', 9001],
  ['', 'serve --listen :8080', 'echo', 8080],
  ['-e TWIST_LISTEN=:8080', '', 'echo', 8080],
  ['-e TWIST_LISTEN=:8080', 'serve --listen :8081', 'echo', 8081],
  ['', 'serve --tcp db:5900', 'proxy', 9001],
  ['', 'serve --route /=tcp:db:5900', 'proxy', 9001],
  ['-e TWIST_TCP=db:5900', '', 'proxy', 9001],
  ['-e TWIST_TCP=db:5900 -e TWIST_LISTEN=:8080', '', 'proxy', 8080],
  ['-e TWIST_TCP=db:5900', 'serve --tcp off --echo', 'echo', 9001],
  ['', 'serve --record traffic.ndjson', 'record', 9001],
  ['--tmpfs /var/lib/twist:mode=1777', 'serve --record traffic.ndjson', 'record', 9001],
  ['--tmpfs /var/lib/twist:mode=1777 -e TWIST_RECORD=a.ndjson', '', 'record', 9001],
  ['', '', 'echo', 9001, '{}'],
  ['', '', 'echo', 8080, '{ "listen": ":8080" }'],
  ['', '', 'proxy', 9001, '{ "tcp": "db:5900" }'],
  ['', '', 'proxy', 8080, '{ "tcp": "db:5900", "listen": ":8080" } // as a comment'],
  ['-e TWIST_LISTEN=:8081', '', 'proxy', 8081, '{ "tcp": "db:5900", "listen": ":8080" }'],
  ['', 'serve --listen :8081', 'proxy', 8081, '{ "tcp": "db:5900", "listen": ":8080" }'],
  ['-e TWIST_CONFIG=/my.json', '', 'proxy', 9001, '{ "tcp": "db:5900" }', '/my.json'],
  ['', 'serve -c /my.json', 'proxy', 9001, '{ "tcp": "db:5900" }', '/my.json'],
  ['-e TWIST_CONFIG=off', '', 'echo', 9001, '{ "tcp": "db:5900" }'],
  ['--read-only --cap-drop ALL --security-opt no-new-privileges', '', 'echo', 9001],
  ['--user 12345:12345', '', 'echo', 9001],
];

/** What ends at once, and the sentence that says why: exit status 2 is for the command, 78 for all else. */
const REFUSALS: readonly (readonly [
  flags: string,
  command: string,
  status: number,
  sentence: string,
  config?: string,
])[] = [
  ['', 'serve --tpc db:5900', 2, "unknown option '--tpc'; see twist serve --help"],
  ['', 'sevre', 2, "unknown command 'sevre'; did you mean serve?"],
  ['', 'serve --tcp db', 2, '--tcp cannot be "db": '],
  ['', 'serve --echo --tcp db:5900', 2, 'choose one mode, not --echo and --tcp together'],
  ['-e TWIST_TCP=db', '', 78, 'TWIST_TCP cannot be "db": '],
  ['-e TWIST_LISTEN=web', '', 78, 'TWIST_LISTEN cannot contain "web": '],
  ['-e TWIST_ECHO=yes', '', 78, 'TWIST_ECHO cannot be "yes": '],
  [
    '-e TWIST_ECHO=true -e TWIST_TCP=db:1',
    '',
    78,
    'choose one mode, not TWIST_ECHO and TWIST_TCP together',
  ],
  ['-e TWIST_TCP=db:1', 'serve --echo', 2, 'choose one mode, not --echo and TWIST_TCP together'],
  [
    '-e TWIST_ECHO=true',
    '',
    78,
    `choose one mode, not TWIST_ECHO and tcp in ${AS_CONFIG} together`,
    '{ "tcp": "db:1" }',
  ],
  ['', '', 78, `${AS_CONFIG} has an unknown key "tpc"`, '{ "tpc": "db:1" }'],
  ['', '', 78, `${AS_CONFIG}, line 1, column 10: expected a value`, '{ "tcp": '],
  [
    '-e TWIST_CONFIG=/none.json',
    '',
    78,
    'TWIST_CONFIG cannot be "/none.json": there is no such file',
  ],
  [
    '--mount type=tmpfs,destination=/etc/twist,notmpcopyup',
    '',
    78,
    `TWIST_DEFAULT_CONFIG cannot be "${AS_CONFIG}": there is no such file`,
  ],
  [
    '--read-only',
    'serve --record a.ndjson',
    2,
    '--record cannot be "a.ndjson": the file system is read-only',
  ],
];

/** @param text words with single spaces between them */
function words(text: string): string[] {
  return text === '' ? [] : text.split(' ');
}

/** @returns the flags that have a container find the text as a file */
function mounted(t: Test, text: string | undefined, as = AS_CONFIG): string[] {
  if (text === undefined) return [];
  const directory = makeTempDir(t);
  chmodSync(directory, 0o755);
  const file = path.join(directory, 'config.json');
  writeFileSync(file, text);
  return ['--volume', `${file}:${as}:ro`];
}

async function exchange(t: Test, port: number, message: Buffer): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  t.teardown(() => {
    client.terminate();
  });
  await within(once(client, 'open'), 'the connection');
  client.send(message);
  return client;
}

async function checkDeed(t: Test, deed: Deed, box: Container): Promise<void> {
  const client = await exchange(t, box.port, Buffer.from('hello'));
  if (deed === 'record') {
    client.close(1000);
    await box.process.waitForLog(({ msg }) => msg === 'session ended');
    return;
  }
  const [data] = (await within(once(client, 'message'), 'an answer')) as [Buffer];
  t.equal(data.toString(), deed === 'echo' ? 'hello' : 'HELLO');
}

if (hasImage(t)) {
  t.teardown(removeContainers);

  t.test('what serves', async (t) => {
    const service = await Container.start(t, ['--entrypoint', 'node'], ['-e', SERVICE]);
    await service.listens();
    const named = ['--add-host', `db:${service.address}`];
    for (const [flags, command, deed, port, config, mountedAs] of SERVES) {
      const name = `docker run ${flags} -p ${port}:${port} twist ${command} ${config ?? ''}`;
      await t.test(name.replaceAll(/ +/g, ' '), async (t) => {
        const options = [...named, ...words(flags), ...mounted(t, config, mountedAs)];
        const box = await Container.start(t, options, words(command), port);
        await box.listens();
        await checkDeed(t, deed, box);
        t.strictSame(box.health(), { status: 0, stdout: 'ready\n', stderr: '' }, 'its health');
        t.equal(await box.process.stop(), 0, 'exit status after docker stop');
      });
    }
  });

  t.test('what is refused', async (t) => {
    for (const [flags, command, status, sentence, config] of REFUSALS) {
      const name = `docker run ${flags} twist ${command} ${config ?? ''}`.replaceAll(/ +/g, ' ');
      const ran = runImage([...words(flags), ...mounted(t, config)], words(command));
      t.equal(ran.status, status, name);
      t.equal(ran.stdout, '', name);
      t.equal(ran.stderr.trimEnd().split('\n').length, 1, `${name}: ${ran.stderr}`);
      t.match(ran.stderr, `twist: ${sentence}`, name);
    }
  });

  t.test('what is doubtful', async (t) => {
    for (const [flags, command, warning] of [
      [
        '-e TWIST_LISTEN=8080',
        'config check',
        'TWIST_LISTEN is 127.0.0.1:8080, which nothing outside',
      ],
      ['-e TWIST_TPC=db:1', 'config check', 'TWIST_TPC'],
    ] as const) {
      const ran = runImage(words(flags), words(command));
      t.match(ran, { status: 0, stdout: /^configuration is valid/ }, flags);
      t.match(ran.stderr, `twist: warning: ${warning}`, flags);
    }
  });
}
