/** Certificates that change under load: no session is lost, new handshakes get the new ones, and a broken file changes nothing. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:tls';
import t, { type Test } from 'tap';
import WebSocket from 'ws';
import { CertificateAuthority, type IssuedFiles } from '../fixtures/certificates.js';
import { type TwistProcess, startTwist } from '../fixtures/twist-process.js';
import { eventually, within } from '../fixtures/within.js';

t.setTimeout(400_000);

const CLIENTS = 10;

/** Clients that send the next message when the last one has come back. */
class Load {
  exchanged = 0;
  readonly lost: string[] = [];
  readonly #clients: WebSocket[];

  private constructor(clients: WebSocket[]) {
    this.#clients = clients;
    for (const [index, client] of clients.entries()) {
      let count = 0;
      const send = (): void => {
        client.send(`${index} ${++count}`);
      };
      client.on('message', (data: Buffer) => {
        if (data.toString() !== `${index} ${count}`) this.lost.push(`wrong: ${data.toString()}`);
        this.exchanged++;
        setTimeout(send, 1);
      });
      client.on('close', (code) => this.lost.push(`closed with ${code}`));
      client.on('error', (error) => this.lost.push(error.message));
      send();
    }
  }

  static async start(t: Test, { port }: TwistProcess, ca: CertificateAuthority): Promise<Load> {
    const clients = Array.from(
      { length: CLIENTS },
      () => new WebSocket(`wss://localhost:${port}`, { ca: readFileSync(ca.file) }),
    );
    t.teardown(() => {
      for (const client of clients) client.terminate();
    });
    await Promise.all(clients.map((client) => within(once(client, 'open'), 'a client')));
    return new Load(clients);
  }

  stop(): void {
    for (const client of this.#clients) {
      client.removeAllListeners('close');
      client.terminate();
    }
  }
}

/** The serial number of the certificate that a new handshake gets. */
async function serialAt(
  t: Test,
  { port }: TwistProcess,
  ca: CertificateAuthority,
): Promise<string> {
  const socket = connect({ port, host: 'localhost', ca: readFileSync(ca.file) });
  t.teardown(() => socket.destroy());
  await within(once(socket, 'secureConnect'), 'a handshake');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

async function eventuallySerial(
  t: Test,
  twist: TwistProcess,
  ca: CertificateAuthority,
  wanted: string,
): Promise<void> {
  let serial = '';
  const poll = async (): Promise<void> => {
    while (serial !== wanted) serial = await serialAt(t, twist, ca);
  };
  await within(poll(), `the certificate ${wanted}`);
}

const isReload = ({ msg }: { readonly msg: string }): boolean =>
  /^reloaded|^not reloaded/.test(msg);

/** Replaces a file as careful programs do, in one step. */
function replace(from: string, to: string): void {
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
}

t.test('a hundred new certificates, with SIGHUP, and torn pairs between them', async (t) => {
  const ca = CertificateAuthority.make(t);
  if (ca === null) return;
  const issued = [0, 1].map((index) => ca.issue(`server ${index}`));
  const [cert, key] = [ca.at('tls.crt'), ca.at('tls.key')];
  const put = (files: IssuedFiles): void => {
    replace(files.cert, cert);
    replace(files.key, key);
  };
  put(issued[0]!);
  const twist = await startTwist(t, ['--tls-cert', cert, '--tls-key', key]);
  const serials = [await serialAt(t, twist, ca)];
  const load = await Load.start(t, twist, ca);
  let reloads = 0;
  const reload = async (): Promise<string> => {
    twist.signal('SIGHUP');
    return (await twist.waitForLogs(isReload, ++reloads))[reloads - 1]!.msg;
  };
  for (let swap = 1; swap <= 100; swap++) {
    const [next, before] = [issued[swap % 2]!, issued[(swap + 1) % 2]!];
    if (swap % 10 === 0) {
      // The new certificate with the old key.
      replace(next.cert, cert);
      t.match(
        await reload(),
        /^not reloaded, the old stays in force: certificates \(.*it is not the key/,
      );
      t.equal(await serialAt(t, twist, ca), serials[(swap + 1) % 2], 'the old one stays');
      replace(before.cert, cert);
    }
    put(next);
    t.match(await reload(), /^reloaded: certificates \(for localhost until /);
    const serial = await serialAt(t, twist, ca);
    serials[swap % 2] ??= serial;
    if (serial !== serials[swap % 2]) t.fail(`swap ${swap} had no effect`);
  }
  t.not(serials[0], serials[1]);
  t.strictSame(load.lost, [], 'no session is lost');
  const { exchanged } = load;
  await eventually(() => load.exchanged > exchanged + CLIENTS, 'more answers');
  load.stop();
});

t.test(
  'files that change by themselves, and a directory that is swapped as Kubernetes does it',
  async (t) => {
    const ca = CertificateAuthority.make(t);
    if (ca === null) return;
    const issued = [0, 1, 2].map((index) => ca.issue(`server ${index}`));
    let version = 0;
    const swap = ({ cert, key }: IssuedFiles): void => {
      const name = `..v${++version}`;
      mkdirSync(ca.at(name));
      copyFileSync(cert, ca.at(`${name}/tls.crt`));
      copyFileSync(key, ca.at(`${name}/tls.key`));
      symlinkSync(name, ca.at('..data_tmp'));
      renameSync(ca.at('..data_tmp'), ca.at('..data'));
      if (version > 1) rmSync(ca.at(`..v${version - 1}`), { recursive: true });
    };
    swap(issued[0]!);
    for (const file of ['tls.crt', 'tls.key']) symlinkSync(`..data/${file}`, ca.at(file));
    const [cert, key] = [ca.at('tls.crt'), ca.at('tls.key')];
    const twist = await startTwist(t, ['--tls-cert', cert, '--tls-key', key]);
    const load = await Load.start(t, twist, ca);
    const serialOf = ({ cert: file }: IssuedFiles): string =>
      new X509Certificate(readFileSync(file)).serialNumber;
    t.equal(await serialAt(t, twist, ca), serialOf(issued[0]!));
    for (const files of [issued[1]!, issued[2]!]) {
      swap(files);
      await eventuallySerial(t, twist, ca, serialOf(files));
    }
    // Half a file, and then nothing at all.
    const good = ca.at('..v3/tls.crt');
    writeFileSync(good, readFileSync(issued[0]!.cert, 'utf8').slice(0, 200));
    const broken = 'certificates not read again: the old ones stay';
    await twist.waitForLog(({ msg }) => msg === broken);
    rmSync(good);
    await twist.waitForLogs(({ msg }) => msg === broken, 2);
    t.equal(await serialAt(t, twist, ca), serialOf(issued[2]!), 'the old one stays');
    swap(issued[0]!);
    await eventuallySerial(t, twist, ca, serialOf(issued[0]!));
    t.strictSame(load.lost, [], 'no session is lost');
    load.stop();
  },
);

t.test('what is about to end is a warning at start', async (t) => {
  const ca = CertificateAuthority.make(t);
  if (ca === null) return;
  const { cert, key } = ca.issue('localhost', { days: 13 });
  const twist = await startTwist(t, ['--tls-cert', cert, '--tls-key', key]);
  t.match(
    twist.log.find(({ level }) => level === 'warn')?.msg,
    /^the TLS certificate of localhost expires on \d{4}-\d\d-\d\d$/,
  );
});
