/** Many connections that do nothing, for long: none is lost, each ping is answered, memory stays as it is. */
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { possibleConnections } from '../idle.mjs';
import { CLIENT_CORE } from '../server-process.mjs';
import { startChild } from './child.mjs';
import { startUnderAttack } from './server.mjs';

/**
 * @typedef {object} IdleCrowd
 * @property {number} connections
 * @property {number} minutes
 * @property {number} lost
 * @property {number} pings that came
 * @property {number} pongs that were sent
 * @property {number} pingsEach the fewest on a connection
 * @property {readonly number[]} memoryMib resident, at even times
 * @property {number} growthMib from the second reading to the last
 * @property {number} growthGoalMib
 * @property {boolean} isMet
 */

const MIB = 1024 * 1024;
const READINGS = 10;
const PING_SECONDS = 25;
/** Resident memory wanders by itself. */
const GROWTH = 0.05;

/**
 * @param {import('./options.mjs').Options} options
 * @returns {Promise<IdleCrowd>}
 */
export async function measureIdleCrowd({ twistFile, connections: wanted, minutes }) {
  const connections = possibleConnections(wanted);
  const server = await startUnderAttack('twist', [
    ...[twistFile, 'serve', '--echo', '--listen', '127.0.0.1:0', '--log-format', 'json'],
    ...['--max-connections', String(connections + 10), '--ping-interval', `${PING_SECONDS}s`],
  ]);
  const client = startChild(CLIENT_CORE, path.join(import.meta.dirname, 'good/idle-client.mjs'), {
    port: server.port,
    connections,
  });
  try {
    await client.hear(180_000);
    /** @type {number[]} */
    const memoryMib = [];
    // The first one is read when the garbage of the handshakes is still there.
    for (let reading = 0; reading <= READINGS; reading++) {
      memoryMib.push(server.residentBytes() / MIB);
      process.stderr.write('.');
      if (reading < READINGS) await sleep((minutes * 60_000) / READINGS);
    }
    process.stderr.write('\n');
    client.tell('ask');
    const { lost, pings, pongs, pingsEach } =
      /** @type {{ lost: number, pings: number, pongs: number, pingsEach: number }} */ (
        await client.hear(60_000)
      );
    const growthMib = (memoryMib.at(-1) ?? NaN) - (memoryMib[1] ?? NaN);
    const growthGoalMib = Math.max(8, GROWTH * (memoryMib[1] ?? 0));
    const due = Math.floor((minutes * 60) / PING_SECONDS) - 1;
    return {
      connections,
      minutes,
      lost,
      pings,
      pongs,
      pingsEach,
      memoryMib,
      growthMib,
      growthGoalMib,
      isMet: lost === 0 && pongs === pings && pingsEach >= due && growthMib <= growthGoalMib,
    };
  } finally {
    await client.end();
    await server.stop();
  }
}
