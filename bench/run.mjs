/**
 * The benchmark: `npm run bench -- [options]`, described in bench/README.md. It measures and prints, and judges nothing.
 */
import { existsSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { measureEcho } from './echo.mjs';
import { measureIdle } from './idle.mjs';
import { IDLE_AIM, PEERS, WORKLOADS, nameWorkload } from './plan.mjs';
import { describeMachine, formatEcho, formatIdle, writeReport } from './report.mjs';
import { canPin } from './server-process.mjs';

const USAGE = `Usage: npm run bench -- [options]

  --quick            one short round of everything: does it work
  --only echo|idle   one of the two measurements
  --runs N           rounds of each load (default 5; idle: at most 3)
  --seconds S        measured time of each run (default 3, after 1 second of warm-up)
  --load TEXT        only loads whose name contains TEXT, for instance "10 x 100, 64 B"
  --peers LIST       only these peers (default raw,ws,twist)
  --conns N          idle connections (default 10000)
`;

try {
  await main();
} catch (error) {
  process.stderr.write(`\nbench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main() {
  const options = readOptions();
  if (options === null) {
    process.stdout.write(USAGE);
    return;
  }
  if (!existsSync('/proc/self/status')) {
    throw new Error(
      'the processor time and memory of a server are read from /proc, which needs Linux',
    );
  }
  const names = options.peers.map((peer) => peer.name);
  const machine = describeMachine();
  print(`${machine.date}, Node ${machine.node}, ${machine.processor}, ${machine.system}`);
  print(`$ ${machine.command}`);
  print(
    canPin
      ? 'Server on core 0, client on core 1.'
      : 'NOT PINNED: without taskset and two cores, server and client disturb each other.',
  );

  /** @type {import('./echo.mjs').EchoResult[]} */
  const echo = [];
  for (const workload of options.workloads) {
    process.stderr.write(`${nameWorkload(workload)} `);
    echo.push(await measureEcho(options.peers, workload, options));
  }
  if (echo.length > 0) {
    print(
      `\nEcho: server processor time a message, median of ${options.rounds} rounds of ${options.seconds} s\n` +
        formatEcho(echo, names),
    );
  }
  let idle = null;
  if (options.idleConns > 0) {
    process.stderr.write('idle ');
    const rounds = Math.min(options.rounds, 3);
    idle = await measureIdle(options.peers, { rounds, conns: options.idleConns });
    print(
      `\nIdle: resident memory a connection, median of ${rounds} rounds\n${formatIdle(idle, names, IDLE_AIM)}`,
    );
  }
  print(`\nEvery run: ${writeReport({ machine, isPinned: canPin, echo, idle })}`);
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      load: { type: 'string', default: '' },
      peers: { type: 'string', default: 'raw,ws,twist' },
      conns: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  if (values.only !== undefined && !['echo', 'idle'].includes(values.only)) {
    throw new Error('--only takes echo or idle');
  }
  const wanted = values.peers.split(',');
  const peers = PEERS.filter((peer) => wanted.includes(peer.name));
  if (peers.length !== wanted.length) throw new Error('--peers takes a list of raw, ws and twist');
  const workloads = WORKLOADS.filter((workload) => nameWorkload(workload).includes(values.load));
  if (workloads.length === 0) {
    throw new Error(`--load matches none of: ${WORKLOADS.map(nameWorkload).join('; ')}`);
  }
  const idleConns = positive('conns', values.conns, values.quick ? 1000 : 10_000);
  return {
    peers,
    workloads: values.only === 'idle' ? [] : workloads,
    rounds: Math.ceil(positive('runs', values.runs, values.quick ? 1 : 5)),
    seconds: positive('seconds', values.seconds, values.quick ? 0.5 : 3),
    warmupSeconds: values.quick ? 0.5 : 1,
    idleConns: values.only === 'echo' || values.load !== '' ? 0 : Math.ceil(idleConns),
  };
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

/** @param {string} line */
function print(line) {
  process.stdout.write(`${line}\n`);
}
