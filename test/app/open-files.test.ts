import t from 'tap';
import { DescriptorWatch, openFilesProblem } from '../../src/app/open-files.js';
import { KeptLog } from '../fixtures/kept-log.js';

/** The option as a flag gives it. */
const most = (value: number) => ({ value, source: 'flag', from: '--max-connections' }) as const;

const reading = (text: string) => ({ readFile: () => text });

t.test('a limit that leaves room is no problem', (t) => {
  const io = reading(
    'Max processes  7 7 processes\nMax open files            1064    4096    files\n',
  );
  t.equal(openFilesProblem(io, most(909)), null);
  t.end();
});

t.test('one connection more than fits: one sentence with both numbers and a way out', (t) => {
  const io = reading('Max open files            1064    4096    files\n');
  const problem = openFilesProblem(io, most(910))?.sentence ?? '';
  t.match(problem, /^--max-connections is 910, but this process may open only 1064 files: /);
  t.match(problem, /lower the option to 909$/);
  t.end();
});

t.test('a proxied connection takes two', (t) => {
  const io = reading('Max open files            1064    4096    files\n');
  t.equal(openFilesProblem(io, most(468), 2), null);
  t.match(
    openFilesProblem(io, most(469), 2)?.sentence,
    /^--max-connections is 469, .* lower the option to 468$/,
  );
  t.end();
});

t.test('a tiny limit still advises a number that can be given', (t) => {
  t.match(
    openFilesProblem(reading('Max open files 20 20 files'), most(10))?.sentence,
    /lower the option to 1$/,
  );
  t.end();
});

t.test('nothing is said where nothing is known', (t) => {
  t.equal(
    openFilesProblem(
      reading('Max open files            unlimited    unlimited    files'),
      most(10),
    ),
    null,
  );
  const io = {
    readFile: (): string => {
      throw new Error('ENOENT');
    },
  };
  t.equal(openFilesProblem(io, most(10)), null);
  t.end();
});

t.test('the option is named as it was given', (t) => {
  const files = reading('Max open files            1064    4096    files\n');
  const call = { value: 2000, source: 'call', from: 'serve(options)' } as const;
  t.match(openFilesProblem(files, call)?.sentence, /^maxConnections is 2000, but/);
  const standing = { value: 2000, source: 'default', from: 'default' } as const;
  t.match(openFilesProblem(files, standing)?.sentence, /^--max-connections is 2000, but/);
  t.match(openFilesProblem(files, standing, 1, 'call')?.sentence, /^maxConnections is 2000, but/);
  t.end();
});

t.test('a tenth is for those that are refused, and 64 at least', (t) => {
  const fits = (limit: number, filesEach: 1 | 2): number =>
    openFilesProblem(reading(`Max open files ${limit} ${limit} files`), most(1e6), filesEach)!.most;
  for (const filesEach of [1, 2] as const)
    for (let limit = 200; limit < 20_000; limit += 997) {
      const count = fits(limit, filesEach);
      const taken = (connections: number): number =>
        connections * filesEach + Math.max(64, Math.ceil(connections / 10)) + 64;
      t.ok(taken(count) <= limit && taken(count + 1) > limit, `${limit}: ${count}`);
    }
  t.equal(fits(256, 1), 128);
  t.end();
});

t.test('when nothing can be opened any more, that is said once, and when it is over', (t) => {
  let probe = (): void => undefined;
  let stopped: unknown = null;
  t.intercept(globalThis, 'setInterval', {
    value: (act: () => void, ms: number) => {
      t.equal(ms, 1000);
      probe = act;
      return { unref: () => 7 };
    },
  });
  t.intercept(globalThis, 'clearInterval', {
    value: (timer: unknown) => {
      stopped = timer;
    },
  });
  const log = new KeptLog();
  let code = '';
  const watch = new DescriptorWatch(log, () => {
    if (code !== '') throw Object.assign(new Error(code), { code });
  });
  watch.stop();
  watch.start();
  const after = (now: string): readonly string[] => {
    code = now;
    probe();
    return watch.findProblems();
  };
  t.strictSame(after(''), []);
  t.strictSame(after('EACCES'), [], 'that is something else');
  t.strictSame(log.lines, []);
  const ours = ['this process can open no more files and sockets (ulimit -n)'];
  for (let count = 0; count < 3; count++) t.strictSame(after('EMFILE'), ours);
  t.match(after('ENFILE'), [/^this machine can open no more/]);
  t.strictSame(after(''), []);
  t.strictSame(after('EMFILE'), ours);
  t.equal(watch.shortages, 2);
  t.match(
    log.lines.map(({ level, message }) => [level, message]),
    [
      ['error', /^this process can open no more .*: newcomers are closed without an answer/],
      ['warn', 'files and sockets can be opened again'],
      ['error', /^this process/],
    ],
  );
  watch.stop();
  t.equal(stopped, 7);
  t.end();
});

t.test('the file that is opened is there', (t) => {
  let probe = (): void => undefined;
  t.intercept(globalThis, 'setInterval', {
    value: (act: () => void) => {
      probe = act;
      return { unref: () => 7 };
    },
  });
  const watch = new DescriptorWatch(new KeptLog());
  watch.start();
  probe();
  t.strictSame(watch.findProblems(), []);
  t.end();
});

t.test('a failure without a code is no shortage', (t) => {
  let probe = (): void => undefined;
  t.intercept(globalThis, 'setInterval', {
    value: (act: () => void) => {
      probe = act;
      return { unref: () => 7 };
    },
  });
  const watch = new DescriptorWatch(new KeptLog(), () => {
    throw new Error('strange');
  });
  watch.start();
  probe();
  t.strictSame(watch.findProblems(), []);
  t.end();
});
