import t from 'tap';
import { openFilesProblem } from '../../src/app/open-files.js';

/** The option as a flag gives it. */
const most = (value: number) => ({ value, source: 'flag', from: '--max-connections' }) as const;

const reading = (text: string) => ({ readFile: () => text });

t.test('a limit that leaves room is no problem', (t) => {
  const io = reading(
    'Max processes  7 7 processes\nMax open files            1064    4096    files\n',
  );
  t.equal(openFilesProblem(io, most(1000)), null);
  t.end();
});

t.test('one connection more than fits: one sentence with both numbers and a way out', (t) => {
  const io = reading('Max open files            1064    4096    files\n');
  const problem = openFilesProblem(io, most(1001)) ?? '';
  t.match(problem, /^--max-connections is 1001, but this process may open only 1064 files: /);
  t.match(problem, /lower the option to 1000$/);
  t.end();
});

t.test('a proxied connection takes two', (t) => {
  const io = reading('Max open files            1064    4096    files\n');
  t.equal(openFilesProblem(io, most(500), 2), null);
  t.match(
    openFilesProblem(io, most(501), 2),
    /^--max-connections is 501, .* lower the option to 500$/,
  );
  t.end();
});

t.test('a tiny limit still advises a number that can be given', (t) => {
  t.match(
    openFilesProblem(reading('Max open files 20 20 files'), most(10)),
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
  t.match(openFilesProblem(files, call), /^maxConnections is 2000, but/);
  const standing = { value: 2000, source: 'default', from: 'default' } as const;
  t.match(openFilesProblem(files, standing), /^--max-connections is 2000, but/);
  t.match(openFilesProblem(files, standing, 1, 'call'), /^maxConnections is 2000, but/);
  t.end();
});
