/**
 * The benchmark: `npm run bench -- [options]`, described in bench/README.md. It measures and prints, and judges nothing.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { measureDeflateIdle } from './deflate-idle.mjs';
import { measureLarge, measureSlices } from './deflate-large.mjs';
import { formatDeflate, formatDeflateIdle, formatLarge, formatSlices } from './deflate-report.mjs';
import { formatBystander, measureBystander } from './bystander.mjs';
import { findChurnPeers, formatChurn, measureChurn } from './churn.mjs';
import { formatDribble, measureDribble } from './dribble.mjs';
import { findDeflatePeers, measureDeflate, readDefaultSetting } from './deflate.mjs';
import { findEchoPeers } from './echo-peers.mjs';
import { formatEchoRecord, formatEchoVerdicts, intervalNote } from './echo-report.mjs';
import { measureEcho } from './echo.mjs';
import { measureIdle } from './idle.mjs';
import { describeMachine, describeTwist } from './machine.mjs';
import { USAGE, readOptions } from './options.mjs';
import {
  DEFLATE_IDLE_AIM,
  IDLE_GOALS,
  WS_WITH_DEFLATE,
  nameDeflateWorkload,
  nameWorkload,
  plainPeers,
  twistPeer,
} from './plan.mjs';
import { onNodes } from './on-nodes.mjs';
import { comeFirst } from './priority.mjs';
import { findStored, storedNames } from './peer-store.mjs';
import { findProxies, measureProxy } from './proxy.mjs';
import { RECORDER_NAMES, measureRecording } from './recording.mjs';
import {
  formatEcho,
  formatHandshakes,
  formatIdle,
  formatProxy,
  formatProxyRatios,
  formatRecording,
  formatWorkers,
  writeReport,
} from './report.mjs';
import { keepResult, writePage } from './results.mjs';
import { measureTls } from './tls.mjs';
import { canPin } from './server-process.mjs';
import { measureWorkers } from './workers.mjs';

/** Before other programs of the machine, where that is allowed: they would be measured as well. */
const NICENESS = -10;

/** @typedef {import('./options.mjs').Options} Options */

/**
 * @typedef {object} Measured
 * @property {string} report for the terminal
 * @property {unknown} data
 */

/** @type {Record<import('./options.mjs').Measurement, (options: Options) => Promise<Measured>>} */
const MEASUREMENTS = {
  echo: runEcho,
  idle: runIdle,
  deflate: runDeflate,
  'deflate-idle': runDeflateIdle,
  'deflate-large': runDeflateLarge,
  proxy: runProxy,
  record: runRecord,
  workers: runWorkers,
  tls: runTls,
  churn: runChurn,
  dribble: runDribble,
  bystander: runBystander,
};

try {
  await main();
} catch (error) {
  process.stderr.write(`\nbench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main() {
  const options = readOptions();
  if (options === null) {
    print(USAGE);
    return;
  }
  if (!existsSync('/proc/self/status')) {
    throw new Error(
      'the processor time and memory of a server are read from /proc, which needs Linux',
    );
  }
  if (options.errand === 'peers') {
    preparePeers();
    return;
  }
  if (options.errand === 'page') {
    print(path.relative('.', writePage(options.resultsFolder)));
    return;
  }
  const machine = describeMachine();
  comeFirst(NICENESS);
  const twist = describeTwist(options.twistFile);
  print(`${machine.date}, Node ${machine.node}, ${machine.processor}, ${machine.system}`);
  print(`$ ${machine.command}`);
  print(
    canPin
      ? 'Server on core 0, client on core 1.'
      : 'NOT PINNED: without taskset and two cores, server and client disturb each other.',
  );
  /** @type {Record<string, unknown>} */
  const results = {};
  let page = '';
  for (const measurement of options.measurements) {
    const { report, data } = await MEASUREMENTS[measurement](options);
    print(`\n${report}`);
    results[measurement] = data;
    const lines = report.split('\n');
    const kept = { measurement, machine, isPinned: canPin, twist, report: lines, data };
    keepResult(options.resultsFolder, kept);
    page = writePage(options.resultsFolder);
  }
  print(`\nEvery run: ${writeReport({ machine, isPinned: canPin, twist, ...results })}`);
  print(`Tables and charts: ${path.relative('.', page)}`);
}

/** Installs and builds every peer that can be had here, and says how to get the others. */
function preparePeers() {
  for (const name of storedNames()) {
    const found = findStored(name, true);
    print(typeof found === 'string' ? found : `${name}: ${found.version}`);
  }
}

/** @param {Options} options */
async function runEcho(options) {
  const { peers, missing } = findEchoPeers({ ...options, peers: options.echoPeers });
  for (const line of missing) print(line);
  /** @type {import('./echo.mjs').EchoResult[]} */
  const results = [];
  const { echoRounds: rounds, seconds } = options;
  for (const workload of options.workloads) {
    process.stderr.write(`${nameWorkload(workload)} `);
    results.push(await measureEcho(peers, workload, { ...options, rounds }));
  }
  const data = {
    rounds,
    seconds,
    missing,
    peers: peers.map(({ name, version, floor = 'raw' }) => ({ name, version, floor })),
    results,
  };
  return {
    report: `Echo, medians of ${rounds} rounds of ${seconds} s\n\n${formatEchoRecord(data, options.isQuick)}`,
    data,
  };
}

/** @param {Options} options */
async function runIdle(options) {
  process.stderr.write('idle ');
  const peers = onNodes(chosen(plainPeers(options.twistFile), options), options.nodes);
  const rounds = Math.min(options.rounds, 3);
  const result = await measureIdle(peers, { rounds, conns: options.idleConns });
  return {
    report:
      `Idle: resident memory a connection, median of ${rounds} rounds\n\n` +
      formatIdle(result, namesOf(peers), IDLE_GOALS),
    data: result,
  };
}

/** @param {Options} options */
async function runDeflate(options) {
  const { peers, missing } = findDeflatePeers(options.peers, options);
  for (const line of missing) print(line);
  const byDefault = readDefaultSetting(options.twistFile);
  const settings = options.settings ?? [byDefault];
  /** @type {import('./deflate.mjs').DeflateResult[]} */
  const results = [];
  for (const workload of options.deflateWorkloads) {
    process.stderr.write(`${nameDeflateWorkload(workload)}, compressed `);
    results.push(await measureDeflate(workload, { ...options, peers, settings }));
  }
  return {
    report:
      `Deflate: server processor time a message, ${roundsOf(options)} twist, zlib and uws have level ` +
      `${settings.map(({ name }) => name).join(', ')}, ws and uws-stock zlib's 6.\n\n` +
      formatDeflate(results, peers),
    data: results,
  };
}

/**
 * What a reader has to know of the figures.
 * @param {{ rounds: number, seconds: number }} options
 */
function roundsOf({ rounds, seconds }) {
  return `median of ${rounds} rounds of ${seconds} s. ${intervalNote({ rounds })}`;
}

/** @param {Options} options */
async function runDeflateIdle(options) {
  process.stderr.write('deflate-idle ');
  const peers = chosen([WS_WITH_DEFLATE, twistPeer(options.twistFile)], options);
  const rounds = Math.min(options.rounds, 3);
  const result = await measureDeflateIdle(peers, {
    rounds,
    conns: options.deflateConns,
    idleSeconds: options.idleSeconds,
  });
  return {
    report:
      `Deflate-idle: resident memory after ${result.messagesEach} messages of 1 KiB each way, median of ${rounds} rounds\n\n` +
      formatDeflateIdle(result, namesOf(peers), DEFLATE_IDLE_AIM),
    data: result,
  };
}

/** @param {Options} options */
async function runDeflateLarge(options) {
  process.stderr.write('deflate-large ');
  const peers = chosen([WS_WITH_DEFLATE, twistPeer(options.twistFile)], options);
  const rounds = Math.min(options.rounds, 3);
  const seconds = options.largeSeconds;
  const large = await measureLarge(peers, { rounds, seconds });
  const settings = options.settings ?? [readDefaultSetting(options.twistFile)];
  const slices = await measureSlices(settings, Math.min(options.seconds, 1));
  return {
    report:
      `Deflate-large: the round trip of 1 byte every 5 ms, beside large messages on 4 connections, ` +
      `${rounds} rounds of ${seconds} s\n\n${formatLarge(large, namesOf(peers))}\n\n${formatSlices(slices)}`,
    data: { large, slices },
  };
}

/** @param {Options} options */
async function runProxy(options) {
  const { proxies, missing } = findProxies(options.twistFile, options.peers, options.nodes);
  const described = proxies.map(({ name, version }) => (version ? `${name} (${version})` : name));
  print(`\nProxies: ${described.join(', ')}`);
  for (const line of missing) print(line);
  if (proxies.length === 0) return { report: 'Proxy: none to measure', data: [] };
  /** @type {import('./proxy.mjs').ProxyResult[]} */
  const results = [];
  for (const workload of options.proxyWorkloads) {
    process.stderr.write(`${nameWorkload(workload)}, through a proxy `);
    results.push(await measureProxy(proxies, workload, options));
  }
  const names = proxies.map(({ name }) => name);
  const failures = new Set(results.flatMap((result) => result.failures));
  return {
    report: [
      `Proxy: what it costs to a TCP echo service and back, median of ${options.rounds} rounds of ${options.seconds} s`,
      described.join(', '),
      formatProxy(results, names),
      formatProxyRatios(results, names),
      ...failures,
    ].join('\n\n'),
    data: results,
  };
}

/** @param {Options} options */
async function runWorkers(options) {
  process.stderr.write('workers ');
  const results = await measureWorkers(options);
  return {
    report:
      `Workers: one process and two, on the same two cores as the generator, median of ${options.rounds} rounds of ${options.seconds} s\n\n` +
      formatWorkers(results),
    data: results,
  };
}

/** @param {Options} options */
async function runRecord(options) {
  const wanted = RECORDER_NAMES.filter((name) => options.peers.includes(name));
  /** @type {import('./echo.mjs').EchoResult[]} */
  const results = [];
  for (const workload of options.recordWorkloads) {
    process.stderr.write(`${nameWorkload(workload)}, recorded `);
    results.push(await measureRecording(wanted, workload, options));
  }
  const names = Object.keys(results[0]?.runs ?? {});
  return {
    report:
      `Record: server processor time, two records for each echo, median of ${options.rounds} rounds of ${options.seconds} s\n\n` +
      formatRecording(results, names),
    data: results,
  };
}

/** @param {Options} options */
async function runTls(options) {
  const result = await measureTls(options, (what) => {
    process.stderr.write(
      `${typeof what === 'string' ? `${what} handshakes` : nameWorkload(what)}, by TLS `,
    );
  });
  const rounds = `median of ${options.rounds} rounds of ${options.seconds} s`;
  const echoing = result.names.filter((name) => !name.startsWith('bare'));
  const echo = `TLS echo: server processor time a message, ${rounds}\n\n${formatEcho(result.echo, echoing)}\n\n${formatEchoVerdicts(result.echo, echoing)}`;
  const handshakes = `TLS handshakes: server processor time each, ${rounds}\n\n${formatHandshakes(result.handshakes, result.names)}`;
  return {
    report: echoing.length > 0 ? `${echo}\n\n${handshakes}` : handshakes,
    data: result,
  };
}

/** @param {Options} options */
function nameAgainst({ againstFile }) {
  return againstFile === null ? '' : ` \`against\` is commit ${describeTwist(againstFile).commit}.`;
}

/** @param {Options} options */
async function runChurn(options) {
  process.stderr.write('come and go ');
  const { peers, missing } = findChurnPeers(options.peers, options);
  for (const line of missing) print(line);
  const result = await measureChurn(peers, options);
  return {
    report: `Churn: server processor time for a connection that comes and goes, ${roundsOf(options)}${nameAgainst(options)}\n\n${formatChurn(result)}`,
    data: result,
  };
}

/** @param {Options} options */
async function runDribble(options) {
  const result = await measureDribble(options, (load) => process.stderr.write(`${load} `));
  return {
    report: `Dribble: server processor time for a message in small pieces, ${roundsOf(options)}\n\n${formatDribble(result)}`,
    data: result,
  };
}

/** @param {Options} options */
async function runBystander(options) {
  const result = await measureBystander(options, (load) => process.stderr.write(`${load} `));
  return {
    report: `Bystander: 100 connections with a message every 100 ms each, beside one that floods, ${roundsOf(options)}${nameAgainst(options)}\n\n${formatBystander(result)}`,
    data: result,
  };
}

/**
 * @param {readonly import('./plan.mjs').Peer[]} peers
 * @param {Options} options
 */
function chosen(peers, options) {
  return peers.filter(({ name }) => options.peers.includes(name));
}

/** @param {readonly import('./plan.mjs').Peer[]} peers */
function namesOf(peers) {
  return peers.map(({ name }) => name);
}

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}
