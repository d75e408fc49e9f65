import fs, { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import t, { type Test } from 'tap';
import { ConfigError } from '../../src/errors.js';
import { PrivateFiles } from '../../src/http/private-files.js';
import { StaticDirectory } from '../../src/http/static-directory.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

/** A directory of files, with a secret beside it. */
function makeSite(t: Test): string {
  const base = makeTempDir(t);
  const site = path.join(base, 'site');
  mkdirSync(path.join(site, 'sub', 'empty'), { recursive: true });
  mkdirSync(path.join(site, '.git'));
  mkdirSync(path.join(base, 'sitemap'));
  for (const file of [
    'secret.txt',
    'sitemap/map.txt',
    'site/index.html',
    'site/a b%.txt',
    'site/ä.txt',
    'site/..a',
    'site/a..b',
    'site/.hidden',
    'site/.git/config',
    'site/sub/index.html',
    'site/sub/app.js',
  ])
    writeFileSync(path.join(base, file), file);
  return site;
}

/** A path within the directory that something was found at; otherwise what was found. */
async function find(directory: StaticDirectory, urlPath: string): Promise<string> {
  const found = await directory.find(urlPath);
  return found.kind === 'file' ? found.segments.join('|') : found.kind;
}

t.test('files and directories', async (t) => {
  const site = makeSite(t);
  const directory = new StaticDirectory(site);
  t.strictSame(await directory.find('/sub/app.js'), {
    kind: 'file',
    root: site,
    segments: ['sub', 'app.js'],
  });
  const cases: readonly (readonly [urlPath: string, found: string])[] = [
    ['/', 'index.html'],
    ['/index.html', 'index.html'],
    ['/sub/', 'sub|index.html'],
    ['/sub', 'directory'],
    ['/sub/empty', 'directory'],
    ['/sub/empty/', 'nothing'],
    ['/sub/app.js/', 'nothing'],
    ['/sub/app.js/more', 'nothing'],
    ['/nothing', 'nothing'],
    ['/a%20b%25.txt', 'a b%.txt'],
    ['/%C3%A4.txt', 'ä.txt'],
    ['/%61..b', 'a..b'],
    [`/${'n'.repeat(300)}`, 'nothing'],
  ];
  for (const [urlPath, found] of cases) t.equal(await find(directory, urlPath), found, urlPath);
});

t.test('nothing leads out, and nothing hidden is found', async (t) => {
  const directory = new StaticDirectory(makeSite(t));
  for (const urlPath of [
    '/../secret.txt',
    '/sub/../../secret.txt',
    '/sub/../index.html',
    '/./index.html',
    '/%2e%2e/secret.txt',
    '/%2E%2E/secret.txt',
    '/.%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..%2Fsecret.txt',
    '/sub%2findex.html',
    '/..%5csecret.txt',
    '/..\\secret.txt',
    '/sub\\index.html',
    '/sub%5Cindex.html',
    '/%2e%2e%5csecret.txt',
    '/%252e%252e/secret.txt',
    '//etc/passwd',
    '//index.html',
    '/sub//index.html',
    '/sub//',
    '//',
    '/%2fetc/passwd',
    '/%2Fetc%2Fpasswd',
    '/%00',
    '/index.html%00',
    '/index.html%00.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/%ff',
    '/.hidden',
    '/%2ehidden',
    '/.git/config',
    '/.git/',
    '/.git',
    '/..a',
    '/.',
    '/..',
    '/../',
    '/../sitemap/map.txt',
    '/...',
  ])
    t.equal(await find(directory, urlPath), 'nothing', urlPath);
});

t.test('a link is what it leads to', async (t) => {
  const site = makeSite(t);
  const link = (target: string, name: string): void => {
    symlinkSync(target, path.join(site, name));
  };
  link('sub/app.js', 'inside.js');
  link('sub', 'inside');
  link('../secret.txt', 'outside.txt');
  link('..', 'above');
  link('../sitemap', 'beside');
  link('/etc', 'etc');
  link('.', 'self');
  link('..data/app.js', 'app.js');
  link('.git', '..data');
  writeFileSync(path.join(site, '.git', 'app.js'), '');
  link('ring', 'ring');
  link('nowhere', 'broken');
  const directory = new StaticDirectory(site);
  const cases: readonly (readonly [urlPath: string, found: string])[] = [
    ['/inside.js', 'sub|app.js'],
    ['/inside/app.js', 'sub|app.js'],
    ['/inside', 'directory'],
    ['/inside/', 'sub|index.html'],
    ['/self', 'directory'],
    ['/self/', 'index.html'],
    // As Kubernetes mounts a ConfigMap.
    ['/app.js', '.git|app.js'],
    ['/outside.txt', 'nothing'],
    ['/above', 'nothing'],
    ['/above/secret.txt', 'nothing'],
    ['/above/site/index.html', 'index.html'],
    ['/beside/map.txt', 'nothing'],
    ['/etc/passwd', 'nothing'],
    ['/etc', 'nothing'],
    ['/ring', 'nothing'],
    ['/broken', 'nothing'],
  ];
  for (const [urlPath, found] of cases) t.equal(await find(directory, urlPath), found, urlPath);
});

t.test('the directory may itself be a link, which may be moved', async (t) => {
  const site = makeSite(t);
  const current = path.join(site, '..', 'current');
  symlinkSync('site', current);
  const directory = new StaticDirectory(current);
  t.equal(await find(directory, '/sub/app.js'), 'sub|app.js');
  rmSync(current);
  t.equal(await find(directory, '/sub/app.js'), 'nothing');
  symlinkSync('sitemap', current);
  t.equal(await find(directory, '/map.txt'), 'map.txt');
  t.equal(await find(new StaticDirectory('/'), '/etc/passwd'), 'etc|passwd');
});

t.test('what is no file is not read', async (t) => {
  const devices = new StaticDirectory('/dev');
  t.equal(await find(devices, '/null'), 'nothing');
});

t.test('what the system cannot do is an error', async (t) => {
  const directory = new StaticDirectory(makeSite(t));
  const failing = t.capture(fsPromises, 'realpath', () =>
    Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' })),
  );
  syncBuiltinESMExports();
  t.teardown(syncBuiltinESMExports);
  await t.rejects(directory.find('/index.html'), { code: 'EIO' });
  failing.restore();
});

t.test('what is no directory is refused in one sentence', async (t) => {
  const site = makeSite(t);
  const cases: readonly (readonly [given: string, fault: string])[] = [
    [path.join(site, 'nowhere'), 'there is no such directory'],
    [path.join(site, 'index.html'), 'it is not a directory'],
    [path.join(site, 'index.html', 'sub'), 'there is no such directory'],
    [path.join(site, 'n'.repeat(300)), 'it cannot be read (ENAMETOOLONG)'],
  ];
  for (const [given, fault] of cases) {
    const sentence = `--static ${given} cannot be used: ${fault}; give a directory that holds the files to serve`;
    t.throws(() => new StaticDirectory(given), new ConfigError(sentence), fault);
  }
});

t.test('a directory that may not be entered is refused when the server starts', async (t) => {
  const site = makeSite(t);
  // Root may enter every directory, so the system's refusal is played.
  const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
  const asked = t.capture(fs, 'accessSync', () => {
    throw denied;
  });
  syncBuiltinESMExports();
  t.teardown(syncBuiltinESMExports);
  const sentence = `--static ${site} cannot be used: permission to look into it is denied; give a directory that holds the files to serve`;
  t.throws(() => new StaticDirectory(site), new ConfigError(sentence));
  t.match(asked(), [{ args: [site, fs.constants.X_OK] }]);
  asked.restore();
});

t.test('private files lead nowhere', async (t) => {
  const site = makeTempDir(t);
  const users = path.join(site, 'users');
  writeFileSync(users, 'ada');
  writeFileSync(path.join(site, 'page'), 'page');
  const directory = new StaticDirectory(
    site,
    new PrivateFiles({ files: [users], recording: null }),
  );
  t.equal((await directory.find('/users')).kind, 'nothing');
  t.equal((await directory.find('/page')).kind, 'file');
});
