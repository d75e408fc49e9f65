/** The options of the benchmark's command line. */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parseSetting } from './deflate.mjs';
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

/** @typedef {'echo' | 'idle' | 'deflate' | 'deflate-idle' | 'deflate-large' | 'proxy' | 'record' | 'tls' | 'workers'} Measurement */

/** @type {Record<Measurement, readonly string[]>} */
const PEERS_OF = {
  echo: ['raw', 'ws', 'twist'],
  idle: ['raw', 'ws', 'twist'],
  deflate: ['ws', 'twist', 'zlib'],
  'deflate-idle': ['ws', 'twist'],
  'deflate-large': ['ws', 'twist'],
  proxy: ['pipe', 'twist', 'ws-proxy', 'websockify', 'websocat'],
  record: RECORDER_NAMES,
  workers: ['twist'],
  tls: TLS_PEERS,
};
const ALL = /** @type {Measurement[]} */ (Object.keys(PEERS_OF));
/** The measurements that have loads to choose from. @type {readonly Measurement[]} */
const WITH_LOADS = ['echo', 'deflate', 'proxy', 'record'];
const PEERS = [...new Set(Object.values(PEERS_OF).flat())];

export const USAGE = `Usage: npm run bench -- [options]

  --quick            one short round of everything: does it work
  --only LIST        some of the measurements: ${ALL.join(', ')}
  --runs N           rounds of each load (default 5; at most 3 of idle, deflate-idle and deflate-large)
  --seconds S        measured time of each run (default 3, deflate-large 10; after a second of warm-up)
  --load TEXT        only loads of echo, deflate, proxy and record whose name contains TEXT, for instance "10 x 100, 64 B"
  --peers LIST       only these peers: ${PEERS.join(', ')}
  --conns N          idle connections (default 10000; deflate-idle 5000)
  --idle-seconds S   how long they rest (deflate-idle, default 60)
  --levels LIST      levels of compression for twist and zlib, for instance 1,3,6, or with window bits as in
                     3,6/13 (default: twist's own; deflate-idle takes always that)
  --twist FILE       the twist to measure, for instance of another checkout (default bin/twist.js)`;

/**
 * @typedef {object} Options
 * @property {readonly Measurement[]} measurements
 * @property {readonly string[]} peers names
 * @property {readonly import('./plan.mjs').Workload[]} workloads
 * @property {readonly import('./plan.mjs').DeflateWorkload[]} deflateWorkloads
 * @property {readonly import('./plan.mjs').Workload[]} proxyWorkloads
 * @property {readonly import('./plan.mjs').Workload[]} recordWorkloads
 * @property {readonly import('./deflate.mjs').DeflateSetting[] | null} settings null: twist's own default
 * @property {string} twistFile
 * @property {string} load
 * @property {number} rounds
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
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      load: { type: 'string', default: '' },
      peers: { type: 'string', default: PEERS.join(',') },
      conns: { type: 'string' },
      'idle-seconds': { type: 'string' },
      levels: { type: 'string' },
      twist: { type: 'string', default: TWIST_FILE },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  const { quick, load } = values;
  const workloads = WORKLOADS.filter((workload) => nameWorkload(workload).includes(load));
  const deflateWorkloads = DEFLATE_WORKLOADS.filter((workload) =>
    nameDeflateWorkload(workload).includes(load),
  );
  const proxyWorkloads = PROXY_WORKLOADS.filter((workload) =>
    nameWorkload(workload).includes(load),
  );
  const recordWorkloads = RECORD_WORKLOADS.filter((workload) =>
    nameWorkload(workload).includes(load),
  );
  const peers = readList('peers', values.peers, PEERS);
  const withLoads = readMeasurements(values.only, load).filter((name) => {
    if (name === 'echo') return workloads.length > 0;
    if (name === 'proxy') return proxyWorkloads.length > 0;
    if (name === 'record') return recordWorkloads.length > 0;
    return name !== 'deflate' || deflateWorkloads.length > 0;
  });
  if (withLoads.length === 0) {
    const names = [
      ...WORKLOADS.map(nameWorkload),
      ...DEFLATE_WORKLOADS.map(nameDeflateWorkload),
      ...PROXY_WORKLOADS.map(nameWorkload),
      ...RECORD_WORKLOADS.map(nameWorkload),
    ];
    throw new Error(`--load matches none of: ${[...new Set(names)].join('; ')}`);
  }
  const measurements = withLoads.filter((name) =>
    PEERS_OF[name].some((peer) => peers.includes(peer)),
  );
  if (measurements.length === 0)
    throw new Error(`--peers ${values.peers} leaves nothing to measure`);
  return {
    measurements,
    peers,
    workloads,
    deflateWorkloads,
    proxyWorkloads,
    recordWorkloads,
    settings: values.levels?.split(',').map(parseSetting) ?? null,
    twistFile: path.resolve(values.twist),
    load,
    rounds: Math.ceil(positive('runs', values.runs, quick ? 1 : 5)),
    seconds: positive('seconds', values.seconds, quick ? 0.5 : 3),
    warmupSeconds: quick ? 0.5 : 1,
    largeSeconds: positive('seconds', values.seconds, quick ? 2 : 10),
    idleConns: Math.ceil(positive('conns', values.conns, quick ? 1000 : 10_000)),
    deflateConns: Math.ceil(positive('conns', values.conns, quick ? 500 : 5000)),
    idleSeconds: positive('idle-seconds', values['idle-seconds'], quick ? 5 : 60),
  };
}

/**
 * @param {string | undefined} only
 * @param {string} load which the idle measurements do not have
 */
function readMeasurements(only, load) {
  const wanted = only === undefined ? ALL : readList('only', only, ALL);
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
