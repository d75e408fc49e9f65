import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { ConfigError } from '../../../src/errors.js';
import type { CertificateSet } from '../../../src/server/tls/certificate-set.js';
import { CertificateWatch } from '../../../src/server/tls/certificate-watch.js';
import { TlsContext } from '../../../src/server/tls/tls-context.js';
import { KeptLog } from '../../fixtures/kept-log.js';
import { selfSigned } from '../../fixtures/self-signed.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';
import { certificateSet, lasting } from '../../fixtures/tls.js';
import { eventually } from '../../fixtures/within.js';

const DAY_MS = 86_400_000;

interface Fixture {
  readonly watch: CertificateWatch;
  readonly context: TlsContext;
  readonly log: KeptLog;
  readonly file: string;
  /** What is read next; an error is thrown. */
  next: CertificateSet | Error;
  reads: number;
  nowMs: number;
}

async function begin(t: Test, first = certificateSet(), lookMs = DAY_MS): Promise<Fixture> {
  const log = new KeptLog();
  const context = new TlsContext(first, log);
  const file = path.join(makeTempDir(t), 'cert.pem');
  writeFileSync(file, '0');
  const read = async (): Promise<CertificateSet> => {
    fixture.reads++;
    if (fixture.next instanceof Error) throw fixture.next;
    return fixture.next;
  };
  const now = (): number => fixture.nowMs;
  const watch = new CertificateWatch({ files: [file], read, context, log, lookMs, now });
  t.teardown(() => {
    watch.stop();
  });
  const fixture = { watch, context, log, file, next: first, reads: 0, nowMs: Date.now() };
  await watch.start();
  return fixture;
}

/** A change is taken when it has stood from one look to the next. */
async function lookTwice({ watch }: Fixture): Promise<void> {
  await watch.look();
  await watch.look();
}

t.test('a change is taken once it has settled', async (t) => {
  const fixture = await begin(t);
  const { watch, context, log, file } = fixture;
  await lookTwice(fixture);
  t.equal(fixture.reads, 0, 'nothing has changed');
  const next = certificateSet({ own: [lasting('next.example')] });
  fixture.next = next;
  writeFileSync(file, 'half');
  await watch.look();
  writeFileSync(file, 'and the other half');
  await watch.look();
  t.equal(fixture.reads, 0, 'it still changes');
  await watch.look();
  t.equal(context.set, next);
  t.match(log.lines, [
    { level: 'info', message: /^certificates read again: for next.example until / },
  ]);
  await lookTwice(fixture);
  t.equal(fixture.reads, 1);
  t.strictSame(watch.counters, { reloads: 1, failedReloads: 0 });
});

t.test(
  'what cannot be used changes nothing, is told once, and is tried when it changes',
  async (t) => {
    const fixture = await begin(t);
    const { watch, context, log, file } = fixture;
    const first = context.set;
    fixture.next = new ConfigError('tlsKey cannot be k: it is not the key of the certificate');
    writeFileSync(file, 'torn');
    await lookTwice(fixture);
    await lookTwice(fixture);
    t.equal(context.set, first);
    t.match(log.lines, [
      {
        level: 'error',
        message: 'certificates not read again: the old ones stay',
        fields: { error: 'tlsKey cannot be k: it is not the key of the certificate' },
      },
    ]);
    t.equal(log.lines.length, 1);
    t.strictSame(watch.counters, { reloads: 0, failedReloads: 1 });
    fixture.next = new Error('a defect');
    rmSync(file);
    await lookTwice(fixture);
    t.match(log.lines[1], { level: 'error', fields: { err: { message: 'a defect' } } });
    fixture.next = certificateSet({ own: [lasting('whole.example')] });
    writeFileSync(file, 'whole');
    await lookTwice(fixture);
    t.equal(context.set, fixture.next);
  },
);

t.test('a reload reads at once, one after the other', async (t) => {
  const fixture = await begin(t);
  const { watch, context } = fixture;
  t.equal(await watch.reload(), null, 'nothing has changed');
  t.equal(fixture.reads, 1);
  fixture.next = new ConfigError('no');
  const failing = watch.reload();
  await t.rejects(failing, new ConfigError('no'));
  fixture.next = certificateSet({ own: [lasting('b'), lasting('c')] });
  const both = await Promise.all([watch.reload(), watch.reload()]);
  t.match(both, [/^2, the first one for b until /, null]);
  t.equal(context.set, fixture.next);
});

t.test('a directory behind a symbolic link is swapped, as Kubernetes does it', async (t) => {
  const directory = makeTempDir(t);
  const link = path.join(directory, '..data');
  const swap = (version: string): void => {
    mkdirSync(path.join(directory, version));
    writeFileSync(path.join(directory, version, 'tls.crt'), 'same size');
    symlinkSync(version, `${link}_tmp`);
    renameSync(`${link}_tmp`, link);
  };
  swap('v1');
  symlinkSync('..data/tls.crt', path.join(directory, 'tls.crt'));
  const log = new KeptLog();
  const context = new TlsContext(certificateSet(), log);
  const next = certificateSet({ own: [lasting('v2.example')] });
  const watch = new CertificateWatch({
    files: [path.join(directory, 'tls.crt')],
    read: async () => next,
    context,
    log,
    lookMs: 10,
  });
  t.teardown(() => {
    watch.stop();
  });
  await watch.start();
  swap('v2');
  await eventually(() => context.set === next, 'the new certificates');
  watch.stop();
  watch.stop();
});

t.test('what is about to end is told at start and once a day', async (t) => {
  const soon = certificateSet({ own: [selfSigned('soon', { toMs: 3 * DAY_MS })] });
  const fixture = await begin(t, soon);
  const { watch, log } = fixture;
  const warnings = (): number => log.lines.filter(({ level }) => level === 'warn').length;
  t.match(log.lines, [{ level: 'warn', message: /^the TLS certificate of soon expires on / }]);
  fixture.nowMs += DAY_MS - 1;
  await watch.look();
  t.equal(warnings(), 1);
  fixture.nowMs += 1;
  await watch.look();
  await watch.look();
  t.equal(warnings(), 2);
  fixture.nowMs += 3 * DAY_MS;
  await watch.look();
  t.match(log.lines.at(-1), { message: /^the TLS certificate of soon expired on / });
});

t.test('an expired certificate does not take the place of a good one', async (t) => {
  const fixture = await begin(t);
  const { watch, context } = fixture;
  const first = context.set;
  const over = selfSigned('over', { fromMs: -2 * DAY_MS, toMs: -DAY_MS });
  fixture.next = certificateSet({ own: [over] });
  await t.rejects(watch.reload(), { message: /^the TLS certificate of over expired on / });
  t.equal(context.set, first);
  const expired = await begin(t, certificateSet({ own: [over] }));
  const worse = selfSigned('worse', { fromMs: -2 * DAY_MS, toMs: -DAY_MS });
  expired.next = certificateSet({ own: [worse] });
  t.match(await expired.watch.reload(), /^for worse/, 'when the old one is no better');
});
