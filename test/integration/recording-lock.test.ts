/** A recording belongs to one process: another one that is given the same file leaves it as it is. */
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { skipWithout } from '../fixtures/interop.js';
import { LoadClient } from '../fixtures/load-client.js';
import { forEachLine, linesOf } from '../fixtures/read-recording.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { BUNDLE, type Outcome, runTwist, startTwist } from '../fixtures/twist-process.js';
import { eventually } from '../fixtures/within.js';

t.setTimeout(120_000);

const SERVE = ['serve', '--echo'] as const;

/** A server that is expected not to start. */
function serve(t: Test, record: string, ...flags: readonly string[]): Promise<Outcome> {
  return runTwist(t, { args: [...SERVE, '--listen', '127.0.0.1:0', '--record', record, ...flags] });
}

const refusal = (record: string): string =>
  `--record cannot be "${record}": another process records to it; give each server a file of its own`;

t.test(
  'a second server on the same address leaves the line alone that is being written',
  async (t) => {
    const record = path.join(makeTempDir(t), 'traffic.ndjson');
    const first = await startTwist(t, ['--record', record]);
    const { ending, stderr } = await runTwist(t, {
      args: [...SERVE, '--listen', `127.0.0.1:${first.port}`, '--record', record],
    });
    t.equal(ending, 1);
    t.match(stderr, /another process records to it/);
    await first.stop();
    // The file alone, without its server: what is taken for a torn line stays when the address is not free.
    const other = await startTwist(t);
    appendFileSync(record, '{"ev":"ms');
    const content = readFileSync(record, 'utf8');
    const refused = await runTwist(t, {
      args: [...SERVE, '--listen', `127.0.0.1:${other.port}`, '--record', record],
    });
    t.equal(refused.ending, 1);
    t.match(refused.stderr, /the address is in use already/);
    t.equal(readFileSync(record, 'utf8'), content);
    const missing = path.join(path.dirname(record), 'new.ndjson');
    await runTwist(t, {
      args: [...SERVE, '--listen', `127.0.0.1:${other.port}`, '--record', missing],
    });
    t.notOk(existsSync(missing));
    t.same(readdirSync(path.dirname(record)), ['traffic.ndjson']);
  },
);

t.test(
  'under load: not a byte of the first one is lost, by whatever name it is called',
  async (t) => {
    const directory = makeTempDir(t);
    const record = path.join(directory, 'traffic.ndjson');
    const link = path.join(directory, 'link.ndjson');
    symlinkSync(record, link);
    const first = await startTwist(t, ['--record', record, '--record-rotate', '64k']);
    const load = { name: 'load', count: 20_000, bytes: 100, window: 50 };
    const client = await LoadClient.open(first.port, load);
    const running = client.run();
    for (const name of [record, link, record, path.join(directory, '.', 'traffic.ndjson')]) {
      const { ending, stderr } = await serve(t, name);
      t.equal(ending, 1);
      t.match(stderr, refusal(name));
    }
    await running;
    t.equal(await first.stop(), 0);
    const numbers = new Set<string>();
    let messages = 0;
    for (const name of readdirSync(directory).filter((one) => one.startsWith('traffic.ndjson'))) {
      const rest = forEachLine(path.join(directory, name), ({ ev, dir, data }) => {
        if (ev !== 'msg' || dir !== 'in') return;
        messages++;
        numbers.add(data!);
      });
      t.equal(rest, 0, `${name} ends with its last line`);
    }
    t.equal(numbers.size, load.count);
    t.equal(messages, load.count);
  },
);

t.test('after kill -9 the next one takes it over at once, and cuts the torn line', async (t) => {
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  for (let round = 0; round < 3; round++) {
    const twist = await startTwist(t, ['--record', record]);
    t.equal(twist.log.filter(({ level }) => level === 'warn').length, round === 0 ? 0 : 1);
    await eventually(
      () => readFileSync(record, 'utf8').split('\n').length === round + 2,
      'a first line of its own',
    );
    await twist.stop('SIGKILL');
    appendFileSync(record, '{"ev":"ms');
  }
  const last = await startTwist(t, ['--record', record]);
  t.equal(await last.stop(), 0);
  t.equal(linesOf(record).length, 4);
  t.same(readdirSync(path.dirname(record)), ['traffic.ndjson'], 'no lock is left');
});

t.test('of ten that start at once one serves', async (t) => {
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  const killed = await startTwist(t, ['--record', record]);
  await killed.stop('SIGKILL');
  const args = [...SERVE, '--listen', '127.0.0.1:0', '--record', record];
  const children = Array.from({ length: 10 }, () =>
    spawn(process.execPath, [BUNDLE, ...args], { stdio: 'ignore', env: {} }),
  );
  t.teardown(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const left = (): number => children.filter(({ exitCode }) => exitCode === null).length;
  await eventually(() => left() === 1, 'one that is left', left);
  await delay(300);
  t.equal(left(), 1);
});

t.test('names by time, and names that somebody moves', async (t) => {
  const directory = makeTempDir(t);
  const day = path.join(directory, '%Y', 'traffic.ndjson');
  await startTwist(t, ['--record', day]);
  const plain = path.join(directory, String(new Date().getUTCFullYear()), 'traffic.ndjson');
  t.match((await serve(t, plain)).stderr, refusal(plain));
  t.match((await serve(t, day)).stderr, refusal(day));

  const record = path.join(directory, 'traffic.ndjson');
  const first = await startTwist(t, ['--record', record]);
  renameSync(record, `${record}.1`);
  t.equal((await serve(t, record)).ending, 1, 'its name is still that of the first one');
  first.signal('SIGHUP');
  await eventually(() => existsSync(record), 'the new file');
  t.equal((await serve(t, record)).ending, 1);
  const second = await startTwist(t, ['--record', `${record}.1`]);
  t.equal(await second.stop(), 0, 'the old one belongs to nobody');
  t.equal(await first.stop(), 0);
});

t.test('in another container: other process numbers, the same directory', async (t) => {
  try {
    execFileSync('unshare', ['--pid', '--net', '--fork', '--mount-proc', 'true'], {
      stdio: 'ignore',
    });
  } catch {
    skipWithout(t, 'no namespaces of our own here');
    return;
  }
  const record = path.join(makeTempDir(t), 'traffic.ndjson');
  const listen = ['--listen', `unix:${path.dirname(record)}/socket`];
  const start = (...flags: readonly string[]) =>
    spawn(
      'unshare',
      [
        ...['--pid', '--net', '--fork', '--kill-child', '--mount-proc', process.execPath, BUNDLE],
        ...[...SERVE, '--record', record, ...flags],
      ],
      { stdio: 'ignore', env: {} },
    );
  for (let round = 0; round < 2; round++) {
    const before = existsSync(record) ? readFileSync(record).length : 0;
    const first = start(...listen);
    t.teardown(() => first.kill('SIGKILL'));
    await eventually(
      () => existsSync(record) && readFileSync(record).length > before,
      'a first line of its own',
    );
    if (round === 0) t.match((await serve(t, record)).stderr, refusal(record));
    const second = start('--listen', `unix:${path.dirname(record)}/socket2`);
    t.teardown(() => second.kill('SIGKILL'));
    await eventually(() => second.exitCode !== null, 'the end of the second one');
    t.equal(second.exitCode, 1, 'process 1 in both');
    first.kill('SIGKILL');
    await eventually(() => first.signalCode !== null, 'the end of the first one');
  }
});

t.test('config check says what serve would say, and touches nothing', async (t) => {
  const directory = makeTempDir(t);
  const at = (name: string): string => path.join(directory, name);
  writeFileSync(at('file'), '');
  mkdirSync(at('directory'));
  for (const [flags, sentence] of [
    [['--record', at('directory')], `--record cannot be "${at('directory')}": it is a directory`],
    [
      ['--record', at('none/a')],
      `--record cannot be "${at('none/a')}": its directory does not exist`,
    ],
    [['--record', at('file/a')], `--record cannot be "${at('file/a')}": its directory is none`],
    [['--record', at('%q')], 'behind % must come'],
    [[], 'choose a mode: '],
    [['--echo', '--static', at('none')], 'there is no such directory'],
    [['--echo', '--auth-file', at('none')], 'there is no such file'],
    [['--token-file', at('none')], 'there is no such file'],
    [['--replay', at('none')], 'there is no such file'],
    [['--replay', at('file')], 'no session is recorded in it'],
    [['--tcp', 'tls://127.0.0.1:1', '--target-ca', at('none')], 'there is no such file'],
    [['--echo', '--listen', `unix:${at('file')}`], 'the file exists and is not a socket'],
  ] as const) {
    const listen = flags.includes('--listen' as never) ? [] : ['--listen', '127.0.0.1:0'];
    for (const command of [['config', 'check'], ['serve']]) {
      const { ending, stdout, stderr } = await runTwist(t, {
        args: [...command, ...listen, ...flags],
      });
      t.match(stderr, sentence, `${command.join(' ')} ${flags.join(' ')}`);
      t.not(ending, 0);
      t.equal(stdout, '');
    }
  }
  t.same(readdirSync(directory).sort(), ['directory', 'file']);
});

t.test('- is standard output', async (t) => {
  const directory = makeTempDir(t);
  // As a shell makes a pipe: that of Node would be a socket, which cannot be opened by its name.
  const command = `exec "$0" "$@" | cat`;
  const twist = spawn(
    'sh',
    ['-c', command, process.execPath, BUNDLE, ...SERVE, '--listen', '127.0.0.1:0', '--record', '-'],
    {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { PATH: process.env['PATH'] },
      detached: true,
    },
  );
  t.teardown(() => process.kill(-twist.pid!, 'SIGKILL'));
  let said = '';
  twist.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await eventually(() => said.endsWith('\n'), 'the first line');
  t.match(JSON.parse(said), { v: 1, ev: 'file' });
  t.same(readdirSync(directory), []);
});
