/** What a profile of V8 says in a page of text. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatTable } from './report.mjs';

/**
 * @typedef {object} ProfileNode a function, called along one path
 * @property {number} id
 * @property {{ functionName: string, url: string, lineNumber: number }} callFrame lines count from 0, -1 has none
 * @property {{ line: number, ticks: number }[]} [positionTicks] lines count from 1
 */

/**
 * @typedef {object} Profile
 * @property {ProfileNode[]} nodes
 * @property {number} startTime in us of the monotonic clock
 * @property {number[]} samples ids of the functions that ran
 * @property {number[]} timeDeltas in us, before each sample
 */

/**
 * @typedef {object} SummaryOptions
 * @property {number} fromUs what was before does not count
 * @property {number} toUs what came after does not count
 * @property {number} top how many functions and lines
 * @property {string} root paths are relative to it
 */

const IDLE = '(idle)';
const WIDEST_CODE = 90;

/**
 * @param {Profile} profile
 * @param {SummaryOptions} options
 * @returns {string} shares are of the time in which the server was not idle
 */
export function summarizeProfile(profile, { fromUs, toUs, top, root }) {
  const sources = new Sources(root);
  const selfUs = selfTimes(profile, fromUs, toUs);
  const busyUs = profile.nodes.reduce(
    (sum, { id, callFrame }) =>
      callFrame.functionName === IDLE ? sum : sum + (selfUs.get(id) ?? 0),
    0,
  );
  if (busyUs === 0) return 'No sample lies in the measured time.';
  /** @param {number} us */
  const share = (us) => `${((100 * us) / busyUs).toFixed(1)} %`;

  /** @type {Map<string, number>} */
  const kinds = new Map();
  /** @type {Map<string, { name: string, place: string, us: number }>} */
  const functions = new Map();
  for (const { id, callFrame } of profile.nodes) {
    const us = selfUs.get(id) ?? 0;
    if (us === 0 || callFrame.functionName === IDLE) continue;
    const kind = kindOf(callFrame);
    kinds.set(kind, (kinds.get(kind) ?? 0) + us);
    const place = sources.describe(callFrame.url, callFrame.lineNumber + 1);
    const name = callFrame.functionName === '' ? '(anonymous)' : callFrame.functionName;
    const known = functions.get(`${name} ${place}`);
    if (known === undefined) functions.set(`${name} ${place}`, { name, place, us });
    else known.us += us;
  }
  const byTime = [...functions.values()].sort((a, b) => b.us - a.us).slice(0, top);
  return [
    formatTable([
      ['where the time goes', 'share'],
      ...[...kinds].sort((a, b) => b[1] - a[1]).map(([kind, us]) => [kind, share(us)]),
    ]),
    formatTable([
      ['function', 'self', 'where'],
      ...byTime.map(({ name, place, us }) => [name, share(us), place]),
    ]),
    lineTable(profile, sources, top),
  ].join('\n\n');
}

/**
 * @param {Profile} profile
 * @param {number} fromUs
 * @param {number} toUs
 * @returns {Map<number, number>} by the node's id, in us
 */
function selfTimes({ samples, timeDeltas, startTime }, fromUs, toUs) {
  /** @type {Map<number, number>} */
  const times = new Map();
  let nowUs = startTime;
  for (const [index, id] of samples.entries()) {
    nowUs += timeDeltas[index] ?? 0;
    // A sample stands for the time up to the next one.
    const lastsUs = Math.max(timeDeltas[index + 1] ?? 0, 0);
    if (nowUs >= fromUs && nowUs < toUs) times.set(id, (times.get(id) ?? 0) + lastsUs);
  }
  return times;
}

/**
 * The lines that were met most often, of the whole run: lines have no times.
 * @param {Profile} profile
 * @param {Sources} sources
 * @param {number} top
 */
function lineTable({ nodes }, sources, top) {
  /** @type {Map<string, { url: string, line: number, ticks: number }>} */
  const lines = new Map();
  let all = 0;
  for (const { callFrame, positionTicks = [] } of nodes) {
    if (callFrame.functionName === IDLE) continue;
    for (const { line, ticks } of positionTicks) {
      all += ticks;
      if (!callFrame.url.startsWith('file:')) continue;
      const key = `${callFrame.url}:${line}`;
      const known = lines.get(key);
      if (known === undefined) lines.set(key, { url: callFrame.url, line, ticks });
      else known.ticks += ticks;
    }
  }
  const byTicks = [...lines.values()].sort((a, b) => b.ticks - a.ticks).slice(0, top);
  return formatTable([
    ['line, of the whole run', 'self', 'code'],
    ...byTicks.map(({ url, line, ticks }) => [
      sources.describe(url, line),
      `${((100 * ticks) / all).toFixed(1)} %`,
      sources.code(url, line).replaceAll('|', '\\|'),
    ]),
  ]);
}

/** @param {ProfileNode['callFrame']} callFrame */
function kindOf({ functionName, url }) {
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (functionName === '(program)') return 'outside of JavaScript: event loop, system calls of it';
  if (url.startsWith('node:')) return "Node's own JavaScript";
  if (url.startsWith('wasm:')) return 'WebAssembly';
  if (url === '') return 'native functions, with their system calls';
  return "twist's JavaScript";
}

/** The files that profiles name; in a bundle, the module that a line comes from. */
class Sources {
  #root;
  /** @type {Map<string, { lines: string[], modules: (string | undefined)[] }>} */
  #files = new Map();

  /** @param {string} root */
  constructor(root) {
    this.#root = root;
  }

  /**
   * @param {string} url
   * @param {number} line from 1
   */
  describe(url, line) {
    if (!url.startsWith('file:')) return line > 0 && url !== '' ? `${url}:${line}` : url;
    const place = `${path.relative(this.#root, fileURLToPath(url))}:${line}`;
    const module = this.#read(url).modules[line - 1];
    return module === undefined ? place : `${module} (${place})`;
  }

  /**
   * @param {string} url
   * @param {number} line from 1
   */
  code(url, line) {
    return (this.#read(url).lines[line - 1] ?? '').trim().slice(0, WIDEST_CODE);
  }

  /** @param {string} url */
  #read(url) {
    const known = this.#files.get(url);
    if (known !== undefined) return known;
    const file = fileURLToPath(url);
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    /** @type {string | undefined} */
    let module;
    // The bundler writes the path of each module above it.
    const modules = lines.map((line) => {
      const found = /^\s*\/\/ ((?:src|node_modules)\/\S+)$/.exec(line);
      if (found) module = found[1];
      return module;
    });
    const read = { lines, modules };
    this.#files.set(url, read);
    return read;
  }
}
