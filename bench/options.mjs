/** The options of the benchmark's command line. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BYSTANDER_PEERS } from './bystander.mjs';
import { CHURN_PEERS } from './churn.mjs';
import { parseSetting } from './deflate.mjs';
import { DRIBBLE_PEERS } from './dribble.mjs';
import { ECHO_PEERS } from './echo-peers.mjs';
import {
  DEFLATE_WORKLOADS,
  PROXY_WORKLOADS,
  RECORD_WORKLOADS,
  TWIST_FILE,
  WORKLOADS,
  nameDeflateWorkload,
  nameWorkload,
} from './plan.mjs';
import { RECORDER_NAMES } from './recording.mjs';
import { TLS_PEERS } from './tls.mjs';

/** @typedef {'echo' | 'idle' | 'deflate' | 'deflate-idle' | 'deflate-large' | 'proxy' | 'record' | 'tls' | 'workers' | 'churn' | 'dribble' | 'bystander'} Measurement */

/** @type {Record<Measurement, readonly string[]>} */
const PEERS_OF = {
  echo: ECHO_PEERS,
  idle: ['raw', 'ws', 'twist'],
  deflate: ['ws', 'twist', 'uws', 'uws-stock', 'zlib'],
  'deflate-idle': ['ws', 'twist'],
  'deflate-large': ['ws', 'twist'],
  proxy: ['pipe', 'twist', 'ws-proxy', 'websockify', 'websocat'],
  record: RECORDER_NAMES,
  workers: ['twist'],
  tls: TLS_PEERS,
  churn: CHURN_PEERS,
  dribble: DRIBBLE_PEERS,
  bystander: BYSTANDER_PEERS,
};
const ALL = /** @type {Measurement[]} */ (Object.keys(PEERS_OF));
/** The measurements that have loads to choose from. @type {readonly Measurement[]} */
const WITH_LOADS = ['echo', 'deflate', 'proxy', 'record'];
const PEERS = [...new Set(Object.values(PEERS_OF).flat())];

/** Peers that `--quick` measures if they are there. */
const QUICK_PEERS = ['raw', 'ws', 'twist', 'uws'];
const RESULTS = path.join(import.meta.dirname, 'results');
const PARTIAL_RESULTS = path.join(import.meta.dirname, '../reports/bench/page');

export const USAGE = `Usage: npm run bench -- [words] [options]

Words are measurements: ${ALL.join(', ')}
(default all of them). Two other words measure nothing: "peers" installs and builds the
peers, "page" writes the page and its charts again from the results that are there.

  --quick            one short round of everything: does it work; of echo, three rounds of
                     the main loads, beside raw, ws and what else is built
  --only LIST        the same as words
  --runs N           rounds of each load (default 5; at most 3 of idle, deflate-idle and deflate-large)
  --seconds S        measured time of each run (default 3, deflate-large 10; after a second of warm-up)
  --load TEXT        only loads of echo, deflate, proxy and record whose name contains TEXT, for instance "10 x 100, 64 B"
  --peers LIST       only these peers: ${PEERS.join(', ')}
  --node NODE        run what runs on Node on this one too: a file, or a version that npm installs, for instance 24;
                     may be given several times (all but deflate-idle, deflate-large and workers)
  --conns N          idle connections (default 10000; deflate-idle 5000)
  --idle-seconds S   how long they rest (deflate-idle, default 60)
  --levels LIST      levels of compression for twist and zlib, for instance 1,3,6, or with window bits as in
                     3,6/13 (default: twist's own; deflate-idle takes always that)
  --twist FILE       the twist to measure, for instance of another checkout (default bin/twist.js)
  --against FILE     another twist to compare it with, in the same rounds (echo, churn,
                     bystander); a second --twist is the same
  --results DIR      where results and the page go (default bench/results; reports/bench/page for a run that --quick,
                     --load, --peers, --levels, --twist or --against has narrowed)`;

/**
 * @typedef {object} Options
 * @property {readonly Measurement[]} measurements
 * @property {readonly string[]} peers names
 * @property {readonly string[]} echoPeers names
 * @property {readonly import('./plan.mjs').Workload[]} workloads
 * @property {readonly import('./plan.mjs').DeflateWorkload[]} deflateWorkloads
 * @property {readonly import('./plan.mjs').Workload[]} proxyWorkloads
 * @property {readonly import('./plan.mjs').Workload[]} recordWorkloads
 * @property {readonly import('./deflate.mjs').DeflateSetting[] | null} settings null: twist's own default
 * @property {string} twistFile
 * @property {string | null} againstFile
 * @property {readonly string[]} nodes other Nodes: files or versions
 * @property {boolean} mayBuild whether peers that are not there are installed or built
 * @property {string} resultsFolder
 * @property {'peers' | 'page' | null} errand something else than measuring
 * @property {string} load
 * @property {boolean} isQuick
 * @property {number} rounds
 * @property {number} echoRounds
 * @property {number} seconds
 * @property {number} warmupSeconds
 * @property {number} largeSeconds
 * @property {number} idleConns
 * @property {number} deflateConns
 * @property {number} idleSeconds
 */

/**
 * @returns {Options | null} null when help is asked for
 * @throws {Error} for a value that is not allowed
 */
export function readOptions() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      load: { type: 'string', default: '' },
      peers: { type: 'string' },
      node: { type: 'string', multiple: true, default: [] },
      conns: { type: 'string' },
      'idle-seconds': { type: 'string' },
      levels: { type: 'string' },
      twist: { type: 'string', multiple: true, default: [] },
      against: { type: 'string', multiple: true, default: [] },
      results: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const { quick, load } = values;
  const builds = readBuilds(values);
  const errand = ERRANDS.find((word) => positionals.includes(word)) ?? null;
  const words = positionals.filter((word) => word !== errand);
  const only = [...(values.only === undefined ? [] : [values.only]), ...words].join(',');
  const peers = values.peers === undefined ? PEERS : readList('peers', values.peers, PEERS);
  const loads = chooseLoads(load, quick);
  return {
    ...loads,
    ...builds,
    measurements: chooseMeasurements(only, load, peers, loads),
    errand,
    peers,
    echoPeers: quick && values.peers === undefined ? QUICK_PEERS : peers,
    settings: values.levels?.split(',').map(parseSetting) ?? null,
    nodes: values.node,
    // What is asked for by name is made, however quickly the rest has to go.
    mayBuild: !quick || values.peers !== undefined,
    resultsFolder: path.resolve(values.results ?? (isNarrow(values) ? PARTIAL_RESULTS : RESULTS)),
    load,
    isQuick: quick,
    ...readTimes(values),
  };
}

/**
 * @param {{ twist: readonly string[], against: readonly string[] }} values
 * @returns {{ twistFile: string, againstFile: string | null }}
 */
function readBuilds({ twist, against }) {
  const builds = [...(twist.length === 0 ? [TWIST_FILE] : twist), ...against];
  if (builds.length > 2) throw new Error('two builds of twist are compared, not more');
  const [twistFile = TWIST_FILE, againstFile] = builds.map((file) => path.resolve(file));
  return { twistFile, againstFile: againstFile ?? null };
}

/**
 * Whether a run measures less than everything, or something else: its results are not those of the project.
 * @param {{ quick: boolean, load: string, peers?: string | undefined, levels?: string | undefined,
 *   twist: readonly string[], against: readonly string[] }} values
 */
function isNarrow({ quick, load, peers, levels, twist, against }) {
  return (
    quick ||
    load !== '' ||
    [peers, levels].some((value) => value !== undefined) ||
    twist.length + against.length > 0
  );
}

/** @type {readonly ('peers' | 'page')[]} */
const ERRANDS = ['peers', 'page'];

/**
 * @param {string} load
 * @param {boolean} isQuick
 */
function chooseLoads(load, isQuick) {
  /** @param {import('./plan.mjs').Workload} workload */
  const isWanted = (workload) => nameWorkload(workload).includes(load);
  const workloads = WORKLOADS.filter(isWanted);
  return {
    workloads: isQuick && load === '' ? workloads.filter(({ isMain }) => isMain) : workloads,
    deflateWorkloads: DEFLATE_WORKLOADS.filter((each) => nameDeflateWorkload(each).includes(load)),
    proxyWorkloads: PROXY_WORKLOADS.filter(isWanted),
    recordWorkloads: RECORD_WORKLOADS.filter(isWanted),
  };
}

/**
 * @param {{ quick: boolean, runs?: string | undefined, seconds?: string | undefined, conns?: string | undefined,
 *   'idle-seconds'?: string | undefined }} values
 */
function readTimes({ quick, runs, seconds, conns, 'idle-seconds': idleSeconds }) {
  return {
    rounds: Math.ceil(positive('runs', runs, quick ? 1 : 5)),
    echoRounds: Math.ceil(positive('runs', runs, quick ? 3 : 5)),
    seconds: positive('seconds', seconds, quick ? 0.4 : 3),
    warmupSeconds: quick ? 0.5 : 1,
    largeSeconds: positive('seconds', seconds, quick ? 2 : 10),
    idleConns: Math.ceil(positive('conns', conns, quick ? 1000 : 10_000)),
    deflateConns: Math.ceil(positive('conns', conns, quick ? 500 : 5000)),
    idleSeconds: positive('idle-seconds', idleSeconds, quick ? 5 : 60),
  };
}

/**
 * @param {string} only
 * @param {string} load
 * @param {readonly string[]} peers
 * @param {ReturnType<typeof chooseLoads>} loads
 */
function chooseMeasurements(only, load, peers, loads) {
  /** @type {Partial<Record<Measurement, readonly unknown[]>>} */
  const loadsOf = {
    echo: loads.workloads,
    deflate: loads.deflateWorkloads,
    proxy: loads.proxyWorkloads,
    record: loads.recordWorkloads,
  };
  const withLoads = readMeasurements(only, load).filter((name) => loadsOf[name]?.length !== 0);
  if (withLoads.length === 0) {
    const names = [
      ...[...WORKLOADS, ...PROXY_WORKLOADS, ...RECORD_WORKLOADS].map(nameWorkload),
      ...DEFLATE_WORKLOADS.map(nameDeflateWorkload),
    ];
    throw new Error(`--load matches none of: ${[...new Set(names)].join('; ')}`);
  }
  const measurements = withLoads.filter((name) =>
    PEERS_OF[name].some((peer) => peers.includes(peer)),
  );
  if (measurements.length === 0) throw new Error('--peers leaves nothing to measure');
  return measurements;
}

/**
 * @param {string} only empty for all
 * @param {string} load which the idle measurements do not have
 */
function readMeasurements(only, load) {
  const wanted = only === '' ? ALL : readList('only', only, ALL);
  return load === '' ? wanted : wanted.filter((name) => WITH_LOADS.includes(name));
}

/**
 * @template {string} Name
 * @param {string} option
 * @param {string} text
 * @param {readonly Name[]} known
 * @returns {Name[]} in the order of the text
 */
function readList(option, text, known) {
  return text.split(',').map((word) => {
    const name = known.find((each) => each === word.trim());
    if (name === undefined)
      throw new Error(`--${option} takes a list of ${known.join(', ')}, not ${word}`);
    return name;
  });
}

/**
 * @param {string} name
 * @param {string | undefined} text
 * @param {number} otherwise
 */
function positive(name, text, otherwise) {
  const value = text === undefined ? otherwise : Number(text);
  if (!(value > 0 && value <= 100_000))
    throw new Error(`--${name} takes a number over 0, not ${text ?? ''}`);
  return value;
}
