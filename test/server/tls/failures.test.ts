import t from 'tap';
import { logTlsFailure } from '../../../src/server/tls/failures.js';
import { KeptLog } from '../../fixtures/kept-log.js';

const PEER = { remoteAddress: '192.0.2.1', remotePort: 7 };

t.test('a line for each, in words', async (t) => {
  const log = new KeptLog();
  logTlsFailure(log, PEER, 'timeout');
  logTlsFailure(log, PEER, 'ERR_SSL_SOMETHING_NEW');
  t.strictSame(log.lines, [
    {
      level: 'info',
      message: 'TLS handshake failed: it took too long',
      fields: { peer: '192.0.2.1:7', error: 'timeout' },
    },
    {
      level: 'info',
      message: 'TLS handshake failed: OpenSSL refused it',
      fields: { peer: '192.0.2.1:7', error: 'ERR_SSL_SOMETHING_NEW' },
    },
  ]);
});

t.test('alerts, whatever OpenSSL calls their protocol', async (t) => {
  for (const protocol of ['SSLV3', 'TLSV1', 'TLSV13', 'SSL/TLS']) {
    const log = new KeptLog();
    logTlsFailure(log, PEER, `ERR_SSL_${protocol}_ALERT_BAD_CERTIFICATE`);
    t.match(log.lines, [
      { message: 'TLS handshake failed: the client does not accept our certificate' },
    ]);
  }
});
