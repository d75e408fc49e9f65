/** The harness finds what it is there for, and its table is whole. */
import { Buffer } from 'node:buffer';
import t from 'tap';
import type { CostCase } from './case.js';
import { ImportGraph, typescriptIn } from '../../tools/import-graph.mjs';
import { ALL_CASES } from './cases.js';
import { MEASURED_BY, NO_CASE, NO_INPUT } from './inputs.js';
import { FULL, type Outcome, type Plan, QUICK, measure, measureQuick } from './measure.js';

t.setTimeout(120_000);

const KIB = 1024;

/** What was worked so far, in milliseconds of a processor that does the same in the same time. */
let workedMs = 0;

function work(steps: number): void {
  workedMs += steps / 1e5;
}

const machine = {
  /** The processor is away for so long whenever a run has taken longer than {@link awayAfterMs}. */
  awayMs: 0,
  awayAfterMs: 0,
  lastMs: 0,

  processorMs(): number {
    if (workedMs - this.lastMs > this.awayAfterMs) workedMs += this.awayMs;
    this.lastMs = workedMs;
    return workedMs;
  },

  isStoppedAtTimes(): boolean {
    return this.awayMs > 0;
  },
};

async function measured(one: CostCase, plan: Plan): Promise<Outcome> {
  return await measure(one, plan, machine);
}

const LINEAR: CostCase = {
  name: 'linear',
  count: 1000,
  maxCopied: 10,
  maxHeld: 200,
  maxPeak: 1,
  prepare: (count) => () => {
    work(300 * count);
    return Buffer.concat([Buffer.alloc(10 * count)]);
  },
};

/** The work of {@link LINEAR}, and this. */
const beside =
  (run: (count: number) => unknown): CostCase['prepare'] =>
  (count) =>
  () => {
    work(300 * count);
    return run(count);
  };

/** What is wrong with a case, and what is found. */
const FAULTY: readonly [what: string, fault: Partial<CostCase>, found: RegExp][] = [
  [
    'time',
    {
      count: 500,
      prepare: (count) => () => {
        work(count * count);
      },
    },
    /^processor time grows by [\d.]+ where twice as much comes$/,
  ],
  [
    'time later on',
    {
      count: 500,
      prepare: (count) => async () => {
        await new Promise(setImmediate);
        work(count * count);
      },
    },
    /^processor time grows/,
  ],
  [
    'copies',
    { prepare: beside((count) => Buffer.concat([Buffer.alloc(11 * count)])) },
    /^11.0 bytes are copied for each, more than 10$/,
  ],
  [
    'memory that is held, more than it may be',
    {
      count: 20_000,
      prepare: beside((count) => Array.from({ length: count }, () => Buffer.allocUnsafeSlow(300))),
    },
    /^[34]\d\d\.\d bytes are held for each, more than 200$/,
  ],
  [
    'memory that is held, more and more',
    { maxCount: 4000, maxHeld: Infinity, prepare: beside((count) => Buffer.alloc(count * count)) },
    /^what is held grows from \d+ to \d+ bytes$/,
  ],
];

t.test('what grows as it should passes', async (t) => {
  const { faults, ratio, copied, sizes } = await measured(LINEAR, FULL);
  t.strictSame(faults, []);
  t.ok(ratio! > 1.5 && ratio! < 2.5);
  t.ok(Math.abs(copied! - 10) < 1);
  t.ok(sizes.length >= 3, 'n, 2n and 4n at least');
  t.ok(sizes.at(-1)!.heldBytes >= 10 * sizes.at(-1)!.count, 'what is returned is held');
});

for (const [name, plan] of Object.entries({ FULL, QUICK })) {
  t.test(`${name}: a fault is found`, async (t) => {
    for (const [what, fault, found] of FAULTY) {
      const { faults } = await measured({ ...LINEAR, ...fault }, plan);
      t.ok(
        faults.some((text) => found.test(text)),
        `${what}: ${faults.join('; ')}`,
      );
    }
  });
}

t.test('a machine that is stopped now and then', async (t) => {
  t.teardown(() => {
    machine.awayMs = 0;
  });
  Object.assign(machine, { awayMs: 300, awayAfterMs: 10 });
  const square: CostCase['prepare'] = (count) => () => {
    work(count * count);
  };
  for (const plan of [FULL, QUICK]) {
    const { faults, ratio } = await measured(LINEAR, plan);
    t.strictSame(faults, []);
    t.ok(Math.abs(ratio! - 2) < 0.1, 'measured in runs that are not');
    const { faults: found } = await measured({ ...LINEAR, prepare: square, maxHeld: 0 }, plan);
    t.match(found, [/^processor time grows by [34]/], 'and a fault is found there, too');
  }
});

t.test('a step between two sizes is no growth', async (t) => {
  const prepare: CostCase['prepare'] = (count) => () => {
    work((count > 1000 ? 900 : 300) * count);
  };
  const step: CostCase = { name: 'step', count: 1000, prepare };
  t.match((await measured(step, QUICK)).faults, [/^processor time grows/], 'it looks like growth');
  t.strictSame((await measureQuick(step, machine)).faults, [], 'until more sizes are seen');
  t.strictSame((await measureQuick(LINEAR, machine)).sizes.length, QUICK.factors.length);
  const square: CostCase = { ...LINEAR, ...FAULTY[0]![1] };
  t.match((await measureQuick(square, machine)).faults, [/^processor time grows/]);
});

t.test(
  'memory at the worst moment',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async (t) => {
    const prepare = beside((count) => Buffer.alloc(100 * KIB * count, 1).length);
    const { faults } = await measured({ ...LINEAR, prepare, maxCopied: Infinity }, QUICK);
    t.match(faults, [/ bytes are needed for each, more than 1$/]);
  },
);

t.test('what a case has set up is undone, also when it fails', async (t) => {
  let open = 0;
  const counting: CostCase = {
    ...LINEAR,
    prepare: (count, cleanup) => {
      open++;
      cleanup(() => {
        open--;
      });
      return LINEAR.prepare(count, cleanup);
    },
  };
  await measured(counting, QUICK);
  t.equal(open, 0);
  const failing: CostCase = {
    ...counting,
    maxCopied: Infinity,
    prepare: async (count, cleanup) => {
      await counting.prepare(count, cleanup);
      return () => {
        throw new Error('it fails');
      };
    },
  };
  await t.rejects(measured(failing, QUICK), { message: 'it fails' });
  t.equal(open, 0);
});

t.test('a known fault is told as such', async (t) => {
  const { knownFault } = await measured({ ...LINEAR, knownFault: 'somebody mends it' }, QUICK);
  t.equal(knownFault, 'somebody mends it');
});

t.test('the table: each name once', async (t) => {
  const names = ALL_CASES.map(({ name }) => name);
  t.strictSame(
    names.filter((name, index) => names.indexOf(name) !== index),
    [],
  );
});

t.test(
  'the table: each file that takes input from outside has a case, or is named with a reason',
  async (t) => {
    const sources = typescriptIn('src');
    const measured = new Set(ALL_CASES.flatMap(({ files }) => files));
    const fileOf = (name: string): string => `src/${name}.ts`;
    for (const file of measured) t.ok(sources.includes(file), `${file} is there`);
    const named = [MEASURED_BY, NO_CASE].flatMap((list) => Object.values(list).flat().map(fileOf));
    t.strictSame(
      named.filter((file, index) => !sources.includes(file) || named.indexOf(file) !== index),
      [],
      'each is there, and named once',
    );
    t.strictSame(
      named.filter((file) => measured.has(file)),
      [],
      'one that has cases needs no reason',
    );
    const without = sources.filter((file) => !measured.has(file) && !named.includes(file));
    const isAt = (file: string, one: string): boolean =>
      one.endsWith('/') ? file.startsWith(one) : file === one;
    const reasons = Object.keys(NO_INPUT);
    t.strictSame(
      without.filter((file) => !reasons.some((one) => isAt(file, one))),
      [],
      'a new file has a case or a reason',
    );
    t.strictSame(
      reasons.filter((one) => !without.some((file) => isAt(file, one))),
      [],
      'each reason is needed',
    );
  },
);

t.test('the table: what is measured by another file is run by it', async (t) => {
  const measured = new Set(ALL_CASES.flatMap(({ files }) => files));
  const graph = await ImportGraph.of(typescriptIn('src'));
  for (const [caller, callees] of Object.entries(MEASURED_BY)) {
    t.ok(measured.has(`src/${caller}.ts`), `${caller} has cases`);
    const loaded = graph.loadedBy(`src/${caller}.ts`);
    t.strictSame(
      callees.filter((name) => !loaded.has(`src/${name}.ts`)),
      [],
      `${caller} loads them`,
    );
  }
});
