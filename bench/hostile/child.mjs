/** Processes of the harness: started on a core, spoken to in lines, and ended for sure. */
import process from 'node:process';
import { createInterface } from 'node:readline';
import { clearTimeout, setTimeout } from 'node:timers';
import { startNode } from '../server-process.mjs';

/**
 * @typedef {object} Child
 * @property {number} pid
 * @property {(line: string) => void} tell
 * @property {(withinMs: number) => Promise<unknown>} hear the next line, which is JSON
 * @property {() => Promise<void>} end
 */

/**
 * @param {number} core
 * @param {string} file
 * @param {object} plan that it gets as JSON in its first argument
 * @param {number} [niceness]
 * @returns {Child}
 */
export function startChild(core, file, plan, niceness) {
  const child = startNode(core, [file, JSON.stringify(plan)], niceness);
  let complaint = '';
  child.stderr.on('data', (/** @type {Buffer} */ data) => {
    if (complaint.length < 4000) complaint += data.toString();
  });
  child.stdin.on('error', () => undefined);
  /** @type {Promise<void>} */
  const exited = new Promise((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    tell: (line) => {
      child.stdin.write(`${line}\n`);
    },
    hear: async (withinMs) => {
      const timer = setTimeout(() => {
        complaint += `it said nothing for ${withinMs} ms`;
        child.kill('SIGKILL');
      }, withinMs);
      const line = await lines.next();
      clearTimeout(timer);
      if (line.done === true) {
        await exited;
        throw new Error(`${file}: ${complaint.trim() || 'it ended'}`);
      }
      /** @type {unknown} */
      const said = JSON.parse(line.value);
      return said;
    },
    end: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** The plan that this process was started with. */
export function readPlan() {
  /** @type {unknown} */
  const plan = JSON.parse(process.argv[2] ?? '{}');
  return plan;
}

/** @param {unknown} value one line for whoever has started this process */
export function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/**
 * Takes the lines that this process is told; it ends when nobody is there to tell it more.
 * @param {(line: string) => void} take
 */
export function listenForLines(take) {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', take);
  lines.on('close', () => process.exit(0));
}
