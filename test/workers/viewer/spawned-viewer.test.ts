import { EventEmitter } from 'node:events';
import t, { type Test } from 'tap';
import type { spawnedViewer } from '../../../src/workers/viewer/spawned-viewer.js';
import type { ViewerProcess } from '../../../src/workers/viewer/viewer-process.js';

class FakeStdin extends EventEmitter {
  destroyed = false;
  ends = 0;
  readonly written: unknown[] = [];

  write(bytes: unknown, done: () => void): void {
    this.written.push(bytes);
    done();
  }

  end(): void {
    this.ends++;
  }
}

class FakeChild extends EventEmitter {
  pid: number | undefined = 77;
  connected = true;
  stdin: FakeStdin | null = new FakeStdin();
  stderr: EventEmitter | null = Object.assign(new EventEmitter(), {
    setEncoding() {
      return this;
    },
  });
  readonly sent: unknown[] = [];
  readonly kills: string[] = [];

  send(message: unknown, done: () => void): void {
    this.sent.push(message);
    done();
  }

  kill(signal: string): void {
    this.kills.push(signal);
  }
}

const SELF = {
  execPath: '/bin/node',
  execArgv: ['--inspect=9229', '--enable-source-maps'],
  argv: ['/bin/node', '/app/twist.js', 'serve'],
  env: { PATH: '/bin', TWIST_AUTH: 'a:b', TZ: 'UTC', LD_LIBRARY_PATH: undefined },
};

interface Scene {
  readonly child: FakeChild;
  readonly spawned: unknown[];
  readonly heard: unknown[];
  readonly viewer: ViewerProcess;
}

async function scene(
  t: Test,
  { child = new FakeChild(), self = SELF, isBinary = false } = {},
): Promise<Scene> {
  const spawned: unknown[] = [];
  const module = await t.mockImport<{ spawnedViewer: typeof spawnedViewer }>(
    '../../../src/workers/viewer/spawned-viewer.js',
    {
      'node:child_process': {
        spawn: (...given: unknown[]) => {
          spawned.push(...given);
          return child;
        },
      },
    },
  );
  const heard: unknown[] = [];
  const viewer = module.spawnedViewer(
    self,
    64 * 1024 ** 2,
    isBinary,
  )({
    message: (message) => heard.push(message),
    output: (lines) => heard.push(lines),
    exited: (how) => heard.push({ exited: how }),
  });
  return { child, spawned, heard, viewer };
}

t.test('it is the same program, with a limit, and nothing of the environment', async (t) => {
  const { spawned } = await scene(t);
  t.strictSame(spawned, [
    '/bin/node',
    ['--enable-source-maps', '--max-old-space-size=192', '/app/twist.js', 'view'],
    { env: { TZ: 'UTC', _TWIST_VIEWER: '1' }, stdio: ['pipe', 'ignore', 'pipe', 'ipc'] },
  ]);
});

t.test('the single binary takes no options for Node', async (t) => {
  const { spawned } = await scene(t, { isBinary: true });
  t.strictSame(spawned[1], ['view']);
  const { spawned: other } = await scene(t, { self: { ...SELF, argv: ['/bin/twist'] } });
  t.strictSame(other[1], ['view']);
});

t.test('by itself it knows whether it is one', async (t) => {
  const { spawnedViewer: own } = await import('../../../src/workers/viewer/spawned-viewer.js');
  t.type(own(SELF, 1), 'function');
});

t.test('what it says, and how it ends', async (t) => {
  const { child, heard } = await scene(t);
  child.emit('message', { kind: 'ready' });
  child.stderr!.emit('data', 'one\ntw');
  child.stderr!.emit('data', 'o');
  child.stderr!.emit('end');
  child.stdin!.emit('error', new Error('EPIPE'));
  child.emit('error', new Error('it was not told something'));
  child.emit('close', null, 'SIGKILL');
  child.emit('close', 0, null);
  t.strictSame(heard, [{ kind: 'ready' }, 'one\n', 'two\n', { exited: 'SIGKILL' }]);
  const other = await scene(t);
  other.child.emit('close', 1, null);
  t.strictSame(other.heard, [{ exited: 1 }]);
  const odd = await scene(t);
  odd.child.emit('close', null, null);
  t.strictSame(odd.heard, [{ exited: 0 }]);
});

t.test('what it is told', async (t) => {
  const { child, viewer } = await scene(t);
  t.equal(viewer.pid, 77);
  let count = 0;
  const done = (): void => {
    count++;
  };
  const bytes = Buffer.from('one\n');
  viewer.input.write(bytes, done);
  t.strictSame(child.stdin!.written, [bytes]);
  viewer.send({ kind: 'reload' });
  t.strictSame(child.sent, [{ kind: 'reload' }]);
  viewer.end();
  t.equal(child.stdin!.ends, 1);
  viewer.kill();
  t.strictSame(child.kills, ['SIGKILL']);
  child.stdin!.destroyed = true;
  viewer.input.write(bytes, done);
  child.connected = false;
  viewer.send({ kind: 'reload' });
  t.strictSame([child.stdin!.written.length, child.sent.length, count], [1, 1, 2]);
});

t.test('one that the system has not started', async (t) => {
  const child = new FakeChild();
  child.pid = undefined;
  child.stdin = child.stderr = null;
  const { heard, viewer } = await scene(t, { child });
  child.emit('error', new Error('spawn ENOENT'));
  t.strictSame(heard, [{ exited: 'spawn ENOENT' }]);
  viewer.end();
  let isDone = false;
  viewer.input.write(Buffer.alloc(1), () => {
    isDone = true;
  });
  t.ok(isDone);
  t.equal(viewer.pid, undefined);
});
