/** One row against one server: a good client alone, then beside the attack. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLIENT_CORE } from '../server-process.mjs';
import { startChild } from './child.mjs';
import { makeCertificate } from '../certificate.mjs';
import { noStats } from './attacks/attack.mjs';
import { FIRST, SECOND, bytesOfFiles, startUnderAttack } from './server.mjs';

/** @typedef {import('./attacks/attack.mjs').AttackPlan} AttackPlan */
/** @typedef {import('./attacks/attack.mjs').AttackStats} AttackStats */
/** @typedef {import('./good/good-client.mjs').GoodReport} GoodReport */

/**
 * @typedef {object} Place what a row's server may need
 * @property {string} directory for its files
 * @property {number} targetPort of a TCP service, where the row wants one
 * @property {string} cert file, where the row wants TLS
 * @property {string} key file
 * @property {(option: string) => boolean} has whether this twist has an option
 */

/**
 * @typedef {object} Figure
 * @property {string} what
 * @property {string} unit
 * @property {number} goal at most so much
 * @property {boolean} [isAtLeast] at least so much instead
 * @property {boolean} [isTime] depends on the machine: it decides `npm run hostile` and no test
 * @property {boolean} [isOpen] known to be missed so far: it decides `npm run hostile`, and not the short form
 * @property {(run: Run) => number} read
 */

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} what the attack, in words
 * @property {(place: Place) => readonly string[]} serve options of `twist serve`
 * @property {(place: Place) => void} [prepare] writes files for it
 * @property {boolean} [isTls]
 * @property {boolean} [hasTarget]
 * @property {readonly string[]} [ws] options of `ws-server.mjs`, where it is measured beside
 * @property {boolean} [hasWs] false takes it out again
 * @property {readonly (Omit<AttackPlan, 'port' | 'seconds'> & { seconds?: number })[]} attacks
 * @property {Omit<import('./good/clients.mjs').GoodPlan, 'port'>} good
 * @property {number} [seconds] of the attack
 * @property {number} [aloneSeconds]
 * @property {readonly Figure[]} figures
 * @property {string} [group] a word that chooses it too
 * @property {boolean} [isSlow] not among the rows of a plain run
 */

/**
 * @typedef {object} Run what was seen
 * @property {GoodReport} alone
 * @property {GoodReport} beside
 * @property {AttackStats} attack of all processes
 * @property {number} seconds that it lasted
 * @property {number} idleBytes resident before
 * @property {number} peakBytes resident at most
 * @property {number} diskBytes of recordings
 * @property {number} logBytes
 * @property {number} logLines
 * @property {readonly string[]} log lines, the first of them
 * @property {boolean} isAlive the server, afterwards
 */

const PER_PROCESS = 128;
const MAX_PROCESSES = 6;
/** Beyond the time of an attack: connections that are ended, and answers that are waited for. */
const GRACE_MS = 25_000;

/**
 * @param {Row} row
 * @param {{ name: 'twist' | 'ws', twistFile: string, nodeArgs: readonly string[], has: (option: string) => boolean, seconds?: number,
 *   program?: string }} options `program` is another Node
 * @returns {Promise<Run>}
 */
export async function measureRow(
  row,
  { name, twistFile, nodeArgs, has, seconds = row.seconds ?? 4, program },
) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'twist-hostile-'));
  /** @type {(() => Promise<void>)[]} */
  const ends = [];
  try {
    const place = { directory, targetPort: 0, cert: '', key: '', has };
    if (row.isTls === true) Object.assign(place, makeCertificate(directory));
    if (row.hasTarget === true) {
      const target = startChild(CLIENT_CORE, path.join(import.meta.dirname, 'target.mjs'), {
        seconds: seconds + 60,
      });
      ends.push(() => target.end());
      place.targetPort = /** @type {{ port: number }} */ (await target.hear(10_000)).port;
    }
    row.prepare?.(place);
    const args = [...nodeArgs, ...command(row, name, place, twistFile)];
    const server = await startUnderAttack(name, args, program);
    ends.unshift(() => server.stop());
    const good = startChild(
      CLIENT_CORE,
      goodFile(),
      {
        ...row.good,
        isTls: row.isTls === true,
        port: server.port,
      },
      FIRST,
    );
    ends.unshift(() => good.end());
    await good.hear(15_000);
    // What is compiled and allocated at the first time is no figure.
    await sleep(300);
    good.tell('settle');
    await good.hear(GRACE_MS);
    await sleep((row.aloneSeconds ?? 1) * 1000);
    good.tell('settle');
    const alone = /** @type {GoodReport} */ (await good.hear(GRACE_MS));

    const attackers = startAttackers(row, server.port, seconds);
    ends.unshift(...attackers.map((attacker) => () => attacker.end()));
    await Promise.all(attackers.map((attacker) => attacker.hear(20_000)));
    server.log.forget();
    good.tell('ask');
    await good.hear(GRACE_MS);
    const idleBytes = server.residentBytes();
    server.forgetPeak();
    const beganMs = performance.now();
    for (const attacker of attackers) attacker.tell('go');
    const stats = await Promise.all(
      attackers.map((attacker) => attacker.hear(seconds * 1000 + GRACE_MS)),
    );
    // Where nobody attacks, time passes.
    if (attackers.length === 0) await sleep(seconds * 1000);
    const lastedMs = performance.now() - beganMs;
    good.tell('settle');
    const beside = /** @type {GoodReport} */ (await good.hear(GRACE_MS));
    const { bytes: logBytes, lines: logLines } = server.log;
    const seen = {
      peakBytes: server.peakBytes(),
      diskBytes: bytesOfFiles(directory, 'recording'),
      isAlive: server.isAlive(),
    };
    // What it left out of its log is told at the end at the latest.
    await good.end();
    await server.stop();
    return {
      ...seen,
      alone,
      beside,
      attack: sum(/** @type {AttackStats[]} */ (stats)),
      seconds: lastedMs / 1000,
      idleBytes,
      logBytes,
      logLines,
      log: server.log.kept,
    };
  } finally {
    for (const end of ends) await end();
    rmSync(directory, { recursive: true });
  }
}

/**
 * @param {Row} row
 * @param {'twist' | 'ws'} name
 * @param {Place} place
 * @param {string} twistFile
 */
function command(row, name, place, twistFile) {
  if (name === 'ws') {
    const tls = row.isTls === true ? ['--tls', place.cert, place.key] : [];
    return [path.join(import.meta.dirname, 'ws-server.mjs'), ...(row.ws ?? []), ...tls];
  }
  const common = ['--listen', '127.0.0.1:0', '--log-format', 'json'];
  const tls = row.isTls === true ? ['--tls-cert', place.cert, '--tls-key', place.key] : [];
  return [twistFile, 'serve', ...common, ...tls, ...row.serve(place)];
}

function goodFile() {
  return path.join(import.meta.dirname, 'good/good-client.mjs');
}

/**
 * Few processes with many connections each.
 * @param {Row} row
 * @param {number} port
 * @param {number} seconds
 */
function startAttackers(row, port, seconds) {
  const file = path.join(import.meta.dirname, 'attacks/attacker.mjs');
  const most = Math.max(1, Math.floor(MAX_PROCESSES / row.attacks.length));
  return row.attacks.flatMap((attack) => {
    const count = Math.min(attack.processes ?? Math.ceil(attack.connections / PER_PROCESS), most);
    return Array.from({ length: count }, (_, index) => {
      const share = Math.floor((attack.connections + index) / count);
      const plan = { isTls: row.isTls === true, seconds, ...attack, port, connections: share };
      return startChild(CLIENT_CORE, file, plan, SECOND);
    });
  });
}

/** @param {readonly AttackStats[]} all */
function sum(all) {
  const total = noStats();
  for (const one of all) {
    for (const name of /** @type {(keyof AttackStats)[]} */ (Object.keys(total)))
      total[name] += one[name];
  }
  return total;
}
