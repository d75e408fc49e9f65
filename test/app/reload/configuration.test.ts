import t, { type Test } from 'tap';
import { type Change, Configuration, reloaded } from '../../../src/app/reload/configuration.js';
import { readResources } from '../../../src/app/resources/resources.js';
import { load } from '../../../src/config/load.js';
import type { Flags } from '../../../src/config/text-sources.js';
import { parseRouteMode } from '../../../src/config/values/route-text.js';
import { ConfigError } from '../../../src/errors.js';
import { fakeIo } from '../../cli/fake-io.js';
import { sessionOf } from '../../fixtures/extensions.js';
import { KeptLog } from '../../fixtures/kept-log.js';

interface Fixture {
  readonly configuration: Configuration;
  readonly changes: Change[];
  readonly log: KeptLog;
  /** How often each module was loaded. */
  readonly loaded: Record<string, number>;
  /** What the file holds from now on. */
  readonly write: (content: object | string) => void;
}

const mute = { name: 'mute', message: (): void => undefined };

/** A server that was started with this file. */
async function start(content: object, flags: Flags = {}): Promise<Fixture> {
  let text = JSON.stringify(content);
  const loaded: Record<string, number> = {};
  const again = (): ReturnType<typeof load> =>
    load({ flags: { config: 'twist.json', ...flags }, environment: {}, readFile: () => text });
  const log = new KeptLog();
  const extension = { name: 'x-one', create: () => sessionOf() };
  const names = ['mute.mjs', 'loud.mjs', 'x-one.mjs'];
  const io = fakeIo([], {
    files: Object.fromEntries([...names, 'tokens'].map((name) => [name, ''])),
  });
  const files = {
    ...io,
    importFile: (file: string): Promise<unknown> => {
      loaded[file] = (loaded[file] ?? 0) + 1;
      return Promise.resolve({ default: file === 'x-one.mjs' ? extension : mute });
    },
  };
  const resources = await readResources(again(), files, log);
  const changes: Change[] = [];
  const apply = (change: Change): void => {
    changes.push(change);
  };
  return {
    configuration: new Configuration(resources, { load: again, files }, apply, log),
    changes,
    log,
    loaded,
    write: (next) => {
      text = typeof next === 'string' ? next : JSON.stringify(next);
    },
  };
}

const refusal = async (t: Test, { configuration }: Fixture, message: string): Promise<void> => {
  await t.rejects(configuration.reload(), { name: 'ConfigError', message });
};

t.test('nothing has changed', async (t) => {
  const { configuration, changes, write } = await start({ echo: true, allow: ['10.0.0.0/8'] });
  t.equal(configuration.what, 'configuration');
  t.equal(await configuration.reload(), null);
  write({ echo: true, allow: '10.0.0.0/8' });
  t.equal(await configuration.reload(), null, 'said in another way');
  t.strictSame(changes, []);
});

t.test('what can be changed is, and what cannot is named', async (t) => {
  const { configuration, changes, write } = await start({ echo: true });
  write({ echo: true, deny: ['10.0.0.1'], trustProxy: '::1' });
  t.equal(await configuration.reload(), 'deny, trustProxy');
  t.match(changes, [{ keepsModes: true, resources: { settings: { deny: ['10.0.0.1'] } } }]);
  t.equal(await configuration.reload(), null, 'once');

  write({ echo: true, maxMessage: '1m', listen: '9999', origin: 'same' });
  const phrase = 'origin, deny, trustProxy; listen, maxMessage need a restart';
  t.equal(await configuration.reload(), phrase);
  const { settings } = changes[1]!.resources;
  t.match(settings, { origin: 'same', deny: [], maxMessage: 16 * 1024 ** 2 });
  t.match(settings.listen, [{ port: 9001 }], 'as long as it is not restarted');
  t.equal(await configuration.reload(), 'listen, maxMessage need a restart', 'as often as asked');
  t.equal(changes.length, 2);
  write({ echo: true, origin: 'same', maxMessage: '1m' });
  t.equal(await configuration.reload(), 'maxMessage needs a restart');
});

t.test('routes: modes that are new are made, others stay', async (t) => {
  const fixture = await start({ routes: { '/a': 'echo', '/m': 'mode:mute.mjs' } });
  const { configuration, changes, write, loaded } = fixture;
  write({
    routes: { '/a': 'tcp:localhost:1', '/m': 'mode:mute.mjs', '/n': 'mode:loud.mjs' },
    extension: ['x-one.mjs'],
  });
  t.equal(await configuration.reload(), 'routes; extension needs a restart');
  t.match(changes, [{ keepsModes: true }]);
  const { modules, makeMode } = changes[0]!.resources;
  t.strictSame([...modules.modes.keys()], ['mute.mjs', 'loud.mjs']);
  t.strictSame(loaded, { 'mute.mjs': 1, 'loud.mjs': 1 }, 'a module is loaded once');
  const asked = parseRouteMode('tcp:localhost:1') as { kind: 'echo' };
  t.equal(makeMode(asked).name, 'tcp:localhost:1');
  write({ routes: { '/t': 'token' }, tokenFile: 'tokens' });
  t.equal(await configuration.reload(), 'tokenFile, routes');
  t.equal(changes[1]!.keepsModes, false, 'what a mode does is another thing now');
  changes[1]!.resources.makeMode(parseRouteMode('token') as { kind: 'echo' });
  t.match(changes[1]!.resources.modeReloadables, [{ what: 'tokens' }]);
});

t.test('extensions stay those that there are', async (t) => {
  const { configuration, changes, write, loaded } = await start({
    echo: true,
    extension: ['x-one.mjs'],
  });
  write({ routes: { '/': 'echo' }, extension: ['x-one.mjs'] });
  t.equal(await configuration.reload(), 'echo, routes');
  t.match(changes[0]!.resources.modules.extensions, [{ name: 'x-one' }]);
  t.equal(changes[0]!.resources.modules.extensions.length, 1);
  t.match(changes[0]!.resources.settings.extension, ['x-one.mjs']);
  t.strictSame(loaded, { 'x-one.mjs': 1 });
});

t.test('a configuration with a fault changes nothing at all', async (t) => {
  const fixture = await start({ echo: true, deny: ['10.0.0.1'] });
  const { changes, write } = fixture;
  write('{');
  await t.rejects(fixture.configuration.reload(), ConfigError);
  write({ echo: true, dny: [] });
  await t.rejects(fixture.configuration.reload(), /dny/);
  write({ echo: true, deny: [], tcp: 'a:1' });
  await refusal(
    t,
    fixture,
    'choose one mode, not echo in twist.json and tcp in twist.json together',
  );
  write({ deny: [] });
  await t.rejects(fixture.configuration.reload(), /^choose a mode: /);
  write({ echo: true, deny: [], targetCa: 'missing.pem', routes: { '/a': 'tcp:tls://a:1' } });
  await t.rejects(fixture.configuration.reload(), /targetCa in twist.json cannot be "missing.pem"/);
  write({ deny: [], routes: { '/a': 'mode:missing.mjs' } });
  await t.rejects(fixture.configuration.reload(), /missing.mjs/);
  t.strictSame(changes, []);
  write({ echo: true });
  t.equal(await fixture.configuration.reload(), 'deny', 'and a good one is taken afterwards');
});

t.test('what does not go together with what needs a restart is a fault', async (t) => {
  const fixture = await start({ echo: true, trustProxy: '::1' });
  fixture.write({ echo: true, trustProxyHeader: 'proxy-protocol', trustProxy: '::1' });
  t.equal(await fixture.configuration.reload(), 'trustProxyHeader');
  fixture.write({ echo: true, trustProxyHeader: 'proxy-protocol' });
  await t.rejects(fixture.configuration.reload(), /trustProxyHeader in twist.json cannot be/);
});

t.test('flags and the environment win as they did at the start', async (t) => {
  const { configuration, write, changes } = await start({ echo: true }, { deny: ['10.0.0.1'] });
  write({ echo: true, deny: ['10.0.0.2'] });
  t.equal(await configuration.reload(), null);
  t.strictSame(changes, []);
});

t.test('warnings are those of a start', async (t) => {
  const { configuration, write, log } = await start({ echo: true });
  write({ echo: true, targetServername: 'a.example' });
  t.equal(await configuration.reload(), 'targetServername');
  t.match(log.lines, [{ level: 'warn', message: /^targetServername in twist.json/ }]);
});

t.test('another server that is to be like one after its reload', async (t) => {
  const read = (content: object): ReturnType<typeof load> =>
    load({
      flags: { config: 'twist.json', echo: true },
      environment: {},
      readFile: () => JSON.stringify(content),
    });
  const before = read({ deny: '10.0.0.1', maxHeaders: 7 });
  const after = reloaded(before, read({ deny: '10.0.0.2', maxHeaders: 8 }).values);
  t.match(after.settings, { deny: ['10.0.0.2'], maxHeaders: 7 });
  t.match(after.values, { deny: { value: ['10.0.0.2'] }, maxHeaders: { value: 7 } });
  t.equal(after.warnings, before.warnings, 'the rest is as it was');
});
