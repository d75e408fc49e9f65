/** Turns runs into tables and a file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { median, medianRatio } from './statistics.mjs';

/**
 * One row for each load: the median processor time a message of each peer, twist's share of the others', and how
 * many messages a second twist answered.
 * @param {readonly import('./echo.mjs').EchoResult[]} results
 * @param {readonly string[]} names of the peers
 */
export function formatEcho(results, names) {
  const others = names.includes('twist') ? names.filter((name) => name !== 'twist') : [];
  const head = [
    'conns x depth, payload',
    ...names.map((name) => `${name} us`),
    ...others.map((name) => `twist/${name}`),
    ...names.map((name) => `${name} msg/s`),
    'aim',
  ];
  const rows = results.map(({ workload, aim, runs }) => {
    /** @param {string} name */
    const cpu = (name) => (runs[name] ?? []).map((run) => run?.serverCpuNsPerMessage ?? NaN);
    return [
      workload,
      ...names.map((name) => significant(median(cpu(name)) / 1000)),
      ...others.map((name) => significant(medianRatio(cpu('twist'), cpu(name)))),
      ...names.map((name) =>
        significant(median((runs[name] ?? []).map((run) => run?.messagesPerSecond ?? NaN))),
      ),
      aim,
    ];
  });
  return formatTable([head, ...rows]);
}

/**
 * @param {readonly import('./tls.mjs').HandshakeResult[]} results
 * @param {readonly string[]} names of the peers
 */
export function formatHandshakes(results, names) {
  const others = names.includes('twist') ? names.filter((name) => name !== 'twist') : [];
  const head = [
    'handshakes',
    ...names.map((name) => `${name} us`),
    ...others.map((name) => `twist/${name}`),
    ...names.map((name) => `${name} per s`),
  ];
  const rows = results.map(({ kind, runs }) => {
    /** @param {string} name */
    const cpu = (name) => (runs[name] ?? []).map((run) => run.serverCpuNsPerHandshake);
    return [
      kind,
      ...names.map((name) => significant(median(cpu(name)) / 1000)),
      ...others.map((name) => significant(medianRatio(cpu('twist'), cpu(name)))),
      ...names.map((name) => significant(median((runs[name] ?? []).map((run) => run.perSecond)))),
    ];
  });
  return formatTable([head, ...rows]);
}

/**
 * @param {import('./idle.mjs').IdleResult} result
 * @param {readonly string[]} names of the peers
 * @param {string} aim
 */
export function formatIdle({ conns, runs }, names, aim) {
  /**
   * @param {string} name
   * @param {'bytesPerConnection' | 'bytesAsGrown' | 'baseBytes'} key
   */
  const values = (name, key) => (runs[name] ?? []).map((run) => run[key]);
  const head = [
    `${conns} idle connections`,
    'bytes each',
    'x raw',
    'not collected',
    'x raw',
    'server alone',
  ];
  const rows = names.map((name) => [
    name,
    median(values(name, 'bytesPerConnection')).toFixed(0),
    medianRatio(values(name, 'bytesPerConnection'), values('raw', 'bytesPerConnection')).toFixed(2),
    median(values(name, 'bytesAsGrown')).toFixed(0),
    medianRatio(values(name, 'bytesAsGrown'), values('raw', 'bytesAsGrown')).toFixed(2),
    `${(median(values(name, 'baseBytes')) / 1_048_576).toFixed(1)} MiB`,
  ]);
  return `${formatTable([head, ...rows])}\naim for twist: ${aim}`;
}

/**
 * One row for each proxy under each load. Busy is the share of a core: `core 0` is the proxy's, with all its processes,
 * `core 1` that of the client and the service.
 * @param {readonly import('./proxy.mjs').ProxyResult[]} results
 * @param {readonly string[]} names of the proxies
 */
export function formatProxy(results, names) {
  const head = [
    'conns x depth, payload',
    'proxy',
    'CPU us a message',
    'CPU ms a MB',
    'msg/s',
    'MB/s',
    'p50 us',
    'p99 us',
    'core 0',
    'core 1',
  ];
  /** @type {import('./proxy.mjs').ProxyFigure[]} */
  const figures = [
    'cpuUsPerMessage',
    'cpuMsPerMegabyte',
    'messagesPerSecond',
    'megabytesPerSecond',
    'latencyP50Us',
    'latencyP99Us',
    'proxyBusy',
    'clientBusy',
  ];
  const rows = results.flatMap((result) =>
    names.map((name) => [
      result.workload,
      name,
      ...figures.map((figure) => significant(medianOfKnown(readFigures(result, name, figure)))),
    ]),
  );
  return formatTable([head, ...rows]);
}

/**
 * What twist is measured by: ratios of runs of one round, and their median.
 * @param {readonly import('./proxy.mjs').ProxyResult[]} results
 */
export function formatProxyRatios(results) {
  const head = [
    'conns x depth, payload',
    'CPU a MB, twist/pipe',
    'msg/s, twist/best',
    'best',
    'p50, twist/pipe',
    'aim',
  ];
  const rows = results.map((result) => {
    /** @type {(figure: import('./proxy.mjs').ProxyFigure) => string} */
    const overPipe = (figure) =>
      ratioOfKnown(readFigures(result, 'twist', figure), readFigures(result, 'pipe', figure));
    const rivals = RIVALS.filter((name) => result.runs[name]).map((name) => ({
      name,
      rates: readFigures(result, name, 'messagesPerSecond'),
    }));
    const ofTwist = readFigures(result, 'twist', 'messagesPerSecond');
    const best = ofTwist.map((_, round) =>
      Math.max(...rivals.map(({ rates }) => rates[round] ?? NaN).filter(Number.isFinite)),
    );
    const byRate = rivals
      .map(({ name, rates }) => ({ name, rate: medianOfKnown(rates) }))
      .filter(({ rate }) => Number.isFinite(rate))
      .sort((a, b) => b.rate - a.rate);
    return [
      result.workload,
      overPipe('cpuMsPerMegabyte'),
      ratioOfKnown(ofTwist, best),
      byRate[0]?.name ?? '-',
      overPipe('latencyP50Us'),
      result.aim,
    ];
  });
  return formatTable([head, ...rows]);
}

/**
 * One row for each recorder under each load: what an echo costs with it, what that is more for each record than
 * without (runs of one round), and the same as a share of the write stream's.
 * @param {readonly import('./echo.mjs').EchoResult[]} results
 * @param {readonly string[]} names of the recorders
 */
export function formatRecording(results, names) {
  const head = [
    'conns x depth, payload',
    'recorder',
    'CPU us an echo',
    'us more a record',
    'of write-stream',
    'msg/s',
    'p50 us',
    'aim',
  ];
  const rows = results.flatMap(({ workload, aim, runs }) => {
    /** @param {string} name */
    const more = (name) =>
      (runs[name] ?? []).map(
        (run, round) =>
          ((run?.serverCpuNsPerMessage ?? NaN) -
            (runs['echo']?.[round]?.serverCpuNsPerMessage ?? NaN)) /
          2000,
      );
    return names.map((name) => {
      const own = runs[name] ?? [];
      const isBase = name === 'echo';
      return [
        workload,
        name,
        significant(median(own.map((run) => run?.serverCpuNsPerMessage ?? NaN)) / 1000),
        isBase ? '-' : significant(median(more(name))),
        isBase ? '-' : significant(medianRatio(more(name), more('write-stream'))),
        significant(median(own.map((run) => run?.messagesPerSecond ?? NaN))),
        significant(median(own.map((run) => run?.latencyP50Us ?? NaN))),
        isBase ? aim : '',
      ];
    });
  });
  return formatTable([head, ...rows]);
}

/** The proxies whose fastest twist is compared with. */
const RIVALS = ['ws-proxy', 'websockify', 'websocat'];

/**
 * @param {import('./proxy.mjs').ProxyResult} result
 * @param {string} name
 * @param {import('./proxy.mjs').ProxyFigure} figure
 * @returns {number[]} one a round, NaN where there is none
 */
function readFigures({ runs }, name, figure) {
  return (runs[name] ?? []).map((run) => run?.[figure] ?? NaN);
}

/** @param {readonly number[]} values of which those that are NaN or infinite do not count */
function medianOfKnown(values) {
  return median(values.filter(Number.isFinite));
}

/**
 * @param {readonly number[]} values
 * @param {readonly number[]} others of the same rounds
 */
function ratioOfKnown(values, others) {
  return significant(medianOfKnown(values.map((value, round) => value / (others[round] ?? NaN))));
}

/**
 * Keeps every run, not only the medians.
 * @param {unknown} report
 * @returns {string} the path of the file
 */
export function writeReport(report, kind = 'bench') {
  const folder = path.join(import.meta.dirname, '../reports', kind);
  mkdirSync(folder, { recursive: true });
  const file = path.join(
    folder,
    `${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.json`,
  );
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  return path.relative(process.cwd(), file);
}

/**
 * Three significant digits, and no more digits than that before the point hides nothing.
 * @param {number} value
 */
export function significant(value) {
  if (!Number.isFinite(value)) return '-';
  if (value >= 1000) return Number(value.toPrecision(3)).toLocaleString('en-US');
  return value.toPrecision(3);
}

/** @param {readonly (readonly string[])[]} rows the first one is the head */
export function formatTable(rows) {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map(
    (row) =>
      // Words to the left, figures to the right.
      `| ${row.map((cell, column) => (/^[\d-]/.test(cell) && column > 0 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(' | ')} |`,
  );
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

/**
 * @param {readonly import('./workers.mjs').WorkersResult[]} results
 * @returns {string}
 */
export function formatWorkers(results) {
  const head = [
    'load',
    '1: rate/s',
    '2: rate/s',
    '2/1',
    '1: server, generator',
    '2: server, generator',
  ];
  const rows = results.map(({ load, runs }) => {
    const [one = [], two = []] = [runs['1'], runs['2']];
    /** @param {readonly import('./workers.mjs').WorkersRun[]} of */
    const rates = (of) => of.map(({ rate }) => rate);
    /** @param {readonly import('./workers.mjs').WorkersRun[]} of */
    const busy = (of) =>
      `${median(of.map((run) => run.serverBusy)).toFixed(2)}, ${median(of.map((run) => run.generatorBusy)).toFixed(2)}`;
    return [
      load,
      significant(median(rates(one))),
      significant(median(rates(two))),
      significant(medianRatio(rates(two), rates(one))),
      busy(one),
      busy(two),
    ];
  });
  return formatTable([head, ...rows]);
}
