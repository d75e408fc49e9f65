/**
 * What it costs to let twice, four times and eight times as much come: processor time, bytes copied, and
 * memory. All of them must grow as what comes does.
 *
 * Processor time is that of the whole process, and a machine has other work to do. So each size is measured several
 * times, the least counts, and who fails is measured again: noise only ever adds. A virtual machine that its host stops
 * for tenths of a second counts those, too; what fails there is measured in runs that are shorter than what lies between.
 */
import { Buffer } from 'node:buffer';
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { copyBytes, viewOf } from '../../src/protocol/bytes.js';
import { unmask } from '../../src/protocol/masking.js';
import { countCopies } from '../fixtures/copy-count.js';
import type { CostCase } from './case.js';

/** How many times as much processor time twice as much may take. */
export const MAX_RATIO = 2.5;

export interface Plan {
  /** Sizes, as multiples of the case's own. */
  readonly factors: readonly number[];
  /** How much more processor time the larger of two sizes may take, for sizes that are twice each other. */
  readonly maxRatio: number;
  /** Each size is measured so often, at least. */
  readonly rounds: number;
  /** And so often, as long as it fails. */
  readonly maxRounds: number;
  /** Further sizes, each of twice as much, as long as the largest took less than this, in milliseconds. */
  readonly cheapMs: number;
  /** Memory is looked at only where a case has a bound for it, and copies at the largest size: most of the time goes there. */
  readonly isShort: boolean;
}

/** What is measured with. */
export interface Machine {
  /** Processor time of this process so far, in milliseconds. */
  processorMs(): number;
  /** Whether it is stopped every now and then, and time passes in leaps. */
  isStoppedAtTimes(): boolean;
}

/** The whole measurement. */
export const FULL: Plan = {
  factors: [1, 2, 4],
  maxRatio: MAX_RATIO,
  rounds: 3,
  maxRounds: 12,
  cheapMs: 60,
  isShort: false,
};

/** The short form, for a machine that others use: quadratic costs are 16 times as much, linear ones 4. */
export const QUICK: Plan = {
  factors: [1, 4],
  maxRatio: Math.sqrt(8),
  rounds: 1,
  maxRounds: 10,
  cheapMs: 0,
  isShort: true,
};

/** What fails in the short form is looked at again with more sizes: one step between two looks like growth. */
const SECOND_LOOK: Plan = { ...FULL, isShort: true };

/** Processor time of less than that, in milliseconds, is too little to be compared. */
const MIN_MS = 2;

/** What takes less is taken for that much: it cannot be told from noise. */
const LEAST_MS = 0.05;

/** Short runs are repeated until they have taken so long together, in milliseconds. */
const SAMPLE_MS = 4;
const MAX_RUNS = 50;

/** Of no noise: after some rounds with as much nothing is measured again. */
const HOPELESS_RATIO = 3.3;
const SURE_ROUNDS = 3;

/** A run of this much processor time, in milliseconds, has a good chance not to be stopped. */
const SHORT_RUN_MS = 6;
const SHORT_ROUNDS = 30;

/** One of more than this has none. */
const LONG_RUN_MS = 40;

/** No processor is away for longer from somebody who only counts, in milliseconds, but on a machine that is shared. */
const GAP_MS = 3;
const WATCHED_MS = 300;
const MAX_GAPS_SHARE = 0.05;

/** The most sizes. */
const MAX_SIZES = 6;

/** No larger size is tried after a run of so many milliseconds. */
const MAX_RUN_MS = 4000;

/** A run must end by then; whatever it waits for will not come. */
const PATIENCE_MS = 60_000;

/** Live memory may differ by so much without a reason in the case: slabs, the buffer of large messages, compiled code. */
const HELD_SLACK_BYTES = 1536 * 1024;

/** What the runtime's own memory may grow by meanwhile: code, garbage, pages that the allocator keeps. */
const PEAK_SLACK_BYTES = 32 * 1024 * 1024;

/** What needs less than that may have found it among what the runtime had at hand. */
const LEAST_PEAK_BYTES = 8 * 1024 * 1024;

export interface Size {
  readonly count: number;
  /** The least that was seen, in milliseconds. */
  cpuMs: number;
  /** Live objects and buffers that the run has added. */
  heldBytes: number;
  /** By how much resident memory was larger at the worst moment; null where the system does not tell. */
  peakBytes: number | null;
}

export interface Outcome {
  readonly name: string;
  readonly files: readonly string[];
  readonly sizes: readonly Size[];
  /** How much more processor time twice as much takes; null when there is too little to be compared. */
  readonly ratio: number | null;
  /** Bytes copied for each of what comes; null when nobody asked. */
  readonly copied: number | null;
  /** What is not as it should be, one sentence each. */
  readonly faults: readonly string[];
  readonly knownFault: string | null;
}

const THIS_MACHINE: Machine = {
  processorMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  isStoppedAtTimes: () => {
    const sinceMs = performance.now();
    let lostMs = 0;
    let lastMs = sinceMs;
    while (lastMs - sinceMs < WATCHED_MS) {
      const nowMs = performance.now();
      if (nowMs - lastMs > GAP_MS) lostMs += nowMs - lastMs;
      lastMs = nowMs;
    }
    return lostMs > MAX_GAPS_SHARE * (lastMs - sinceMs);
  },
};

const makeSize = (count: number, cpuMs = Infinity): Size => ({
  count,
  cpuMs,
  heldBytes: 0,
  peakBytes: null,
});

/** Measures a case. @throws what its run throws */
export async function measure(
  one: CostCase & { readonly files?: readonly string[] },
  plan: Plan,
  machine: Machine = THIS_MACHINE,
): Promise<Outcome> {
  const faults: string[] = [];
  const copied = one.maxCopied === undefined ? null : await findCopied(one, plan, faults);
  // The first runs pay for compilation.
  for (let warm = plan.isShort ? 1 : 0; warm < 2; warm++) await sampleCpu(one, one.count, machine);
  const sizes = plan.factors.map((factor) => makeSize(one.count * factor));
  const ratio = await measureRatio(one, plan, sizes, machine);
  const hasBound = one.maxHeld !== undefined || one.maxPeak !== undefined;
  if (hasBound || !plan.isShort) for (const size of sizes.slice(-2)) await measureMemory(one, size);
  if (ratio !== null && !isWithin(ratio, plan))
    faults.push(`processor time grows by ${ratio.toFixed(2)} where twice as much comes`);
  faults.push(...findMemoryFaults(one, sizes));
  return {
    name: one.name,
    files: one.files ?? [],
    sizes,
    ratio,
    copied,
    faults,
    knownFault: one.knownFault ?? null,
  };
}

/**
 * Measures a case in the short form, and with more sizes where that finds a fault.
 *
 * @throws what its run throws
 */
export async function measureQuick(
  one: CostCase & { readonly files?: readonly string[] },
  machine: Machine = THIS_MACHINE,
): Promise<Outcome> {
  const outcome = await measure(one, QUICK, machine);
  return outcome.faults.length === 0 ? outcome : await measure(one, SECOND_LOOK, machine);
}

async function findCopied(one: CostCase, plan: Plan, faults: string[]): Promise<number> {
  let most = 0;
  for (const factor of plan.isShort ? plan.factors.slice(-1) : plan.factors) {
    const count = one.count * factor;
    const bytes = await withRun(one, count, async (run) => await countCopies(run));
    most = Math.max(most, bytes / count);
  }
  if (most > one.maxCopied!)
    faults.push(`${most.toFixed(1)} bytes are copied for each, more than ${one.maxCopied!}`);
  return most;
}

/** Measures these sizes, and smaller ones where the machine has to be blamed. */
async function measureRatio(
  one: CostCase,
  plan: Plan,
  sizes: Size[],
  machine: Machine,
): Promise<number | null> {
  await measureCpu(one, plan, sizes, machine);
  const ratio = ratioOf(sizes);
  if (isWithin(ratio, plan) || !machine.isStoppedAtTimes()) return ratio;
  return await measureInShortRuns(one, plan, machine);
}

async function measureCpu(
  one: CostCase,
  plan: Plan,
  sizes: Size[],
  machine: Machine,
): Promise<void> {
  for (let round = 0; round < plan.maxRounds; round++) {
    if (round >= plan.rounds && !isUndecided(ratioOf(sizes), plan, round)) break;
    for (const [index, size] of sizes.entries()) {
      const smaller = sizes[index - 1];
      if (smaller !== undefined && smaller.cpuMs > MAX_RUN_MS) {
        sizes.length = index;
        break;
      }
      size.cpuMs = Math.min(size.cpuMs, await sampleCpu(one, size.count, machine));
    }
    while (round === 0 && sizes.length < MAX_SIZES && sizes.at(-1)!.cpuMs < plan.cheapMs) {
      const count = sizes.at(-1)!.count * 2;
      if (count > (one.maxCount ?? Infinity)) break;
      sizes.push(makeSize(count, await sampleCpu(one, count, machine)));
    }
  }
}

/** Whether another round may bring another verdict. */
function isUndecided(ratio: number | null, plan: Plan, round: number): boolean {
  if (ratio === null || isWithin(ratio, plan)) return false;
  return ratio < HOPELESS_RATIO || round < SURE_ROUNDS;
}

function isWithin(ratio: number | null, { maxRatio }: Plan): boolean {
  return ratio === null || ratio <= maxRatio;
}

/**
 * Measures smaller sizes, until the largest of them takes little time.
 *
 * @returns how much more twice as much takes; null when there is too little to be compared
 */
async function measureInShortRuns(
  one: CostCase,
  plan: Plan,
  machine: Machine,
): Promise<number | null> {
  for (let divisor = 1; ; divisor *= 2) {
    const count = Math.ceil(one.count / divisor);
    const sizes = plan.factors.map((factor) => makeSize(count * factor));
    const largest = sizes.at(-1)!;
    for (let round = 0; round < SHORT_ROUNDS; round++) {
      for (const size of sizes)
        size.cpuMs = Math.min(size.cpuMs, ...(await runForAWhile(one, size.count, machine)));
      const ratio = ratioOf(sizes);
      if (isWithin(ratio, plan)) return ratio;
      if (largest.cpuMs > LONG_RUN_MS) break;
    }
    if (largest.cpuMs < SHORT_RUN_MS || count === 1) return ratioOf(sizes);
  }
}

/** @returns the mean of some runs, in milliseconds */
async function sampleCpu(one: CostCase, count: number, machine: Machine): Promise<number> {
  const samples = await runForAWhile(one, count, machine);
  return samples.reduce((sum, ms) => sum + ms, 0) / samples.length;
}

/** @returns what each run took, in milliseconds */
async function runForAWhile(one: CostCase, count: number, machine: Machine): Promise<number[]> {
  const samples: number[] = [];
  for (let sum = 0; samples.length < MAX_RUNS && sum < SAMPLE_MS;) {
    const ms = await withRun(one, count, async (run) => {
      const before = machine.processorMs();
      await inTime(one, run());
      return machine.processorMs() - before;
    });
    samples.push(ms);
    sum += ms;
  }
  return samples;
}

/** Sets a run up, uses it and undoes what was set up. */
async function withRun<T>(
  one: CostCase,
  count: number,
  use: (run: () => unknown) => Promise<T>,
): Promise<T> {
  const undos: (() => unknown)[] = [];
  try {
    return await use(await one.prepare(count, (undo) => undos.push(undo)));
  } finally {
    for (const undo of undos.reverse()) await undo();
  }
}

async function inTime(one: CostCase, result: unknown): Promise<unknown> {
  if (!(result instanceof Promise)) return result;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${one.name}: it does not end`));
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Memory in use after all garbage is gone. */
async function liveBytes(): Promise<number> {
  // The buffers that were unmasked, copied from and sent back last are remembered: in a server it is the one that all
  // reads go to.
  const other = Buffer.from(new ArrayBuffer(64));
  unmask(other, 0, 64, 1);
  copyBytes(other, 0, 32, other, new Int32Array(other.buffer, 0, 16), 32);
  viewOf(other);
  // What was awaited last is let go with the turn, and buffers are given back once their objects are gone.
  for (let round = 0; round < 3; round++) {
    await new Promise(setImmediate);
    collectGarbage();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function measureMemory(one: CostCase, size: Size): Promise<void> {
  await withRun(one, size.count, async (run) => {
    const before = await liveBytes();
    const resident = resetPeak();
    const kept = await inTime(one, run());
    if (resident !== null) size.peakBytes = Math.max(0, readStatus('VmHWM') - resident);
    size.heldBytes = Math.max(0, (await liveBytes()) - before);
    keepAlive(kept);
  });
}

/** What the run returned is there until here. */
function keepAlive(kept: unknown): void {
  if (kept === keepAlive) throw new Error('nobody returns this');
}

/** @returns resident memory now, which is from now on the most that there was; null where that cannot be had */
function resetPeak(): number | null {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
    return readStatus('VmRSS');
  } catch {
    return null;
  }
}

function readStatus(name: string): number {
  const line = new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'latin1'));
  return Number(line?.[1] ?? 0) * 1024;
}

/**
 * How much more twice as much takes, as a mean up to the largest size: from the smallest, and from that which is a
 * quarter of it. The lesser counts: a step that the machine makes, where memory is no longer in a cache, is no growth,
 * and what a smaller size is too quick for to be told. Null where there is too little to be compared.
 */
function ratioOf(sizes: readonly Size[]): number | null {
  const largest = sizes.at(-1)!;
  if (largest.cpuMs < MIN_MS || sizes.length === 1) return null;
  const quarter = sizes.findLast(({ count }) => count * 4 <= largest.count) ?? sizes[0]!;
  return Math.min(meanRatio(sizes[0]!, largest), meanRatio(quarter, largest));
}

function meanRatio(smaller: Size, larger: Size): number {
  const growth = larger.cpuMs / Math.max(smaller.cpuMs, LEAST_MS);
  return growth ** (1 / Math.log2(larger.count / smaller.count));
}

function findMemoryFaults(one: CostCase, sizes: readonly Size[]): string[] {
  const faults: string[] = [];
  const { count, heldBytes, peakBytes } = sizes.at(-1)!;
  const held = (heldBytes - HELD_SLACK_BYTES) / count;
  if (one.maxHeld !== undefined && held > one.maxHeld)
    faults.push(`${held.toFixed(1)} bytes are held for each, more than ${one.maxHeld}`);
  const peak = ((peakBytes ?? 0) - PEAK_SLACK_BYTES) / count;
  if (one.maxPeak !== undefined && peak > one.maxPeak)
    faults.push(`${peak.toFixed(1)} bytes are needed for each, more than ${one.maxPeak}`);
  const smaller = sizes.at(-2);
  if (smaller === undefined) return faults;
  const times = MAX_RATIO ** Math.log2(count / smaller.count);
  if (heldBytes > times * smaller.heldBytes + HELD_SLACK_BYTES)
    faults.push(`what is held grows from ${smaller.heldBytes} to ${heldBytes} bytes`);
  const smallerPeak = smaller.peakBytes ?? 0;
  if (smallerPeak > LEAST_PEAK_BYTES && (peakBytes ?? 0) > times * smallerPeak + PEAK_SLACK_BYTES)
    faults.push(`what is needed grows from ${smallerPeak} to ${peakBytes ?? 0} bytes`);
  return faults;
}
