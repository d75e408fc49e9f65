import path from 'node:path';
import t from 'tap';
import { applicant } from '../../fixtures/logins.js';
import { writeFileSync } from 'node:fs';
import {
  type Resources,
  readResources,
  rereadResources,
} from '../../../src/app/resources/resources.js';
import { load } from '../../../src/config/load.js';
import type { Environment, Flags } from '../../../src/config/text-sources.js';
import { parseRouteMode } from '../../../src/config/values/route-text.js';
import { ConfigError } from '../../../src/errors.js';
import type { Authenticator } from '../../../src/server/auth/authenticator.js';
import { fakeIo } from '../../cli/fake-io.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { RecordedLines, writeRecording } from '../../fixtures/recorded-lines.js';
import { selfSigned } from '../../fixtures/self-signed.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

const { cert } = selfSigned();

const FILES = { 'mute.mjs': '', 'ca.pem': cert, tokens: 'a: b:1' };

async function read(flags: Flags, environment: Environment = {}): Promise<Resources> {
  const modules = { 'mute.mjs': { default: { name: 'mute', message: (): void => undefined } } };
  const loaded = load({ flags, environment, readFile: () => '' });
  return await readResources(loaded, fakeIo([], { files: FILES, modules }), new KeptLog());
}

/** Whether a request with these credentials is let in. */
async function isLetIn(authenticator: Authenticator, credentials: string): Promise<boolean> {
  const value = `Basic ${Buffer.from(credentials).toString('base64')}`;
  const headers = [{ name: 'authorization', value }];
  try {
    const head = { method: 'GET', target: '/', version: '1.1', headers };
    await authenticator.authorize(head, applicant());
    return true;
  } catch {
    return false;
  }
}

t.test('the settings, and what the files hold that they name', async (t) => {
  const resources = await read({
    mode: 'mute.mjs',
    targetCa: 'ca.pem',
    route: ['/b=tcp:tls://a:1'],
    static: makeTempDir(t),
  });
  t.match(resources.settings, { mode: 'mute.mjs' });
  t.match(resources.values.mode, { value: 'mute.mjs', source: 'flag' });
  t.match(resources.modules.modes.get('mute.mjs'), { name: 'mute' });
  t.match(resources.makeMode(parseRouteMode('tcp:a:1') as { kind: 'echo' }), { name: 'tcp:a:1' });
  t.equal(resources.authenticator, null);
  t.equal((await read({ tokenFile: 'tokens' })).settings.tokenFile, 'tokens');
  const replay = writeRecording(t, [new RecordedLines('S1').open()]);
  t.match((await read({ replay })).makeMode({ kind: 'replay', file: replay }), {
    name: `replay:${replay}`,
  });
});

t.test('who may connect: one user, or those of a file', async (t) => {
  const one = await read({}, { TWIST_AUTH: 'ann:secret' });
  t.equal(await isLetIn(one.authenticator!, 'ann:secret'), true);
  t.equal(await isLetIn(one.authenticator!, 'ann:Secret'), false);
  const file = path.join(makeTempDir(t), 'users');
  writeFileSync(file, `ann:$2y$04$${'.'.repeat(53)}\n`);
  const many = await read({ authFile: file });
  t.equal(await isLetIn(many.authenticator!, 'ann:'), false);
});

t.test('what is wrong with any of it', async (t) => {
  const folder = makeTempDir(t);
  const users = path.join(folder, 'users');
  writeFileSync(users, 'ann:secret\n');
  const nowhere = path.join(folder, 'nowhere');
  for (const [flags, sentence] of [
    [{ echo: true, tcp: 'a:1' }, 'choose one mode, not --echo and --tcp together'],
    [{ targetCa: 'no.pem' }, '--target-ca cannot be "no.pem": there is no such file'],
    [{ mode: 'no.mjs' }, '--mode cannot be "no.mjs": there is no such file'],
    [{ tokenFile: 'no' }, '--token-file cannot be "no": there is no such file'],
    [
      { authFile: users },
      `--auth-file cannot be used: ${users}, line 1: only bcrypt hashes are taken ($2y$, htpasswd -B)`,
    ],
    [{ authFile: nowhere }, `--auth-file cannot be used: ${nowhere}: there is no such file`],
  ] as const) {
    await t.rejects(read(flags), new ConfigError(sentence, { source: 'flag' }), sentence);
  }
  await t.rejects(read({}, { TWIST_STATIC: nowhere }), {
    name: 'ConfigError',
    source: 'environment',
    message: new RegExp(nowhere),
  });
});

t.test('a defect of our own is not taken for a wrong configuration', async (t) => {
  const { readResources: mocked } = await t.mockImport<{ readResources: typeof readResources }>(
    '../../../src/app/resources/resources.js',
    {
      '../../../src/http/static-directory.js': {
        StaticDirectory: function () {
          throw new TypeError('a defect');
        },
      },
    },
  );
  const loaded = load({ flags: { static: 'public' }, environment: {}, readFile: () => '' });
  await t.rejects(mocked(loaded, fakeIo([]), new KeptLog()), TypeError);
});

t.test('certificates are read again by a reload', async (t) => {
  const directory = makeTempDir(t);
  const files = {
    tlsCert: [path.join(directory, 'c.pem')],
    tlsKey: [path.join(directory, 'k.pem')],
  };
  const pair = selfSigned();
  writeFileSync(files.tlsCert[0]!, pair.cert);
  writeFileSync(files.tlsKey[0]!, pair.key);
  const { tls, reloadables } = await read({ echo: true, ...files });
  t.equal(tls!.context.set.default.title, 'localhost');
  t.match(reloadables, [{ what: 'certificates' }]);
  t.equal((await read({ echo: true })).tls, null);
});

t.test('what modes are made of is read again; what was loaded is kept', async (t) => {
  const before = await read({ mode: 'mute.mjs' });
  const loaded = load({
    flags: { tokenFile: 'tokens', route: ['/m=mode:mute.mjs'] },
    environment: {},
    readFile: () => '',
  });
  const io = fakeIo([], { files: FILES });
  const after = await rereadResources(before, loaded, io, new KeptLog());
  t.equal(after.modules.modes.get('mute.mjs'), before.modules.modes.get('mute.mjs'));
  t.equal(after.targets, before.targets, 'what was counted goes on');
  t.match(after.makeMode({ kind: 'token' }), { name: 'token' });
  t.match(after.modeReloadables, [{ what: 'tokens' }]);
  const both = load({ flags: { echo: true, tcp: 'a:1' }, environment: {}, readFile: () => '' });
  await t.rejects(rereadResources(before, both, io, new KeptLog()), ConfigError);
});

t.test(
  'what records is loaded where something is to be recorded, and its file looked at',
  async (t) => {
    const folder = makeTempDir(t);
    t.equal((await read({ echo: true })).recording, null);
    t.not((await read({ record: path.join(folder, 'a.ndjson') })).recording, null);
    await t.rejects(read({ record: path.join(folder, 'none/a.ndjson') }), { name: 'ConfigError' });
  },
);
