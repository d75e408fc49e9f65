import t from 'tap';
import { openFilesProblem } from '../../src/app/open-files.js';

const reading = (text: string) => ({ readFile: () => text });

t.test('a limit that leaves room is no problem', (t) => {
  const io = reading(
    'Max processes  7 7 processes\nMax open files            1064    4096    files\n',
  );
  t.equal(openFilesProblem(io, 1000), null);
  t.end();
});

t.test('one connection more than fits: one sentence with both numbers and a way out', (t) => {
  const io = reading('Max open files            1064    4096    files\n');
  const problem = openFilesProblem(io, 1001) ?? '';
  t.match(problem, /^--max-connections is 1001, but this process may open only 1064 files: /);
  t.match(problem, /lower the option to 1000$/);
  t.end();
});

t.test('a proxied connection takes two', (t) => {
  const io = reading('Max open files            1064    4096    files\n');
  t.equal(openFilesProblem(io, 500, 2), null);
  t.match(openFilesProblem(io, 501, 2), /^--max-connections is 501, .* lower the option to 500$/);
  t.end();
});

t.test('a tiny limit still advises a number that can be given', (t) => {
  t.match(openFilesProblem(reading('Max open files 20 20 files'), 10), /lower the option to 1$/);
  t.end();
});

t.test('nothing is said where nothing is known', (t) => {
  t.equal(
    openFilesProblem(reading('Max open files            unlimited    unlimited    files'), 10),
    null,
  );
  const io = {
    readFile: (): string => {
      throw new Error('ENOENT');
    },
  };
  t.equal(openFilesProblem(io, 10), null);
  t.end();
});
