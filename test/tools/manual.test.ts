import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { environmentNameOf, flagOf } from '../../src/config/options/option.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { manualPage } from '../../tools/manual.js';
import { findCommand } from '../fixtures/service-process.js';

const FILE = 'deploy/man/twist.1';
const page = manualPage();

t.test('the committed page is current; npm run docs writes it', async (t) => {
  t.equal(readFileSync(FILE, 'utf8'), page);
});

t.test('every option and command is there', async (t) => {
  for (const key of Object.keys(OPTIONS)) {
    t.ok(page.includes(environmentNameOf(key)), key);
    if (key !== 'auth' && key !== 'tlsKeyPassphrase')
      t.ok(page.includes(flagOf(key).replaceAll('-', '\\-')), flagOf(key));
  }
  for (const command of ['serve', 'config print', 'convert', 'view', 'completion'])
    t.ok(page.includes(`.B twist ${command}\n`), command);
});

t.test('no line is taken for a request, and no character is foreign to troff', async (t) => {
  for (const line of page.split('\n')) {
    t.match(line, /^(?:\.(?:\\"|TH|SH|SS|TP|B|BR|PP|IP|br)\b|\.\\"|[^.'])|^$/);
    t.notMatch(line, /[^\x20-\x7e]/);
  }
});

t.test('mandoc', { skip: findCommand('mandoc') === null && 'there is no mandoc' }, async (t) => {
  const { stdout, stderr } = spawnSync('mandoc', ['-Tlint', '-Wwarning', FILE], {
    encoding: 'utf8',
  });
  const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line !== '');
  // The page has no date of its own.
  t.strictSame(
    complaints.filter((line) => !line.includes('missing date')),
    [],
  );
});
