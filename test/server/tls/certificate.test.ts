import { X509Certificate, createPrivateKey } from 'node:crypto';
import t from 'tap';
import { checkCa, oneLine, readCertificate } from '../../../src/server/tls/certificate.js';
import { selfSigned } from '../../fixtures/self-signed.js';

const PAIR = selfSigned('Example.com', { names: ['Example.com', '*.example.com'] });

function read(cert: string, key: string, passphrase: string | null = null): unknown {
  try {
    return readCertificate({ cert, key }, passphrase, {}, (part, clause) => {
      throw new Error(`${part}: ${clause}`);
    });
  } catch (error) {
    return (error as Error).message;
  }
}

const encrypted = (passphrase: string): string =>
  createPrivateKey(PAIR.key)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
    .toString();

t.test('its names, and how long it is valid', async (t) => {
  const { validFrom, validTo } = new X509Certificate(PAIR.cert);
  t.match(read(PAIR.cert, PAIR.key), {
    names: ['example.com', '*.example.com'],
    title: 'example.com',
    validFromMs: Date.parse(validFrom),
    validToMs: Date.parse(validTo),
  });
  const nameless = selfSigned('Nobody', { names: [] });
  t.match(read(nameless.cert, nameless.key), { names: [], title: 'CN=Nobody' });
  const odd = selfSigned('odd', { names: ['a, DNS:b.example'] });
  t.match(read(odd.cert, odd.key), { names: [], title: 'CN=odd' }, 'no name comes out of another');
});

t.test('what cannot be used, and why', async (t) => {
  const other = selfSigned();
  t.equal(read('nothing', PAIR.key), 'cert: it holds no certificate in PEM');
  t.equal(read(PAIR.cert, 'nothing'), 'key: it holds no private key in PEM');
  t.equal(
    read(PAIR.cert, other.key),
    'key: it is not the key of the certificate, or the certificate is not the first one of its file',
  );
  t.match(read(PAIR.cert + other.cert, PAIR.key), { title: 'example.com' }, 'a chain after it');
  t.match(read(other.cert + PAIR.cert, PAIR.key), /not the first one/);
  const broken = PAIR.cert + other.cert.replace(/MI/, 'XX');
  t.match(read(broken, PAIR.key), /^cert: OpenSSL does not take it: /, 'a broken chain');
});

t.test('an encrypted key', async (t) => {
  const key = encrypted('right');
  t.match(read(PAIR.cert, key, 'right'), { title: 'example.com' });
  t.equal(
    read(PAIR.cert, key),
    'key: it is encrypted: give TWIST_TLS_KEY_PASSPHRASE, or --tls-key-passphrase-file',
  );
  t.equal(
    read(PAIR.cert, key, 'wrong'),
    'key: the passphrase is wrong, or it holds no private key',
  );
  t.match(read(PAIR.cert, PAIR.key, 'needless'), { title: 'example.com' });
});

t.test('certificates of CAs', async (t) => {
  const refuse = (clause: string): never => {
    throw new Error(clause);
  };
  checkCa(PAIR.cert, refuse);
  t.throws(() => {
    checkCa('', refuse);
  }, new Error('it holds no certificate in PEM'));
  t.equal(oneLine('C=DE\nCN=a'), 'C=DE, CN=a');
});
