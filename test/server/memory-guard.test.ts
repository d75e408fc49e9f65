import t, { type Test } from 'tap';
import { MemoryAccount } from '../../src/budget/memory-account.js';
import { type MemoryHolder, type MemorySaver, MemoryGuard } from '../../src/server/memory-guard.js';
import { KeptLog } from '../fixtures/kept-log.js';
import { eventually } from '../fixtures/within.js';

const KIB = 1024;
const OWN_BYTES = 8 * KIB;
const LIMIT_BYTES = 1000 * KIB;

/** What is held for one client; the account gets it back when the socket is closed, which a test does. */
class Holder implements MemoryHolder, MemorySaver {
  readonly ownBytes = OWN_BYTES;
  readonly told: string[] = [];
  openSession: MemorySaver | null = this;
  heldBytes: number;
  readonly #bench: Bench;

  constructor(bench: Bench, heldBytes: number) {
    this.#bench = bench;
    this.heldBytes = heldBytes;
    bench.account.charge(heldBytes);
  }

  saveMemory(): void {
    this.told.push('save');
  }

  goOn(): void {
    this.told.push('go on');
  }

  waitAgain(): void {
    this.told.push('wait again');
  }

  memoryIsBack(): void {
    this.told.push('back');
  }

  shed(): void {
    this.#end('shed');
  }

  drop(rule: 'memory'): void {
    this.#end(`dropped: ${rule}`);
  }

  #end(how: string): void {
    this.told.push(how);
    if (this.#bench.freesAtOnce) this.close();
  }

  close(): void {
    this.#bench.holders.delete(this);
    this.#bench.account.release(this.heldBytes);
  }
}

class Bench {
  readonly account = new MemoryAccount(LIMIT_BYTES);
  readonly holders = new Set<Holder>();
  readonly log = new KeptLog();
  freesAtOnce = true;
  /** What nobody has. */
  spareBytes = 0;

  constructor(t: Test, standstillMs?: number) {
    new MemoryGuard(this.account, this.holders, this, this.log, standstillMs);
    t.teardown(async () => {
      for (const holder of this.holders) holder.close();
      await nextTurn();
    });
  }

  giveBack(): void {
    this.account.release(this.spareBytes);
    this.spareBytes = 0;
  }

  add(kibibytes: number): Holder {
    const holder = new Holder(this, kibibytes * KIB);
    this.holders.add(holder);
    return holder;
  }
}

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

t.test('while there is enough nobody hears of it', async (t) => {
  const bench = new Bench(t);
  const holder = bench.add(790);
  await nextTurn();
  t.same(holder.told, []);
  t.same(bench.log.lines, []);
});

t.test(
  'scarce and there again within a turn: whoever has noticed is told that it is back',
  async (t) => {
    const bench = new Bench(t);
    const holder = bench.add(700);
    bench.account.charge(200 * KIB);
    // As a session does that is read meanwhile.
    if (bench.account.isNear) holder.saveMemory();
    bench.account.release(200 * KIB);
    await nextTurn();
    t.same(holder.told, ['save', 'back']);
    bench.account.charge(10);
    await nextTurn();
    t.same(holder.told, ['save', 'back'], 'once');
  },
);

t.test('from 80 % on all are told, and the largest goes on; a turn later, once', async (t) => {
  const bench = new Bench(t);
  const [large, small] = [bench.add(700), bench.add(20)];
  const more = bench.add(100);
  t.same(large.told, [], 'the account may tell in the middle of anything');
  await nextTurn();
  t.same([large.told, small.told, more.told], [['save', 'go on'], ['save'], ['save']]);
  bench.account.charge(10);
  await nextTurn();
  t.same(large.told, ['save', 'go on']);
  t.match(bench.log.lines, [{ level: 'warn', fields: { maxMemory: LIMIT_BYTES } }]);
  bench.account.release(10);
  more.close();
  t.equal(bench.account.isNear, false);
  await nextTurn();
  t.same(large.told, ['save', 'go on', 'back']);
  t.same(small.told, ['save', 'back']);
  bench.account.charge(100 * KIB);
  await nextTurn();
  t.equal(bench.log.lines.length, 1, 'which is not logged each time');
  bench.account.release(100 * KIB);
});

t.test('when the one that goes on is through it is the turn of the next', async (t) => {
  const bench = new Bench(t);
  const [first, second, third] = [320, 310, 300].map((size) => bench.add(size));
  await nextTurn();
  t.same([first!.told, second!.told], [['save', 'go on'], ['save']]);
  // As much is held as before, by others who hold little each.
  first!.heldBytes = OWN_BYTES;
  await eventually(() => second!.told.includes('go on'), 'the next one');
  t.same(third!.told, ['save']);
  t.same(
    first!.told,
    ['save', 'go on', 'wait again'],
    'nor does it begin another message meanwhile',
  );
  first!.heldBytes = 320 * KIB;
});

t.test('what nobody has is given back before anybody has to go, or wait', async (t) => {
  const bench = new Bench(t);
  const holder = bench.add(700);
  bench.spareBytes = 120 * KIB;
  bench.account.charge(bench.spareBytes);
  t.ok(bench.account.isNear);
  await nextTurn();
  t.equal(bench.account.bytes, 700 * KIB);
  t.same(holder.told, ['back'], 'it is over within the turn, and nobody waits');
  bench.spareBytes = 350 * KIB;
  bench.account.charge(bench.spareBytes);
  await nextTurn();
  t.notOk(holder.told.includes('shed'), 'also at the limit');
});

t.test('at the limit the largest go, until a tenth is free', async (t) => {
  const bench = new Bench(t);
  const [small, largest, middle, other] = [60, 400, 300, 250].map((size) => bench.add(size));
  await nextTurn();
  t.same([largest!.told, middle!.told], [['save', 'go on', 'shed'], ['save']]);
  t.same([small!.told, other!.told], [['save'], ['save']]);
  await nextTurn();
  t.same(small!.told, ['save', 'back'], 'and then there is enough');
});

t.test('what is given back only later counts all the same', async (t) => {
  const bench = new Bench(t);
  bench.freesAtOnce = false;
  const [one, two, three] = [400, 350, 300].map((size) => bench.add(size));
  await nextTurn();
  t.same([one!.told, two!.told, three!.told], [['save', 'go on', 'shed'], ['save'], ['save']]);
  one!.close();
});

t.test('nobody goes who holds no more than a connection takes', async (t) => {
  const bench = new Bench(t);
  const idle = Array.from({ length: 130 }, () => bench.add(8));
  await nextTurn();
  t.ok(bench.account.bytes > LIMIT_BYTES);
  t.ok(idle.every(({ told }) => !told.includes('shed')));
});

t.test('a standstill below the limit ends: the largest goes, and nobody else', async (t) => {
  const bench = new Bench(t, 5);
  const [small, large, larger] = [60, 370, 380].map((size) => bench.add(size));
  await eventually(() => larger!.told.includes('shed'), 'the largest to go');
  await eventually(() => large!.told.includes('back'), 'the end of it');
  t.same(
    [small!.told, large!.told, larger!.told],
    [
      ['save', 'back'],
      ['save', 'back'],
      ['save', 'go on', 'shed'],
    ],
  );
});

t.test('progress puts it off, and the next standstill ends all the same', async (t) => {
  const bench = new Bench(t, 5);
  const holders = [bench.add(500), bench.add(400)];
  await nextTurn();
  // More than a sixty-fourth of the limit, before the first look.
  bench.account.release(20 * KIB);
  await eventually(() => holders[0]!.told.includes('shed'), 'the largest to go');
  t.notOk(holders[1]!.told.includes('shed'));
  bench.account.charge(20 * KIB);
});

t.test('small holders do not go for a standstill: they wait for nothing', async (t) => {
  const bench = new Bench(t, 1);
  const holders = Array.from({ length: 14 }, () => bench.add(60));
  await nextTurn();
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  t.notOk(holders.some(({ told }) => told.includes('shed')));
  t.equal(bench.account.isNear, true);
});

t.test('one whose session is not open has nothing to save, and is dropped', async (t) => {
  const bench = new Bench(t);
  const [opening, small] = [bench.add(900), bench.add(20)];
  opening.openSession = null;
  await nextTurn();
  t.same(opening.told, []);
  t.same(small.told, ['save']);
  bench.account.charge(100 * KIB);
  await nextTurn();
  t.same(opening.told, ['dropped: memory']);
  bench.account.release(100 * KIB);
});
