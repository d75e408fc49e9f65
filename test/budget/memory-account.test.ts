import t from 'tap';
import { MemoryAccount } from '../../src/budget/memory-account.js';

/** An account of 1000 bytes, and what its watcher is told. */
function watched(): { account: MemoryAccount; told: string[] } {
  const account = new MemoryAccount(1000);
  const told: string[] = [];
  account.watcher = {
    nearBegan: () => told.push('near'),
    nearEnded: () => told.push('calm'),
    full: () => told.push('full'),
  };
  return { account, told };
}

t.test('it adds up what is charged and released', async (t) => {
  const account = new MemoryAccount(1000);
  account.charge(300);
  account.charge(200);
  account.release(400);
  t.equal(account.bytes, 100);
  t.equal(account.maxBytes, 1000);
  t.equal(account.isNear, false);
});

t.test('without a limit nothing is ever near', async (t) => {
  const account = new MemoryAccount();
  account.charge(Number.MAX_SAFE_INTEGER);
  t.equal(account.maxBytes, Infinity);
  t.equal(account.isNear, false);
  account.release(Number.MAX_SAFE_INTEGER);
  t.equal(account.bytes, 0);
});

t.test('near begins at 80 %, and ends below 75 %', async (t) => {
  const { account, told } = watched();
  account.charge(799);
  t.same([account.isNear, told], [false, []]);
  account.charge(1);
  t.same([account.isNear, told], [true, ['near']]);
  account.release(50);
  account.charge(50);
  account.release(50);
  t.same([account.isNear, told], [true, ['near']], 'between the two it stays as it is');
  account.release(1);
  t.same([account.isNear, told], [false, ['near', 'calm']]);
  account.charge(50);
  t.same([account.isNear, told], [false, ['near', 'calm']]);
  account.charge(1);
  t.same([account.isNear, told], [true, ['near', 'calm', 'near']]);
});

t.test('each charge at the limit and beyond is told', async (t) => {
  const { account, told } = watched();
  account.charge(999);
  t.same(told, ['near']);
  account.charge(1);
  account.charge(1);
  t.same(told, ['near', 'full', 'full']);
  account.release(500);
  account.charge(500);
  t.same(told.slice(3), ['calm', 'near', 'full'], 'also when one charge goes all the way');
});

t.test('nobody needs to watch', async (t) => {
  const account = new MemoryAccount(1000);
  account.charge(1000);
  t.equal(account.isNear, true);
  account.release(1000);
  t.equal(account.isNear, false);
});
