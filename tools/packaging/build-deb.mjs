/**
 * Makes a Debian package of the single binary: `npm run build:deb -- [--arch arm64]` writes
 * `dist/debian/twist_VERSION_ARCH.deb`. The binary has to be built before.
 */
import { Buffer } from 'node:buffer';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { ARCHITECTURES, fetchNode, ownArchitecture } from './node-program.mjs';

/** As Debian calls them. */
const DEBIAN = { x64: 'amd64', arm64: 'arm64' };

const SOURCE = 'packaging/debian';

/**
 * Who builds a package is who maintains it, and says so as with Debian's own tools. Whoever says nothing gets a name that
 * no mail can be sent to (RFC 2606 §2): that of this machine would be somebody's mailbox.
 */
const { DEBEMAIL, DEBFULLNAME = 'The twist developers' } = process.env;
const MAINTAINER = `${DEBFULLNAME} <${DEBEMAIL ?? 'maintainer@twist.invalid'}>`;

/** What lintian has against that name. */
const MAIL_OVERRIDES = `# Nobody said who maintains this package: DEBEMAIL was not set.
twist: bogus-mail-host *
twist: bogus-mail-host-in-debian-changelog *
`;

const { values } = parseArgs({ options: { arch: { type: 'string', default: ownArchitecture() } } });
const architecture = ARCHITECTURES.find((one) => one === values.arch);
if (architecture === undefined)
  throw new Error(`--arch is ${ARCHITECTURES.join(' or ')}, not ${values.arch}`);
const binary = `dist/binary/twist-linux-${architecture}`;
if (!existsSync(binary)) throw new Error(`there is no ${binary}: npm run build:binary`);

/** @type {unknown} */
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
// To Debian a tilde comes before nothing, as a hyphen does to npm.
const version = /** @type {{ version: string }} */ (manifest).version.replace('-', '~');

const root = mkdtempSync(path.join(os.tmpdir(), 'twist-deb-'));
// The directories of a package are for everybody.
chmodSync(root, 0o755);
try {
  build();
} finally {
  rmSync(root, { recursive: true });
}

function build() {
  const bundled = execFileSync(process.execPath, ['bin/twist.js', '--licenses'], {
    encoding: 'utf8',
  });
  /** @param {string} shell */
  const completion = (shell) =>
    execFileSync(process.execPath, ['bin/twist.js', 'completion', shell], { encoding: 'utf8' });

  put('usr/bin/twist', readFileSync(binary), 0o755);
  put('etc/twist/config.json', readFileSync(`${SOURCE}/config.json`));
  put('etc/logrotate.d/twist', readFileSync(`${SOURCE}/logrotate`));
  for (const unit of ['twist.service', 'twist.socket'])
    put(`lib/systemd/system/${unit}`, readFileSync(`deploy/systemd/${unit}`));
  put('usr/share/man/man1/twist.1.gz', packed(readFileSync('deploy/man/twist.1')));
  put('usr/share/bash-completion/completions/twist', completion('bash'));
  put('usr/share/zsh/vendor-completions/_twist', completion('zsh'));
  put('usr/share/fish/vendor_completions.d/twist.fish', completion('fish'));
  put('usr/share/twist/config.schema.json', readFileSync('config.schema.json'));
  const doc = 'usr/share/doc/twist';
  const node = readFileSync(fetchNode(/** @type {'x64'} */ (architecture)).license, 'utf8');
  put(`${doc}/copyright`, `${bundled}\n${'-'.repeat(80)}\n\nNode.js\n\n${node}`);
  put(`${doc}/changelog.gz`, packed(Buffer.from(changelog())));
  put(`${doc}/NEWS.gz`, packed(readFileSync('CHANGELOG.md')));
  put(`${doc}/examples/config.example.json`, readFileSync('config.example.json'));
  const overrides = readFileSync(`${SOURCE}/lintian-overrides`, 'utf8');
  put(
    'usr/share/lintian/overrides/twist',
    DEBEMAIL === undefined ? `${overrides}${MAIL_OVERRIDES}` : overrides,
  );

  const files = filesBelow('');
  const size = files.reduce((sum, file) => sum + statSync(path.join(root, file)).size, 0);
  const sums = files.map((file) => {
    const sum = createHash('md5')
      .update(readFileSync(path.join(root, file)))
      .digest('hex');
    return `${sum}  ${file}\n`;
  });
  const control = readFileSync(`${SOURCE}/control`, 'utf8')
    .replace('@VERSION@', version)
    .replace('@ARCHITECTURE@', DEBIAN[/** @type {'x64'} */ (architecture)])
    .replace('@SIZE@', String(Math.ceil(size / 1024)))
    .replace('@MAINTAINER@', MAINTAINER);
  put('DEBIAN/control', control);
  put(
    'DEBIAN/conffiles',
    files.flatMap((file) => (file.startsWith('etc/') ? [`/${file}\n`] : [])).join(''),
  );
  put('DEBIAN/md5sums', sums.join(''));
  for (const script of ['postinst', 'prerm', 'postrm'])
    put(`DEBIAN/${script}`, readFileSync(`${SOURCE}/${script}`), 0o755);

  const target = `dist/debian/twist_${version}_${DEBIAN[/** @type {'x64'} */ (architecture)]}.deb`;
  mkdirSync(path.dirname(target), { recursive: true });
  const made = path.join(root, '..', `${path.basename(root)}.deb`);
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', root, made], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  copyFileSync(made, target);
  rmSync(made);
  process.stdout.write(`${target}: ${(statSync(target).size / 1024 ** 2).toFixed(0)} MiB\n`);
}

/**
 * @param {string} file
 * @param {Buffer | string} content
 * @param {number} [mode]
 */
function put(file, content, mode = 0o644) {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), { recursive: true, mode: 0o755 });
  writeFileSync(target, content);
  chmodSync(target, mode);
}

/** @param {string} folder @returns {string[]} */
function filesBelow(folder) {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(name) : [name];
  });
}

/** @param {Buffer} content @returns {Buffer} without a time in it */
function packed(content) {
  return gzipSync(content, { level: 9 });
}

/** As Debian wants it; what has changed is in NEWS. */
function changelog() {
  const seconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? lastCommit());
  const date = new Date(seconds * 1000).toUTCString().replace('GMT', '+0000');
  return `twist (${version}) unstable; urgency=medium\n\n  * See /usr/share/doc/twist/NEWS.gz.\n\n -- ${MAINTAINER}  ${date}\n`;
}

/** In seconds since 1970. */
function lastCommit() {
  return execFileSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' }).trim();
}
