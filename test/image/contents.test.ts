/** What is in the image, and what is said about it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { ATTACHED, IMAGE, hasImage, podman, removeContainers, runImage } from './container.js';

t.setTimeout(300_000);

/** What every image is held against; Node alone has 109 MB. */
const MAX_BYTES = 125_000_000;

const VALIDATE = `import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(sys.stdin.read())
print(fault or 'valid')`;

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  readonly components?: readonly Component[];
}

/** @returns a file of the image */
function read(file: string): string {
  const show = `process.stdout.write(require('fs').readFileSync('${file}'))`;
  return podman(...ATTACHED, '--entrypoint', 'node', IMAGE, '-e', show).stdout;
}

if (hasImage(t)) {
  t.teardown(removeContainers);
  const config = JSON.parse(podman('image', 'inspect', IMAGE).stdout) as {
    readonly Size: number;
    readonly Config: Readonly<Record<string, unknown>>;
  }[];
  const { Size, Config } = config[0]!;

  t.test('what engines read', async (t) => {
    t.match(Config, {
      User: '1000:1000',
      ExposedPorts: { '9001/tcp': {} },
      WorkingDir: '/var/lib/twist',
      Entrypoint: ['twist'],
      Cmd: ['serve'],
      StopSignal: 'SIGTERM',
    });
    t.strictSame(Config['Env'], [
      'PATH=/usr/local/bin',
      'NODE_ENV=production',
      ...['TWIST_DEFAULT_LISTEN=:9001', 'TWIST_DEFAULT_ECHO=true'],
      ...['TWIST_DEFAULT_HEALTH=/healthz', 'TWIST_DEFAULT_CONFIG=/etc/twist/config.json'],
    ]);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    t.match(Config['Labels'], {
      'org.opencontainers.image.title': 'twist',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': /^[0-9a-f]{40}$|^unknown$/,
      'org.opencontainers.image.licenses': 'MIT OR Apache-2.0',
    });
    t.ok(Size < MAX_BYTES, `${Math.round(Size / 1e6)} MB`);
    t.comment(`the image has ${Math.round(Size / 1e6)} MB`);
  });

  const list = `const fs = require('fs');
    (function walk(folder) {
      for (const name of fs.readdirSync(folder)) {
        const path = folder + name;
        if (/^\\/(dev|proc|sys|run|etc\\/mtab)$/.test(path)) continue;
        const stat = fs.lstatSync(path);
        console.log(stat.isDirectory() ? 'd' : 'f', stat.mode & 0o7777, stat.uid, path.slice(1));
        if (stat.isDirectory()) walk(path + '/');
      }
    })('/')`;
  const files = podman(...ATTACHED, '--entrypoint', 'node', IMAGE, '-e', list)
    .stdout.trim()
    .split('\n')
    .map((line) => {
      const [kind, mode = '', uid, name = ''] = line.split(' ');
      return { isDirectory: kind === 'd', mode: Number(mode), uid, name };
    });

  t.test('nothing runs but Node and twist, and nothing can be changed', async (t) => {
    const own = files.filter(({ name }) => name !== 'tmp' && name !== 'var/lib/twist');
    const programs = own.filter(({ isDirectory, mode, name }) => {
      return !isDirectory && (mode & 0o111) !== 0 && !/\.so(\.\d+)*$/.test(name);
    });
    t.strictSame(programs.map(({ name }) => name).sort(), [
      'usr/local/bin/node',
      'usr/local/bin/twist',
    ]);
    t.strictSame(
      own.filter(({ mode, uid }) => (mode & 0o6022) !== 0 || uid !== '0'),
      [],
      'no set-user-ID, nothing that others may write',
    );
    t.match(
      files.find(({ name }) => name === 'var/lib/twist'),
      { uid: '1000', isDirectory: true },
    );
  });

  t.test('a bill of materials that fits its schema and the image', async (t) => {
    const text = read('/opt/twist/sbom.cdx.json');
    const { components } = JSON.parse(text) as { readonly components: readonly Component[] };
    const python = process.env['TWIST_PYTHON'] ?? path.resolve('.venv/bin/python');
    if (process.env['CI'] === 'true' || existsSync(python)) {
      const checked = spawnSync(python, ['-c', VALIDATE], { input: text, encoding: 'utf8' });
      t.equal(checked.stdout.trim(), 'valid', checked.stderr);
    } else {
      t.comment(`not compared with its schema: there is no ${python}`);
    }
    const bundled = JSON.parse(readFileSync('dist/sbom.cdx.json', 'utf8')) as {
      readonly components: readonly Component[];
    };
    t.strictSame(components.slice(0, bundled.components.length), bundled.components);
    const node = components.find(({ name }) => name === 'node');
    t.equal(
      `v${node!.version}`,
      podman(...ATTACHED, '--entrypoint', 'node', IMAGE, '-v').stdout.trim(),
    );
    t.ok(node!.components!.some(({ name }) => name === 'openssl'));
    t.strictSame(
      components.filter(({ purl }) => purl?.startsWith('pkg:deb/')).map(({ name }) => name),
      ['libc6', 'libgcc-s1', 'libstdc++6'],
    );
  });

  t.test('notices of all that is copied', async (t) => {
    const notices = read('/opt/twist/THIRD_PARTY_NOTICES.txt');
    t.match(notices, /^commander \d/m);
    const names = files.map(({ name }) => name);
    const wanted = ['libc6', 'libgcc-s1', 'libstdc++6'].flatMap((name) => [
      `usr/share/doc/${name}/copyright`,
      `var/lib/dpkg/status.d/${name}`,
    ]);
    for (const name of [...wanted, 'usr/share/doc/node/LICENSE', 'opt/twist/LICENSE-MIT'])
      t.ok(names.includes(name), name);
    t.match(read('/usr/share/doc/node/LICENSE'), /OpenSSL[^]*V8/);
    t.match(read('/usr/share/doc/libc6/copyright'), /GNU/);
    const licenses = names.filter((name) => name.startsWith('usr/share/common-licenses/'));
    t.ok(
      licenses.some((name) => name.endsWith('GPL-3')),
      licenses.join(' '),
    );
  });

  t.test('twist --licenses shows all of them', async (t) => {
    const { status, stdout } = runImage([], ['--licenses']);
    t.equal(status, 0);
    t.ok(stdout.includes(readFileSync('LICENSE-MIT', 'utf8').trim()), 'our own');
    t.ok(stdout.includes(readFileSync('dist/THIRD_PARTY_NOTICES.txt', 'utf8').trim()), 'bundled');
    const beside = files.filter(({ isDirectory, name }) => {
      return !isDirectory && /^usr\/share\/(doc|common-licenses)\//.test(name);
    });
    t.ok(beside.length > 5, 'the notices were found');
    for (const { name } of beside)
      t.ok(stdout.includes(`/${name}\n\n${read(`/${name}`).trimEnd()}`), name);
    t.match(stdout, 'Node.js is licensed for use as follows');
  });

  t.test('names, time zones and certificates are found', async (t) => {
    const look = `require('dns').lookup('there', (error, address) => {
      console.log(address, new Date(0).toLocaleTimeString('de'), require('tls').rootCertificates.length > 99);
    })`;
    const flags = [
      '--add-host',
      'there:192.0.2.7',
      '--env',
      'TZ=Asia/Tokyo',
      '--entrypoint',
      'node',
    ];
    t.equal(runImage(flags, ['-e', look]).stdout, '192.0.2.7 09:00:00 true\n');
  });
}
