import t from 'tap';
import { type SystemLookup, SystemNames } from '../../../../src/modes/tcp/names/system-names.js';

type Callback = Parameters<SystemLookup>[2];

/** A system that answers when it is told to. */
class SlowSystem {
  readonly asked: string[] = [];
  readonly callbacks: Callback[] = [];
  readonly lookup: SystemLookup = (name, _options, callback) => {
    this.asked.push(name);
    this.callbacks.push(callback);
  };
}

const wanted = (): boolean => true;

t.test('one lookup at a time, in order', async (t) => {
  const system = new SlowSystem();
  const names = new SystemNames(system.lookup);
  const first = names.find('a', wanted);
  const second = names.find('b', wanted);
  const third = names.find('c', wanted);
  t.same(system.asked, ['a']);
  system.callbacks[0]!(null, [{ address: '10.0.0.1' }, { address: '::1' }]);
  t.same(await first, ['10.0.0.1', '::1']);
  t.same(system.asked, ['a', 'b']);
  system.callbacks[1]!(Object.assign(new Error(), { code: 'ENOTFOUND' }), []);
  await t.rejects(second, { code: 'ENOTFOUND' });
  system.callbacks[2]!(null, []);
  t.same(await third, []);
});

t.test('what nobody waits for any more is not looked up', async (t) => {
  const system = new SlowSystem();
  const names = new SystemNames(system.lookup);
  let isWanted = true;
  const first = names.find('a', wanted);
  const left = names.find('b', () => isWanted);
  const last = names.find('c', wanted);
  isWanted = false;
  system.callbacks[0]!(null, []);
  await first;
  await t.rejects(left, { code: 'ECANCELED' });
  t.same(system.asked, ['a', 'c']);
  system.callbacks[1]!(null, []);
  await last;
});

t.test('no more wait than there is place for', async (t) => {
  const system = new SlowSystem();
  const names = new SystemNames(system.lookup);
  const all = Array.from({ length: 65 }, (_, index) => names.find(`n${index}`, wanted));
  await t.rejects(names.find('one-more', wanted), { code: 'EBUSY' });
  for (let index = 0; index < all.length; index++) system.callbacks[index]!(null, []);
  await Promise.all(all);
  const again = names.find('one-more', wanted);
  system.callbacks[65]!(null, []);
  t.same(await again, []);
});

t.test('the system of this machine', async (t) => {
  t.ok((await new SystemNames().find('localhost', wanted)).length > 0);
  await t.rejects(
    new SystemNames().find('', () => false),
    { code: 'ECANCELED' },
  );
});
