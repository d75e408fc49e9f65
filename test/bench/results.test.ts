/** What the benchmark makes of its runs: the file, the page and the charts; and the summary of a profile. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { drawChart } from '../../bench/chart.mjs';
import { describeMachine } from '../../bench/machine.mjs';
import { summarizeProfile } from '../../bench/profile-summary.mjs';
import { keepResult, writePage } from '../../bench/results.mjs';
import { buildTraffic } from '../../bench/traffic.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'twist-bench-test-'));
t.teardown(() => {
  rmSync(folder, { recursive: true });
});

const run = (cpuUs: number) => ({
  messages: 1000,
  seconds: 1,
  messagesPerSecond: 3e6 / cpuUs,
  serverCpuNsPerMessage: cpuUs * 1000,
  serverBusy: 1,
  generatorBusy: 0.5,
  latencyP50Us: 10 * cpuUs,
  latencyP99Us: 20 * cpuUs,
  idleResidentBytes: 40 * 2 ** 20,
  peakResidentBytes: 50 * 2 ** 20,
});

const echo = {
  rounds: 2,
  seconds: 1,
  missing: ['gws is left out: no go'],
  peers: [
    { name: 'raw', version: 'Node 20.19.0', floor: 'raw' },
    { name: 'twist', version: 'Node 20.19.0', floor: 'raw' },
    { name: 'uws', version: 'main', floor: 'raw' },
    { name: 'raw@24', version: 'Node 24.0.0', floor: 'raw@24' },
    { name: 'twist@24', version: 'Node 24.0.0', floor: 'raw@24' },
  ],
  results: [
    {
      workload: '10 x 100, 64 B',
      aim: 'at most raw',
      runs: {
        raw: [run(1), run(2)],
        twist: [run(1.5), run(3)],
        uws: [run(0.5), null],
        'raw@24': [run(2), run(2)],
        'twist@24': [run(1), run(1)],
      },
      failures: ['uws, 10 x 100, 64 B: it went wrong'],
    },
  ],
};

t.test('a page with tables and charts, from files', async (t) => {
  t.throws(() => writePage(folder), /no results/);
  const kept = {
    machine: describeMachine(),
    isPinned: true,
    twist: { version: '1', commit: 'c0' },
  };
  keepResult(folder, { ...kept, measurement: 'echo', report: [], data: echo });
  keepResult(folder, { ...kept, measurement: 'idle', report: ['Idle: a line'], data: {} });
  const page = readFileSync(writePage(folder), 'utf8');

  t.strictSame(readdirSync(folder).sort(), [
    'README.md',
    'echo-cpu-node24.svg',
    'echo-cpu.svg',
    'echo-memory.svg',
    'echo-p99.svg',
    'echo-rate.svg',
    'echo.json',
    'idle.json',
  ]);
  t.match(
    page,
    /## Echo\n[^]*commit c0\.[^]*!\[.*\]\(echo-cpu\.svg\)[^]*## Idle connections\n[^]*Idle: a line/,
  );
  t.match(page, /twist\/raw .*\n.*\n\| 10 x 100, 64 B +\| 1\.50 \(1\.50 to 1\.50\) /);
  t.match(page, /twist@24\/raw@24/);
  t.notMatch(page, /twist@24\/twist|twist\/raw@24|NaN/);
  t.match(page, /gws is left out: no go\n\nuws, 10 x 100, 64 B: it went wrong/);
  const stored = JSON.parse(readFileSync(path.join(folder, 'echo.json'), 'utf8')) as {
    data: typeof echo;
  };
  t.strictSame(stored.data, echo);
});

t.test('a chart has a bar for each value that can be drawn, and names are escaped', async (t) => {
  const svg = drawChart({
    title: 'a < b & "c"',
    axis: 'times',
    base: 1,
    series: [
      { name: 'one', color: '#111111' },
      { name: 'two', color: '#222222' },
    ],
    groups: [
      {
        label: 'load',
        bars: [
          { series: 'one', value: 0.25, low: 0.2, high: 0.3 },
          { series: 'two', value: NaN },
        ],
      },
    ],
  });
  t.match(svg, '>a &lt; b &amp; &quot;c&quot;</text>');
  t.notMatch(svg, 'NaN');
  t.equal(svg.split('fill="#111111"').length - 1, 2, 'legend and bar');
  t.equal(svg.split('fill="#222222"').length - 1, 1, 'legend only');
});

t.test('a profile, summarized', async (t) => {
  const file = path.join(folder, 'bundle.cjs');
  writeFileSync(file, '// src/a.ts\nfunction a() {\n  work();\n}\n');
  const url = pathToFileURL(file).href;
  const frame = (functionName: string, lineNumber = -1, of = '') => ({
    callFrame: { functionName, url: of, lineNumber },
  });
  const profile = {
    nodes: [
      { id: 1, ...frame('a', 1, url), positionTicks: [{ line: 3, ticks: 3 }] },
      { id: 2, ...frame('(idle)'), positionTicks: [{ line: 1, ticks: 99 }] },
      { id: 3, ...frame('(garbage collector)') },
      { id: 4, ...frame('before', 0, 'node:net') },
    ],
    startTime: 1000,
    samples: [4, 1, 2, 3, 1],
    timeDeltas: [0, 100, 300, 500, 100],
  };
  const options = { fromUs: 1100, toUs: 2000, top: 5, root: folder };
  const summary = summarizeProfile(profile, options);
  t.match(summary, /twist's JavaScript +\| 75\.0 %/);
  t.match(summary, /garbage collection +\| 25\.0 %/);
  t.match(summary, /\| a +\| 75\.0 % \| src\/a\.ts \(bundle\.cjs:2\)/);
  t.match(summary, /src\/a\.ts \(bundle\.cjs:3\) +\| 100\.0 % \| work\(\);/);
  t.notMatch(summary, /before|idle/);
  t.match(summarizeProfile(profile, { ...options, fromUs: 9000, toUs: 9001 }), 'No sample');
});

t.test('messages in fragments come back in one frame', async (t) => {
  const { frames, frameBytes, replyBytes } = buildTraffic({
    kind: 'binary',
    sizeBytes: 10,
    depth: 1,
    isRaw: false,
    fragmentBytes: 4,
  });
  t.equal(frameBytes, 10 + 3 * 6);
  t.equal(replyBytes, 12);
  // First, middle and last: opcode and FIN, then a masked length.
  t.strictSame([...frames.subarray(0, 2)], [0x02, 0x84]);
  t.strictSame([...frames.subarray(10, 12)], [0x00, 0x84]);
  t.strictSame([...frames.subarray(20, 22)], [0x80, 0x82]);
});
