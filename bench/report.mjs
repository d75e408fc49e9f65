/** Turns runs into tables and a file. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { besideOnNode, formatVerdicts } from './goals.mjs';
import { estimateMedian, median, medianRatio, pairedRatios } from './statistics.mjs';

/**
 * One row for each load: the median processor time a message of each peer, and twist's share of the others' on the same
 * Node.
 * @param {readonly import('./echo.mjs').EchoResult[]} results
 * @param {readonly string[]} names of the peers
 */
export function formatEcho(results, names) {
  return formatCosts(
    'conns x depth, payload',
    names,
    results.map(({ workload, runs }) => ({
      load: workload,
      read: (name) => (runs[name] ?? []).map((run) => run?.serverCpuNsPerMessage ?? NaN),
    })),
  );
}

/**
 * @param {string} what stands above the loads
 * @param {readonly string[]} names of the peers
 * @param {readonly { load: string, read: (name: string) => number[] }[]} rows `read` gives nanoseconds, one a round
 */
export function formatCosts(what, names, rows) {
  const pairs = names
    .filter((name) => /^twist(@|$)/.test(name))
    .flatMap((twist) =>
      names
        .filter((name) => !/^twist(@|$)/.test(name))
        .filter((name) => besideOnNode(twist, name.replace(/@.*$/, ''), names) === name)
        .map((name) => /** @type {const} */ ([twist, name])),
    );
  const head = [
    what,
    ...names.map((name) => `${name} us`),
    ...pairs.map(([twist, other]) => `${twist}/${other}`),
  ];
  return formatTable([
    head,
    ...rows.map(({ load, read }) => [
      load,
      ...names.map((name) => significant(medianOfKnown(read(name)) / 1000)),
      ...pairs.map(([twist, other]) =>
        formatEstimate(estimateMedian(pairedRatios(read(twist), read(other)))),
      ),
    ]),
  ]);
}

/**
 * @param {readonly import('./tls.mjs').HandshakeResult[]} results
 * @param {readonly string[]} names of the peers
 */
export function formatHandshakes(results, names) {
  return formatCosts(
    'handshakes',
    names,
    results.map(({ kind, runs }) => ({
      load: kind,
      read: (name) => (runs[name] ?? []).map((run) => run.serverCpuNsPerHandshake),
    })),
  );
}

/**
 * @param {import('./idle.mjs').IdleResult} result
 * @param {readonly string[]} names of the peers
 * @param {readonly import('./goals.mjs').Goal[]} goals
 */
export function formatIdle({ conns, runs }, names, goals) {
  /**
   * @param {string} name
   * @param {'bytesPerConnection' | 'bytesAsGrown' | 'baseBytes' | 'startedBytes'} key
   */
  const values = (name, key) => (runs[name] ?? []).map((run) => run[key]);
  /**
   * @param {string} name
   * @param {'bytesPerConnection' | 'bytesAsGrown'} key
   */
  const ofRaw = (name, key) => {
    const raw = besideOnNode(name, 'raw', names);
    return raw === null
      ? '-'
      : formatEstimate(estimateMedian(pairedRatios(values(name, key), values(raw, key))));
  };
  const load = `${conns} idle connections`;
  /** @type {(bytes: number) => string} */
  const mib = (bytes) => `${(bytes / 1_048_576).toFixed(1)} MiB`;
  const head = [
    load,
    'bytes each',
    'of raw',
    'not collected',
    'of raw',
    'started',
    'after 300 that have gone',
    'with all',
  ];
  const rows = names.map((name) => [
    name,
    median(values(name, 'bytesPerConnection')).toFixed(0),
    ofRaw(name, 'bytesPerConnection'),
    median(values(name, 'bytesAsGrown')).toFixed(0),
    ofRaw(name, 'bytesAsGrown'),
    mib(median(values(name, 'startedBytes'))),
    mib(median(values(name, 'baseBytes'))),
    mib(median(values(name, 'baseBytes')) + conns * median(values(name, 'bytesPerConnection'))),
  ]);
  const verdicts = formatVerdicts([
    { load, goals, names, read: (name) => values(name, 'bytesPerConnection') },
  ]);
  return `${formatTable([head, ...rows])}\n\n${verdicts}`.trimEnd();
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
      ...figures.map((figure) =>
        significant(medianOfKnown(readProxyFigures(result, name, figure))),
      ),
    ]),
  );
  return formatTable([head, ...rows]);
}

/**
 * What twist is measured by: ratios of runs of one round.
 * @param {readonly import('./proxy.mjs').ProxyResult[]} results
 * @param {readonly string[]} names of the proxies
 */
export function formatProxyRatios(results, names) {
  const head = [
    'conns x depth, payload',
    'compared',
    'CPU a MB, of pipe',
    'p50, of pipe',
    'msg/s, of the best other',
    'which is',
    'aim',
  ];
  const rows = results.flatMap((result) =>
    names
      .filter((name) => /^twist(@|$)/.test(name))
      .map((twist) => {
        /** @type {(figure: import('./proxy.mjs').ProxyFigure) => string} */
        const ofPipe = (figure) =>
          ratioOfKnown(
            readProxyFigures(result, twist, figure),
            readProxyFigures(result, besideOnNode(twist, 'pipe', names) ?? '', figure),
          );
        const rivals = RIVALS.map((name) => besideOnNode(twist, name, names))
          .filter((name) => name !== null)
          .map((name) => ({ name, rates: readProxyFigures(result, name, 'messagesPerSecond') }));
        const ofTwist = readProxyFigures(result, twist, 'messagesPerSecond');
        const best = ofTwist.map((_, round) =>
          Math.max(...rivals.map(({ rates }) => rates[round] ?? NaN).filter(Number.isFinite)),
        );
        const byRate = rivals
          .map(({ name, rates }) => ({ name, rate: medianOfKnown(rates) }))
          .filter(({ rate }) => Number.isFinite(rate))
          .sort((a, b) => b.rate - a.rate);
        return [
          result.workload,
          twist,
          ofPipe('cpuMsPerMegabyte'),
          ofPipe('latencyP50Us'),
          ratioOfKnown(ofTwist, best),
          byRate[0]?.name ?? '-',
          result.aim,
        ];
      }),
  );
  const verdicts = formatVerdicts(
    results.map((result) => ({
      load: result.workload,
      goals: result.goals,
      names,
      read: (name, figure) =>
        readProxyFigures(result, name, figure === 'p50' ? 'latencyP50Us' : 'cpuMsPerMegabyte'),
    })),
  );
  return `${formatTable([head, ...rows])}\n\n${verdicts}`.trimEnd();
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
            (runs[besideOnNode(name, 'echo', names) ?? '']?.[round]?.serverCpuNsPerMessage ??
              NaN)) /
          2000,
      );
    return names.map((name) => {
      const own = runs[name] ?? [];
      const isBase = /^echo(@|$)/.test(name);
      const isRecorder = !isBase && !/^(bare|metrics)(@|$)/.test(name);
      return [
        workload,
        name,
        significant(median(own.map((run) => run?.serverCpuNsPerMessage ?? NaN)) / 1000),
        isBase ? '-' : significant(median(more(name))),
        !isRecorder
          ? '-'
          : significant(
              medianRatio(more(name), more(besideOnNode(name, 'write-stream', names) ?? '')),
            ),
        significant(median(own.map((run) => run?.messagesPerSecond ?? NaN))),
        significant(median(own.map((run) => run?.latencyP50Us ?? NaN))),
        name === 'echo' ? aim : '',
      ];
    });
  });
  const verdicts = formatVerdicts(
    results.map(({ workload, goals = [], runs }) => ({
      ...{ load: workload, goals, names, subject: 'echo' },
      read: (name) => (runs[name] ?? []).map((run) => run?.serverCpuNsPerMessage ?? NaN),
    })),
  );
  return `${formatTable([head, ...rows])}\n\n${verdicts}`.trimEnd();
}

/** The proxies whose fastest twist is compared with. */
const RIVALS = ['ws-proxy', 'websockify', 'websocat'];

/**
 * @param {import('./proxy.mjs').ProxyResult} result
 * @param {string} name
 * @param {import('./proxy.mjs').ProxyFigure} figure
 * @returns {number[]} one a round, NaN where there is none
 */
function readProxyFigures({ runs }, name, figure) {
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
  return formatEstimate(estimateMedian(pairedRatios(values, others)));
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

/** @param {import('./statistics.mjs').Estimate} estimate */
export function formatEstimate({ median: middle, low, high, confidence }) {
  if (!Number.isFinite(middle)) return '-';
  if (confidence === 0) return significant(middle);
  return `${significant(middle)} (${significant(low)} to ${significant(high)})`;
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
