/**
 * compose.yaml: twist takes what it is given there, and each use does what it is for. The image of twist is the one that was built;
 * those that stand beside it come from registries, so the same programs of this machine stand in for them. They run in the network
 * of the container, where the names of the services lead to them.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { connectAsync } from 'mqtt';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { findWstest } from '../conformance/autobahn.mjs';
import { skipWithout } from '../fixtures/interop.js';
import { BackgroundProcess, findCommands, startService } from '../fixtures/service-process.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { within } from '../fixtures/within.js';
import { Container, PODMAN_ENV, hasImage, removeContainers, runImage } from './container.js';

t.setTimeout(400_000);

const COMPOSE = path.resolve('.venv/bin/podman-compose');
const PYTHON = path.resolve('.venv/bin/python');

interface Service {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

/** It writes YAML, and what goes with it reads that. */
const TO_JSON = `import json, sys, yaml
print(json.dumps(yaml.safe_load(sys.stdin)))`;

/** One of the uses, with the services of its profile. */
class Use {
  readonly twist: Service;
  readonly #others: readonly string[];

  constructor(t: Test, profile: string, name: string) {
    const args = ['--in-pod', 'false', '--profile', profile, 'config'];
    const read = spawnSync(COMPOSE, args, { encoding: 'utf8', env: PODMAN_ENV });
    t.equal(read.status, 0, read.stderr);
    const json = spawnSync(PYTHON, ['-c', TO_JSON], { input: read.stdout, encoding: 'utf8' });
    const { services } = JSON.parse(json.stdout) as { services: Record<string, Service> };
    this.twist = services[name]!;
    this.#others = Object.keys(services).filter((one) => one !== name);
    t.equal(this.twist.image, 'twist');
  }

  /** What `podman run` is told of it, but for ports and volumes. */
  get flags(): string[] {
    const { environment = {}, read_only: isReadOnly, cap_drop: drop, security_opt } = this.twist;
    return [
      ...Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
      ...(isReadOnly === true ? ['--read-only'] : []),
      ...(drop ?? []).flatMap((one) => ['--cap-drop', one]),
      ...(security_opt ?? []).flatMap((one) => ['--security-opt', one.replace(':true', '')]),
    ];
  }

  /** Starts the container, in whose network the other services are to be. */
  async start(t: Test, flags: readonly string[] = []): Promise<Container> {
    const hosts = this.#others.flatMap((name) => ['--add-host', `${name}:127.0.0.1`]);
    const { ports = [], command = ['serve'] } = this.twist;
    const inside = Number(ports[0]?.split(':').at(-1) ?? '9001');
    const box = await Container.start(t, [...this.flags, ...hosts, ...flags], command, inside);
    await box.listens();
    return box;
  }
}

/** The beginning of a command that runs in the network of a container. */
const netOf = (box: Container): string[] => ['--net', '--target', String(box.pid)];

async function findSuite(t: Test, outDirectory: string): Promise<string | null> {
  const options = { root: path.resolve('.'), outDirectory, isDocker: false };
  try {
    const note = (text: string): void => {
      t.comment(text);
    };
    return (await findWstest({ ...options, note })).command;
  } catch (error) {
    skipWithout(t, (error as Error).message);
    return null;
  }
}

async function checkAutobahn(t: Test, use: Use): Promise<void> {
  const directory = makeTempDir(t);
  const suite = await findSuite(t, directory);
  if (suite === null) return;
  const box = await use.start(t);
  const spec = readFileSync('deploy/compose/autobahn/fuzzingclient.json', 'utf8');
  t.match(JSON.parse(spec), { outdir: '/reports', cases: ['*'] });
  const file = path.join(directory, 'fuzzingclient.json');
  // A few of the cases: how many pass is what the conformance tests say.
  const few = spec.replace('"*"', '"1.1.*", "9.1.1"').replace('ws://echo', 'ws://127.0.0.1');
  writeFileSync(file, few.replace('/reports', directory));
  const args = [...netOf(box), suite, '--mode', 'fuzzingclient', '--spec', file];
  const client = new BackgroundProcess('nsenter', args, directory);
  await within(client.ended, 'the end of the suite');
  const report = path.join(directory, 'index.json');
  t.ok(existsSync(report), client.output);
  const { twist } = JSON.parse(readFileSync(report, 'utf8')) as {
    readonly twist: Readonly<Record<string, { readonly behavior: string }>>;
  };
  const verdicts = Object.values(twist).map(({ behavior }) => behavior);
  t.ok(verdicts.length > 8 && verdicts.every((one) => one === 'OK'), verdicts.join(' '));
  t.equal(await box.process.stop(), 0);
}

async function checkVnc(t: Test, use: Use): Promise<void> {
  const commands = findCommands(t, ['Xvnc']);
  if (commands === null) return;
  // Another image brings the page.
  t.strictSame(use.twist.volumes, ['novnc:/srv/novnc:ro']);
  const page = makeTempDir(t);
  chmodSync(page, 0o755);
  mkdirSync(path.join(page, 'core'));
  cpSync('node_modules/@novnc/novnc/core/rfb.js', path.join(page, 'core/rfb.js'));
  const box = await use.start(t, ['--volume', `${page}:/srv/novnc:ro`]);
  await startService(t, {
    command: 'nsenter',
    arrange: (port) => [
      ...[...netOf(box), commands[0], `:${port}`, '-rfbport', '5900'],
      ...['-SecurityTypes', 'None', '-geometry', '640x480'],
    ],
    ready: /Listening for VNC connections on all interface/,
  });
  t.equal(await statusOf(`http://127.0.0.1:${box.port}/core/rfb.js`), 200, 'the page');
  const url = `ws://127.0.0.1:${box.port}/websockify`;
  const client = new WebSocket(url, { origin: `http://127.0.0.1:${box.port}` });
  t.teardown(() => {
    client.terminate();
  });
  const [greeting] = (await within(once(client, 'message'), 'the VNC server')) as [Buffer];
  t.match(greeting.toString(), /^RFB 003\.\d{3}\n$/);
  const stranger = new WebSocket(url, { origin: 'https://example.org' });
  const [error] = (await within(once(stranger, 'error'), 'a refusal')) as [Error];
  t.match(error.message, '403', 'other pages may not');
  client.terminate();
  t.equal(await box.process.stop(), 0);
}

async function checkMqtt(t: Test, use: Use): Promise<void> {
  const commands = findCommands(t, ['mosquitto']);
  if (commands === null) return;
  const box = await use.start(t);
  await startService(t, {
    command: 'nsenter',
    arrange: () => [
      ...[...netOf(box), commands[0], '--config-file'],
      path.resolve('deploy/compose/mosquitto/mosquitto.conf'),
    ],
    ready: /mosquitto version \S+ running/,
  });
  const url = `ws://127.0.0.1:${box.port}`;
  const client = await within(connectAsync(url, { reconnectPeriod: 0 }), 'the broker');
  t.teardown(() => client.end(true));
  const told = new Promise<readonly [topic: string, payload: string]>((resolve) => {
    client.on('message', (topic, payload) => {
      resolve([topic, payload.toString()]);
    });
  });
  await client.subscribeAsync('twist');
  await client.publishAsync('twist', 'hello');
  t.strictSame(await within(told, 'the message'), ['twist', 'hello']);
  client.end(true);
  t.equal(await box.process.stop(), 0);
}

function statusOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    http
      .get(url, (response) => {
        response.resume();
        resolve(response.statusCode!);
      })
      .on('error', reject);
  });
}

const USES = {
  autobahn: ['echo', checkAutobahn],
  vnc: ['novnc', checkVnc],
  mqtt: ['mqtt', checkMqtt],
} as const;

if (!existsSync(COMPOSE)) skipWithout(t, `there is no ${COMPOSE}`);
else if (hasImage(t)) {
  t.teardown(removeContainers);
  for (const [profile, [name, check]] of Object.entries(USES)) {
    t.test(`${profile}: what twist is given`, async (t) => {
      const use = new Use(t, profile, name);
      const [verb, ...options] = use.twist.command ?? ['serve'];
      t.equal(verb, 'serve');
      // What the volume holds is not there.
      const given = options.map((word) => (word === '/srv/novnc' ? '/usr/share' : word));
      t.match(runImage(use.flags, ['config', 'check', ...given]), {
        status: 0,
        stdout: /^configuration is valid/,
        stderr: '',
      });
    });
    t.test(profile, async (t) => {
      await check(t, new Use(t, profile, name));
    });
  }
}
