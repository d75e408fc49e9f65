import t from 'tap';
import { ConfigError } from '../../../src/errors.js';
import { readPasswordFile } from '../../../src/server/auth/password-file.js';

const DIGEST = 'Rjvm0vrfqZNrNMFHaUOeQuvxLn5vSuyGYpp5HqtmNM4iFMCSZsR7y'.slice(0, 53);
const hash = (cost = '10', version = '2y'): string => `$${version}$${cost}$${DIGEST}`;

/** The sentence that refuses a file. */
function fault(text: string): string | null {
  try {
    readPasswordFile(text, '/etc/twist/users');
    return null;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
}

t.test('users and hashes, without comments and empty lines', async (t) => {
  t.equal(DIGEST.length, 53);
  const text = `# users\n\nann:${hash('05')}\r\n  \nbob smith:${hash('12', '2b')}  \n#no:one\nzoë:${hash('10', '2a')}`;
  const { byUser, cost } = readPasswordFile(text, 'users');
  t.strictSame(Object.fromEntries(byUser), {
    ann: hash('05'),
    'bob smith': hash('12', '2b'),
    zoë: hash('10', '2a'),
  });
  t.equal(cost, 12, 'the largest one');
});

t.test('what is wrong, by its line and without a word of it', async (t) => {
  const kind = 'only bcrypt hashes are taken ($2y$, htpasswd -B)';
  const cost = 'the cost of a bcrypt hash must be from 4 to 14';
  for (const [line, clause] of [
    ['secret', 'it must be user:hash'],
    [`:${hash()}`, 'it must be user:hash'],
    [`a\tb:${hash()}`, 'it must be user:hash'],
    ['ann:secret', kind],
    ['ann:', kind],
    ['ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', kind],
    ['ann:$apr1$HIcWIbgX$G9YqNkCVGlFAN63bClpoT/', kind],
    ['ann:$5$abcdefgh$ZLpIuBPvgRYjnyp8JQjFpJkVpHVSNpUKwLmfwPfBCD1', kind],
    ['ann:rqXexS6ZhobKA', kind],
    [`ann:${hash('10', '2x')}`, kind],
    [`ann:${hash().slice(0, -1)}`, kind],
    [`ann:${hash()}x`, kind],
    [`ann:${hash()}:comment`, kind],
    [`ann:${hash('5')}`, kind],
    [`ann:${hash('03')}`, cost],
    [`ann:${hash('15')}`, cost],
    [`ann:${hash('99')}`, cost],
    [`x:${hash()}`, 'this user has a line before'],
  ] as const) {
    const sentence = `/etc/twist/users, line 3: ${clause}`;
    t.equal(fault(`# comment\nx:${hash()}\n${line}\ny:${hash()}\n`), sentence, line);
  }
  t.equal(fault(`ann:${hash('04')}\nbob:${hash('14')}`), null);
});

t.test('a file without users is refused: it may be half written', async (t) => {
  for (const text of ['', '\n\n', '# only a comment\n'])
    t.equal(fault(text), '/etc/twist/users: it holds no user');
});
