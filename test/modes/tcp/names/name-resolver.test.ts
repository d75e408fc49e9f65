import { Resolver } from 'node:dns';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import type * as nameResolver from '../../../../src/modes/tcp/names/name-resolver.js';
import { NameResolver } from '../../../../src/modes/tcp/names/name-resolver.js';
import type { SystemLookup } from '../../../../src/modes/tcp/names/system-names.js';
import { type Answers, type NameServer, startNameServer } from '../../../fixtures/name-server.js';
import { makeTempDir } from '../../../fixtures/temp-dir.js';
import { eventually, within } from '../../../fixtures/within.js';

/** The signal of a waiter that stays. */
const staying = (): AbortSignal => new AbortController().signal;

type Found = Readonly<Record<string, readonly string[] | 'silence' | 'empty'>>;

/** A system that knows these names. */
class System {
  found: Found;
  readonly asked: string[] = [];
  /** Ends the lookups that are silent. */
  readonly wakeups: (() => void)[] = [];

  constructor(found: Found) {
    this.found = found;
  }

  readonly lookup: SystemLookup = (name, _options, callback) => {
    this.asked.push(name);
    const answer = this.found[name] ?? [];
    const fail = (): void => {
      callback(Object.assign(new Error(), { code: 'ENOTFOUND' }), []);
    };
    const succeed = (): void => {
      const addresses = answer === 'empty' ? [] : (answer as readonly string[]);
      callback(
        null,
        addresses.map((address) => ({ address })),
      );
    };
    if (answer === 'silence') this.wakeups.push(fail);
    else setImmediate(answer.length === 0 ? fail : succeed);
  };
}

interface Fixture {
  readonly names: NameResolver;
  readonly server: NameServer;
  readonly system: System;
  readonly hostsFile: string;
  readonly resolvConf: string;
  readonly made: { count: number };
}

interface Said {
  readonly hosts?: string;
  readonly conf?: string;
  readonly dns?: Answers;
  readonly system?: Found;
  readonly Class?: typeof NameResolver;
}

async function start(t: Test, said: Said): Promise<Fixture> {
  const directory = makeTempDir(t);
  const hostsFile = path.join(directory, 'hosts');
  const resolvConf = path.join(directory, 'resolv.conf');
  writeFileSync(hostsFile, said.hosts ?? '');
  writeFileSync(resolvConf, said.conf ?? '');
  const server = await startNameServer(t, said.dns ?? {});
  const system = new System(said.system ?? {});
  const made = { count: 0 };
  const names = new (said.Class ?? NameResolver)({
    hostsFile,
    resolvConf,
    makeDns: () => {
      made.count++;
      const dns = new Resolver({ timeout: 50, tries: 2 });
      dns.setServers([server.address]);
      return dns;
    },
    system: system.lookup,
  });
  return { names, server, system, hostsFile, resolvConf, made };
}

async function find({ names }: Fixture, name: string): Promise<string> {
  try {
    return (await within(names.resolve(name, staying()), name)).join();
  } catch (error) {
    return (error as Error).message;
  }
}

t.test('which source is asked for what', async (t) => {
  const fixture = await start(t, {
    hosts: '10.0.0.1 listed.test Short\n::1 listed.test\n127.0.0.9 special.localhost\n',
    conf: 'search a.test\n',
    dns: {
      'listed.test': ['10.9.9.9'],
      'public.test': ['10.0.0.2', '2001:0db8:0:0:0:0:0:1'],
      'db.a.test': ['10.0.0.3'],
      'db.svc.cluster.local': ['10.0.0.4'],
      'printer.local': ['10.9.9.9'],
      'tail.a.test': ['10.9.9.9'],
      tail: ['10.0.0.6'],
    },
    system: {
      'printer.local': ['10.0.0.5'],
      machine: ['127.0.1.1', '::1'],
      '0x7f.1': ['127.0.0.1'],
      'host.7': ['10.0.0.8'],
    },
  });
  for (const [name, addresses, asked] of [
    ['listed.test', '::1,10.0.0.1', ''],
    ['LISTED.test', '::1,10.0.0.1', ''],
    ['listed.test.', '::1,10.0.0.1', ''],
    ['short', '10.0.0.1', ''],
    ['localhost', '::1,127.0.0.1', ''],
    ['a.localhost', '::1,127.0.0.1', ''],
    ['special.localhost', '127.0.0.9', ''],
    ['public.test', /^(2001:db8::1,10.0.0.2|10.0.0.2,2001:db8::1)$/, ''],
    ['db', '10.0.0.3', ''],
    ['tail.', '10.0.0.6', ''],
    ['db.svc.cluster.local', '10.0.0.4', ''],
    ['printer.local', '10.0.0.5', 'printer.local'],
    // In its own order.
    ['machine', '127.0.1.1,::1', 'machine'],
    ['0x7f.1', '127.0.0.1', '0x7f.1'],
    ['host.7', '10.0.0.8', 'host.7'],
    ['nowhere.test', 'ENOTFOUND: no address is known for nowhere.test', 'nowhere.test'],
    ['nowhere.local', 'ENOTFOUND: no address is known for nowhere.local', 'nowhere.local'],
  ] as const) {
    fixture.system.asked.length = 0;
    t.match(await find(fixture, name), addresses, name);
    t.equal(fixture.system.asked.join(), asked, `${name}: the system`);
  }
  t.notOk(fixture.server.asked.some((asked) => asked.endsWith('printer.local')));
  t.notOk(fixture.server.asked.some((asked) => asked.endsWith('localhost')));
});

t.test('why there is no address', async (t) => {
  const fixture = await start(t, {
    conf: 'search a.test b.test\n',
    dns: {
      'silent.test': 'silence',
      'failed.test': 'servfail',
      'refused.test': 'refused',
      'half.a.test': 'servfail',
      'late.a.test': 'silence',
      'late.b.test': ['10.0.0.1'],
      'next.a.test': 'servfail',
      'next.b.test': ['10.0.0.2'],
      'empty.test': [],
    },
    system: { 'failed.test': [], 'empty.local': 'empty' },
  });
  for (const [name, answer] of [
    ['silent.test', 'ETIMEOUT: no name server answered for silent.test'],
    ['failed.test', 'ESERVFAIL: the name server failed for failed.test'],
    ['refused.test', 'EREFUSED: the name server refused to answer for refused.test'],
    ['half', 'ESERVFAIL: the name server failed for half'],
    ['late', 'ETIMEOUT: no name server answered for late'],
    ['next', '10.0.0.2'],
    ['empty.local', 'ENOTFOUND: no address is known for empty.local'],
    ['empty.test', 'ENOTFOUND: no address is known for empty.test'],
    [`${'x'.repeat(64)}.test`, `EBADNAME: the lookup failed for ${'x'.repeat(64)}.test`],
  ] as const) {
    t.equal(await find(fixture, name), answer, name);
  }
  t.notOk(fixture.system.asked.includes('silent.test'), 'no thread waits for a silent server');
});

t.test('a system that has no name server to ask', async (t) => {
  const fixture = await start(t, { system: { db: ['10.0.0.1'] } });
  const names = new NameResolver({
    hostsFile: fixture.hostsFile,
    resolvConf: fixture.resolvConf,
    makeDns: () => {
      const dns = new Resolver({ timeout: 50, tries: 1 });
      dns.setServers(['127.0.0.1:1']);
      return dns;
    },
    system: fixture.system.lookup,
  });
  t.same(await names.resolve('db', staying()), ['10.0.0.1']);
  await t.rejects(names.resolve('other', staying()), {
    message: 'ECONNREFUSED: no name server could be asked for other',
  });
});

t.test('all who ask at the same time share one lookup', async (t) => {
  const fixture = await start(t, { dns: { 'db.test': ['10.0.0.1'] } });
  const all = Array.from({ length: 100 }, () => find(fixture, 'db.test'));
  t.same(new Set(await Promise.all(all)), new Set(['10.0.0.1']));
  t.equal(fixture.server.asked.length, 2);
  fixture.server.answers = { 'db.test': ['10.0.0.2'] };
  t.equal(await find(fixture, 'db.test'), '10.0.0.2', 'what was found is not kept');
});

t.test('dead names make no other name wait', async (t) => {
  const dead = Array.from({ length: 40 }, (_, index) => `gone-${index}.test`);
  const fixture = await start(t, {
    hosts: '10.0.0.1 listed.test\n',
    dns: {
      ...Object.fromEntries(dead.map((name) => [name, 'silence'])),
      'good.test': ['10.0.0.2'],
    },
  });
  let ended = 0;
  const all = dead.map(async (name) => {
    await find(fixture, name);
    ended++;
  });
  const asked = (): number => new Set(fixture.server.asked).size;
  await eventually(() => asked() === 2 * dead.length, 'all questions', asked);
  t.equal(await find(fixture, 'listed.test'), '10.0.0.1');
  t.equal(await find(fixture, 'good.test'), '10.0.0.2');
  t.ok(ended < dead.length, `${ended} were through`);
  await Promise.all(all);
});

t.test('a name that only the system knows, and is dead, holds up no other', async (t) => {
  const fixture = await start(t, {
    dns: { 'good.test': ['10.0.0.2'] },
    system: { 'dead.local': 'silence', 'alive.local': ['10.0.0.3'] },
  });
  const dead = find(fixture, 'dead.local');
  await eventually(() => fixture.system.asked.length === 1, 'the system');
  t.equal(await find(fixture, 'good.test'), '10.0.0.2');
  t.equal(await find(fixture, 'localhost'), '::1,127.0.0.1');
  const alive = find(fixture, 'alive.local');
  fixture.system.wakeups[0]!();
  t.match(await dead, /^ENOTFOUND/);
  t.equal(await alive, '10.0.0.3');
});

t.test('whoever waits may leave', async (t) => {
  const fixture = await start(t, { system: { 'dead.local': 'silence' } });
  const { names, system } = fixture;
  const reason = new Error('gone away');
  await t.rejects(names.resolve('x.test', AbortSignal.abort(reason)), reason);
  t.same(fixture.server.asked, [], 'it does not begin');

  const stay = find(fixture, 'dead.local');
  await eventually(() => system.asked.length === 1, 'the system');
  const leaver = new AbortController();
  const leaving = names.resolve('dead.local', leaver.signal);
  const queued = names.resolve('other.local', leaver.signal);
  leaver.abort(reason);
  await t.rejects(leaving, reason);
  await t.rejects(queued, reason);
  system.wakeups[0]!();
  t.match(await stay, /^ENOTFOUND/, 'the others wait on');
  system.found = { 'dead.local': 'silence', 'other.local': ['10.0.0.1'] };
  t.equal(await find(fixture, 'other.local'), '10.0.0.1');
  t.same(system.asked, ['dead.local', 'other.local'], 'what nobody waited for was not looked up');
});

t.test('somebody comes in the moment in which a lookup is given up', async (t) => {
  const { NameResolver: Class } = await t.mockImport<typeof nameResolver>(
    '../../../../src/modes/tcp/names/name-resolver.js',
    {
      '../../../../src/modes/tcp/names/system-names.js': {
        LookupOverloadError: class extends Error {},
        LookupForgottenError: ForgottenError,
        SystemNames: class {
          find(): Promise<string[]> {
            return forgetOnce();
          }
        },
      },
    },
  );
  let isFirst = true;
  const forgetOnce = (): Promise<string[]> => {
    if (!isFirst) return Promise.resolve(['10.0.0.1']);
    isFirst = false;
    return Promise.reject(new ForgottenError());
  };
  const fixture = await start(t, { Class });
  t.equal(await find(fixture, 'x.local'), '10.0.0.1');
});

class ForgottenError extends Error {}

t.test('a failure holds for a second, for the name alone', async (t) => {
  const fixture = await start(t, { dns: { 'good.test': ['10.0.0.1'] } });
  const { server } = fixture;
  for (let count = 0; count < 5; count++) t.match(await find(fixture, 'late.test'), /^ENOTFOUND/);
  t.equal(server.asked.length, 2, 'it is asked for once');
  server.answers = { 'late.test': ['10.0.0.2'] };
  await new Promise((resolve) => setTimeout(resolve, 1000));
  t.equal(await find(fixture, 'late.test'), '10.0.0.2');
});

t.test('failures that are remembered are bounded', async (t) => {
  const fixture = await start(t, {});
  for (let index = 0; index < 1025; index++) await find(fixture, `n${index}.local`);
  const before = fixture.system.asked.length;
  await find(fixture, 'n1024.local');
  t.equal(fixture.system.asked.length, before, 'the last one is remembered');
  await find(fixture, 'n0.local');
  t.equal(fixture.system.asked.length, before + 1, 'the first one is forgotten');
});

t.test('names that DNS is asked for are bounded, and others are not held up', async (t) => {
  const dead = Array.from({ length: 256 }, (_, index) => `gone-${index}.test`);
  const fixture = await start(t, {
    hosts: '10.0.0.1 listed.test\n',
    dns: {
      ...Object.fromEntries(dead.map((name) => [name, 'silence'] as const)),
      'good.test': ['10.0.0.2'],
    },
    system: { 'printer.local': ['10.0.0.3'] },
  });
  const all = dead.map((name) => find(fixture, name));
  t.equal(await find(fixture, 'good.test'), 'EBUSY: too many names are being looked up');
  t.equal(await find(fixture, 'listed.test'), '10.0.0.1');
  t.equal(await find(fixture, 'printer.local'), '10.0.0.3');
  for (const answer of await Promise.all(all)) t.match(answer, /^ETIMEOUT/);
  t.equal(await find(fixture, 'good.test'), '10.0.0.2', 'it is not remembered');
});

t.test('a change of the files is seen by the next lookup', async (t) => {
  const fixture = await start(t, { dns: { 'db.a.test': ['10.0.0.1'] } });
  const { hostsFile, resolvConf, made } = fixture;
  t.match(await find(fixture, 'db'), /^ENOTFOUND/);
  writeFileSync(resolvConf, 'search a.test\n');
  t.equal(await find(fixture, 'db.'), 'ENOTFOUND: no address is known for db.');
  t.equal(made.count, 2, 'other name servers');
  t.match(await find(fixture, 'other'), /^ENOTFOUND/);
  t.equal(made.count, 2);
  writeFileSync(hostsFile, '10.0.0.7 web\n');
  t.equal(await find(fixture, 'web'), '10.0.0.7');
});

t.test('a process without descriptors is not told that there is no such name', async (t) => {
  let left = 1;
  const { NameResolver: Class } = await t.mockImport<typeof nameResolver>(
    '../../../../src/modes/tcp/names/name-resolver.js',
    {
      '../../../../src/modes/tcp/names/watched-file.js': {
        WatchedFile: class {
          read(): Promise<string> {
            if (left-- > 0) return Promise.resolve('');
            return Promise.reject(Object.assign(new Error('EMFILE'), { code: 'EMFILE' }));
          }
        },
      },
    },
  );
  const fixture = await start(t, { Class, system: { 'x.local': ['10.0.0.1'] } });
  left = 2;
  t.equal(
    await find(fixture, 'y.test'),
    'EMFILE',
    'the system says ENOTFOUND, and a look tells better',
  );
  t.equal(await find(fixture, 'z.test'), 'EMFILE');
  left = 9;
  t.match(await find(fixture, 'y.test'), /^ENOTFOUND/, 'it was not remembered');
});

t.test('names of this machine', async (t) => {
  t.ok((await new NameResolver().resolve('localhost', staying())).length > 0);
  const dns = new NameResolver().resolve('nowhere.invalid', staying());
  await t.rejects(within(dns, 'an answer'), { name: 'Error' });
});
