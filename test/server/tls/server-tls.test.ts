import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { CertificateWatch } from '../../../src/server/tls/certificate-watch.js';
import { KeyLog } from '../../../src/server/tls/key-log.js';
import { ServerTls } from '../../../src/server/tls/server-tls.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { tlsContext } from '../../fixtures/tls.js';
import { eventually } from '../../fixtures/within.js';

t.test('the key log is opened at the start, and closed at the end', async (t) => {
  const log = new KeptLog();
  const file = path.join(makeTempDir(t), 'keys');
  const context = tlsContext();
  const watch = new CertificateWatch({ files: [], read: async () => context.set, context, log });
  const plain = new ServerTls({ context, watch, openKeyLog: null });
  await plain.start();
  t.equal(context.writeKeys, null);
  plain.stop();
  const tls = new ServerTls({ context, watch, openKeyLog: () => new KeyLog(file, log) });
  t.throws(() => readFileSync(file));
  await tls.start();
  context.writeKeys!(Buffer.from('a\n'));
  tls.stop();
  await eventually(() => readFileSync(file, 'utf8') === 'a\n', 'the line');
});
