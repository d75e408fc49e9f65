/** Prometheus scrapes a running server, and answers every question of the dashboard with what was sent. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { askHttp } from '../fixtures/ask-http.js';
import { findCommands, startService } from '../fixtures/service-process.js';
import { startTarget } from '../fixtures/tcp-target.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { type TwistProcess, startTwist } from '../fixtures/twist-process.js';
import { within } from '../fixtures/within.js';

t.setTimeout(180_000);

const RULES = path.resolve('deploy/prometheus/twist.rules.yml');
const RULE_TESTS = path.resolve('deploy/prometheus/twist.rules.test.yml');
const CONFIG = path.resolve('deploy/prometheus/prometheus.yml');

/** One panel asks for this. */
interface Query {
  readonly panel: string;
  readonly expr: string;
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }[];
}

/** The time that rates are of. */
const RATE_SECONDS = 60;

const QUERIES: readonly Query[] = (
  JSON.parse(readFileSync('deploy/grafana/twist.json', 'utf8')) as Dashboard
).panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({
    panel: title,
    expr: expr
      .replaceAll('$job', 'twist')
      .replaceAll('$instance', '.*')
      .replaceAll('$__rate_interval', `${RATE_SECONDS}s`),
  })),
);

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** Prometheus, as people and dashboards ask it. */
class Asked {
  readonly #url: string;

  constructor(address: string) {
    this.#url = `http://${address}`;
  }

  async query(expr: string): Promise<readonly Sample[]> {
    const { result } = await this.#ask<{ result: readonly Sample[] }>(
      `query?query=${encodeURIComponent(expr)}`,
    );
    return result;
  }

  /** The sum of what an expression gives. */
  async sum(expr: string): Promise<number> {
    const samples = await this.query(expr);
    return samples.reduce((sum, { value }) => sum + Number(value[1]), 0);
  }

  async rules(): Promise<readonly { readonly name: string; readonly health: string }[]> {
    const { groups } = await this.#ask<{
      groups: readonly {
        readonly rules: readonly { readonly name: string; readonly health: string }[];
      }[];
    }>('rules');
    return groups.flatMap(({ rules }) => rules);
  }

  async until(expr: string, wanted: number): Promise<void> {
    const deadlineMs = performance.now() + 30_000;
    for (;;) {
      const value = await this.sum(expr);
      if (value === wanted) return;
      if (performance.now() > deadlineMs) throw new Error(`${expr} is ${value}, not ${wanted}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async #ask<Data>(what: string): Promise<Data> {
    const response = await fetch(`${this.#url}/api/v1/${what}`);
    const { status, error, data } = (await response.json()) as {
      readonly status: string;
      readonly error?: string;
      readonly data: Data;
    };
    if (status !== 'success') throw new Error(`${what}: ${error}`);
    return data;
  }
}

function promtool(command: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, (error, stdout, stderr) => {
      const text = `${stdout}${stderr}`;
      if (error) reject(new Error(`promtool ${args.join(' ')}: ${text}`));
      else resolve(text);
    });
    child.stdin!.end(input);
  });
}

async function startPrometheus(t: Test, command: string, target: string): Promise<Asked> {
  const { address } = await startService(t, {
    command,
    arrange: (port, directory) => {
      const file = path.join(directory, 'prometheus.yml');
      writeFileSync(
        file,
        `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [${JSON.stringify(RULES)}]
scrape_configs:
  - job_name: twist
    static_configs: [{ targets: ['${target}'] }]
`,
      );
      return [
        `--config.file=${file}`,
        `--storage.tsdb.path=${path.join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ];
    },
    ready: /Server is ready to receive web requests/,
  });
  return new Asked(address);
}

/** What a client does: so many messages of each kind, each waited for, and pings. */
interface Traffic {
  readonly path: string;
  readonly texts: number;
  readonly binaries: number;
  readonly pings: number;
  readonly isCompressed: boolean;
}

/** Long enough to be compressed. */
const TEXT = 'forty bytes, which may well be compressed';
const BINARY = Buffer.alloc(64, 'b');

async function send(port: number, traffic: Traffic): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${traffic.path}`, {
    perMessageDeflate: traffic.isCompressed ? { threshold: 0 } : false,
  });
  await within(once(socket, 'open'), 'a session');
  const wantedBytes = traffic.texts * TEXT.length + traffic.binaries * BINARY.length;
  let bytes = 0;
  let pongs = 0;
  const done = new Promise<void>((resolve) => {
    const look = (): void => {
      if (bytes === wantedBytes && pongs === traffic.pings) resolve();
    };
    socket.on('message', (data: Buffer) => {
      bytes += data.length;
      look();
    });
    socket.on('pong', () => {
      pongs++;
      look();
    });
    look();
  });
  for (let count = 0; count < traffic.texts; count++) socket.send(TEXT);
  for (let count = 0; count < traffic.binaries; count++) socket.send(BINARY);
  for (let count = 0; count < traffic.pings; count++) socket.ping();
  await within(done, `the answers on ${traffic.path}`);
  return socket;
}

async function close(socket: WebSocket, code: number): Promise<void> {
  socket.close(code);
  await within(once(socket, 'close'), 'the Close');
}

/** What a panel shows, by its title; a rate as the whole that it is of. */
type Shown = Readonly<Record<string, readonly (readonly [value: number, isRate: boolean])[]>>;

/** Panels of what this server does not have. */
const NOT_IN_USE =
  /^(Workers that|Connections of all|Deaths since|TLS handshakes|Certificates expire in|Reloads since|Logins)/;
/** Prometheus extends what it has seen by up to a scrape at the end. */
const isAbout = (whole: number, value: number): boolean =>
  whole >= value * 0.99 && whole <= value * 1.4;

/** Asks every question of the dashboard. */
async function checkDashboard(t: Test, prometheus: Asked, shown: Shown): Promise<void> {
  const seen = new Map<string, number>();
  for (const { panel, expr } of QUERIES) {
    const samples = await prometheus.query(expr);
    if (!NOT_IN_USE.test(panel)) t.not(samples.length, 0, `${panel}: ${expr}`);
    const at = seen.get(panel) ?? 0;
    seen.set(panel, at + 1);
    const [value, isRate] = shown[panel]?.[at] ?? [null, false];
    if (value === null) continue;
    const sum = samples.reduce((total, sample) => total + Number(sample.value[1]), 0);
    if (!isRate) t.equal(sum, value, panel);
    else t.ok(isAbout(sum * RATE_SECONDS, value), `${panel}: ${sum * RATE_SECONDS} of ${value}`);
  }
}

const adminOf = (twist: TwistProcess): string =>
  new URL(String(twist.log.find(({ msg }) => msg === 'admin endpoint')!['address'])).host;

t.test('rules, their tests, and the example of a scrape job', async (t) => {
  const found = findCommands(t, ['promtool']);
  if (found === null) return;
  const [command] = found;
  t.match(await promtool(command, ['check', 'rules', RULES]), /19 rules found/);
  t.match(await promtool(command, ['test', 'rules', RULE_TESTS]), /SUCCESS/);
  t.match(await promtool(command, ['check', 'config', CONFIG]), /SUCCESS/);
});

t.test('figures are those that were sent', async (t) => {
  const found = findCommands(t, ['promtool', 'prometheus']);
  if (found === null) return;
  const [tool, command] = found;
  const target = await startTarget(t, (socket) => socket.pipe(socket));
  const twist = await startTwist(t, [
    ...['--admin', '0', '--origin', 'same', '--deflate', '--inspect', '0'],
    ...['--record', path.join(makeTempDir(t), 'traffic.ndjson')],
    ...['--route', '/echo=echo', '--route', `/tcp=tcp:${target.address}`],
    ...['--route', '/gone=tcp:127.0.0.1:1'],
  ]);
  const admin = adminOf(twist);
  // Over a connection of its own, which ends with the answer.
  const closing = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';
  const look = async (): Promise<void> => {
    t.equal((await askHttp(t, twist.port, closing)).status, 200);
  };
  await look();
  const prometheus = await startPrometheus(t, command, admin);
  // From zero on: a series that begins with its first value has no rate.
  await prometheus.until('count_over_time(up{job="twist"}[1m]) >= bool 2', 1);

  const sockets: WebSocket[] = [];
  for (let index = 0; index < 10; index++) {
    const traffic = { path: '/echo', texts: 200, binaries: 100, pings: 5, isCompressed: index < 5 };
    sockets.push(await send(twist.port, traffic));
  }
  for (let index = 0; index < 3; index++) {
    const traffic = { path: '/tcp', texts: 0, binaries: 50, pings: 0, isCompressed: false };
    sockets.push(await send(twist.port, traffic));
  }
  sockets.push(
    await send(twist.port, { path: '/', texts: 7, binaries: 0, pings: 0, isCompressed: false }),
  );
  for (const [address, options, status] of [
    ['/echo', { origin: 'http://evil.example' }, 403],
    ['/echo', { origin: 'http://evil.example' }, 403],
    ['/gone', {}, 502],
  ] as const) {
    const refused = new WebSocket(`ws://127.0.0.1:${twist.port}${address}`, options);
    refused.on('error', () => undefined);
    const [, response] = (await within(once(refused, 'unexpected-response'), 'a refusal')) as [
      unknown,
      { readonly statusCode: number },
    ];
    t.equal(response.statusCode, status);
    refused.terminate();
  }
  for (let count = 0; count < 4; count++) await look();
  for (const socket of sockets.slice(0, 6)) await close(socket, 1000);
  for (const socket of sockets.slice(6, 8)) await close(socket, 4321);
  const breaker = await send(twist.port, {
    ...{ path: '/echo', texts: 0, binaries: 0, pings: 0, isCompressed: false },
  });
  (breaker as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
    Buffer.from('8100', 'hex'),
  );
  await within(once(breaker, 'close'), 'the end');

  await prometheus.until('sum(twist_sessions_ended_total)', 9);
  // So that the rates are of some seconds.
  await new Promise((resolve) => setTimeout(resolve, 4000));

  // The chunks of the proxy are not the messages that went in: its target may cut them anywhere.
  const texts = 10 * 200 + 7;
  const binaries = 10 * 100;
  const proxied = 3 * 50;
  const exact: readonly (readonly [expr: string, value: number])[] = [
    ['twist_sessions_started_total{mode="echo",path="/echo"}', 11],
    ['twist_sessions_started_total{mode="echo",path=""}', 1],
    [`twist_sessions{mode="tcp:${target.address}",path="/tcp"}`, 3],
    ['twist_messages_total{direction="in",type="text"}', texts],
    ['twist_messages_total{direction="out",type="text"}', texts],
    ['twist_messages_total{direction="in",type="binary"}', binaries + proxied],
    ['twist_message_bytes_total{direction="in",type="text"}', texts * TEXT.length],
    ['twist_message_bytes_total{direction="out",type="text"}', texts * TEXT.length],
    ['twist_message_bytes_total{type="binary"}', 2 * (binaries + proxied) * BINARY.length],
    ['twist_control_frames_total{direction="in",type="ping"}', 50],
    ['twist_control_frames_total{direction="out",type="pong"}', 50],
    ['twist_control_frames_total{direction="in",type="close"}', 8],
    ['twist_control_frames_total{direction="out",type="close"}', 9],
    ['twist_handshakes_total{status="101"}', 15],
    ['twist_handshakes_total{status="403",rule="origin"}', 2],
    ['twist_handshakes_total{status="502",rule="target-refused"}', 1],
    ['twist_http_requests_total{by="page",status="200"}', 5],
    ['twist_target_failures_total{rule="target-refused"}', 1],
    ['twist_target_connect_seconds_count', 3],
    ['twist_session_closes_total{code="1000",side="client"}', 6],
    ['twist_session_closes_total{code="4xxx",side="client"}', 2],
    ['twist_session_closes_total{code="1002",side="server"}', 1],
    ['twist_broken_rules_total{rule="frame-unmasked"}', 1],
    [
      'twist_deflate_bytes_total{direction="in",form="plain"}',
      5 * (200 * TEXT.length + 100 * BINARY.length),
    ],
    [
      'twist_deflate_bytes_total{direction="out",form="plain"}',
      5 * (200 * TEXT.length + 100 * BINARY.length),
    ],
    ['twist_connections', 6],
    ['twist_recording_lost_records_total', 0],
    ['twist_recording_failures_total', 0],
  ];
  for (const [expr, value] of exact) t.equal(await prometheus.sum(expr), value, expr);

  const shown: Shown = {
    'Open sessions': [[6, false]],
    'Sessions since the start': [
      [15, false],
      [9, false],
    ],
    'Payload since the start': [
      [2 * (texts * TEXT.length + (binaries + proxied) * BINARY.length), false],
    ],
    'Open sessions by mode and route': [[6, false]],
    'Sessions started and ended': [
      [15, true],
      [9, true],
    ],
    'Closes by side and code': [[9, true]],
    'Handshakes by status': [[18, true]],
    'Refused handshakes by rule': [[3, true]],
    Payload: [[2 * (texts * TEXT.length + (binaries + proxied) * BINARY.length), true]],
    'Control frames': [[50 + 50 + 8 + 9, true]],
  };
  await checkDashboard(t, prometheus, shown);
  const rules = await prometheus.rules();
  t.equal(rules.length, 19);
  t.strictSame(
    rules.filter(({ health }) => health !== 'ok'),
    [],
    'every alert can be asked',
  );

  const text = await (await fetch(`http://${admin}/metrics`)).text();
  t.equal(await promtool(tool, ['check', 'metrics'], text), '', 'nothing to complain of');
  for (const socket of sockets) socket.terminate();
});
