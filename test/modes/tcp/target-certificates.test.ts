import t from 'tap';
import { createPrivateKey } from 'node:crypto';
import {
  type TargetCertificates,
  readTargetCertificates,
} from '../../../src/modes/tcp/target-certificates.js';
import { load } from '../../../src/config/load.js';
import type { Environment, Flags } from '../../../src/config/text-sources.js';
import { ConfigError } from '../../../src/errors.js';
import { fakeIo } from '../../cli/fake-io.js';
import { selfSigned } from '../../fixtures/self-signed.js';

const one = selfSigned('a.example');
const other = selfSigned('b.example');

const FILES = {
  'ca.pem': other.cert + one.cert,
  'cert.pem': one.cert,
  'key.pem': one.key,
  'other.key.pem': other.key,
  'locked.pem': createPrivateKey(one.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' })
    .toString(),
  'text.pem': 'no PEM',
  'empty.pem': '',
};

function read(flags: Flags, environment: Environment = {}): TargetCertificates {
  const { values } = load({ flags, environment, readFile: () => '' });
  return readTargetCertificates(values, fakeIo([], { files: FILES }));
}

t.test('what is given is read', async (t) => {
  t.strictSame(read({}), { ca: null, cert: null, key: null });
  t.strictSame(read({ targetCa: 'ca.pem' }), { ca: FILES['ca.pem'], cert: null, key: null });
  t.strictSame(read({ targetCert: 'cert.pem', targetKey: 'key.pem' }), {
    ca: null,
    cert: one.cert,
    key: one.key,
  });
});

t.test('what does not fit: one sentence', async (t) => {
  const noCertificate = 'it holds no certificate in PEM';
  const noKey = 'it holds no private key in PEM, or one that needs a password';
  const pair = { targetCert: 'cert.pem', targetKey: 'key.pem' };
  for (const [flags, sentence] of [
    [{ targetCa: 'no.pem' }, '--target-ca cannot be "no.pem": there is no such file'],
    [{ targetCa: 'text.pem' }, `--target-ca cannot be "text.pem": ${noCertificate}`],
    [{ targetCa: 'key.pem' }, `--target-ca cannot be "key.pem": ${noCertificate}`],
    [{ ...pair, targetCert: 'empty.pem' }, `--target-cert cannot be "empty.pem": ${noCertificate}`],
    [{ ...pair, targetKey: 'no.pem' }, '--target-key cannot be "no.pem": there is no such file'],
    [{ ...pair, targetKey: 'cert.pem' }, `--target-key cannot be "cert.pem": ${noKey}`],
    [{ ...pair, targetKey: 'locked.pem' }, `--target-key cannot be "locked.pem": ${noKey}`],
    [
      { ...pair, targetKey: 'other.key.pem' },
      '--target-key cannot be "other.key.pem": it is not the key of --target-cert',
    ],
  ] as const) {
    t.throws(() => read(flags), new ConfigError(sentence, { source: 'flag' }), sentence);
  }
  t.throws(
    () => read({}, { TWIST_TARGET_CA: 'text.pem' }),
    new ConfigError(`TWIST_TARGET_CA cannot be "text.pem": ${noCertificate}`, {
      source: 'environment',
    }),
  );
});
