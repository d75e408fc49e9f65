/** Helm, and the real schemas of what it makes. */
import { execFile, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import type { Test } from 'tap';
import { findCommand } from '../fixtures/service-process.js';
import { skipWithout } from '../fixtures/interop.js';
import { NEWEST_KUBERNETES, OLDEST_KUBERNETES } from '../../tools/chart/chart.mjs';

export const CHART = path.resolve('deploy/helm/twist');

/** Who has a Python with kubernetes-validate. */
const PYTHON = process.env['TWIST_PYTHON'] ?? 'python3';

/**
 * Where the definitions of kinds come from that are not Kubernetes' own: modules of Go, which hold them as files. They are not kept
 * here, because they are other people's and large.
 */
const MODULES = [
  // The first with BackendTLSPolicy as v1 has to agree too.
  [
    'sigs.k8s.io/gateway-api@v1.6.3',
    'config/crd/standard',
    /(httproutes|backendtlspolicies)\.yaml$/,
  ],
  [
    'sigs.k8s.io/gateway-api@v1.4.0',
    'config/crd/standard',
    /(httproutes|backendtlspolicies)\.yaml$/,
  ],
  [
    'github.com/prometheus-operator/prometheus-operator@v0.85.0',
    'example/prometheus-operator-crd',
    /(servicemonitors|prometheusrules)\.yaml$/,
  ],
] as const;

/** What JSON can hold. */
export type Value = null | boolean | number | string | readonly Value[] | Fields;

/** An object of JSON. */
export interface Fields {
  readonly [key: string]: Value;
}

/** A manifest, as far as every one of them is alike. */
export type Manifest = Readonly<Record<string, Value>> & {
  readonly kind: string;
  readonly metadata: { readonly name: string };
};

/** What is at a path such as `spec.ports.0.name`. */
export function at(value: Value | undefined, keys: string): Value | undefined {
  let found = value;
  for (const key of keys.split('.')) found = (found as Fields | null | undefined)?.[key];
  return found;
}

/** A text at a path. */
export function textAt(value: Value | undefined, keys: string): string {
  const found = at(value, keys);
  if (typeof found !== 'string') throw new Error(`no text at ${keys}`);
  return found;
}

/** The labels at a path, or what else is a map of texts. */
export function textsAt(value: Value | undefined, keys: string): Readonly<Record<string, string>> {
  return (at(value, keys) ?? {}) as Readonly<Record<string, string>>;
}

/** A list at a path; an empty one where there is nothing. */
export function listAt(value: Value | undefined, keys: string): readonly Value[] {
  return (at(value, keys) ?? []) as readonly Value[];
}

/** The one manifest of a kind. */
export function one(documents: readonly Manifest[], kind: string): Manifest {
  const found = documents.filter((document) => document.kind === kind);
  if (found.length !== 1) throw new Error(`${found.length} of ${kind}`);
  return found[0]!;
}

export function podOf(documents: readonly Manifest[]): Value {
  return at(one(documents, 'Deployment'), 'spec.template.spec')!;
}

/** The text of the configuration file. */
export function configOf(documents: readonly Manifest[]): string {
  return textsAt(one(documents, 'ConfigMap'), 'data')['config.json']!;
}

/** Values that the chart is tried with. */
export const VALUES = ['everything', 'recorded', 'small'] as const;

export const valuesOf = (name: (typeof VALUES)[number]): string[] => [
  '--values',
  path.join(CHART, `ci/${name}-values.yaml`),
];

/** What became of a command. */
interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What is needed to look at the chart. */
export class Helm {
  readonly command: string;
  readonly #definitions: readonly string[][];

  constructor(command: string, definitions: readonly string[][]) {
    this.command = command;
    this.#definitions = definitions;
  }

  run(args: readonly string[]): Promise<Ran> {
    return run(this.command, args, '');
  }

  /** @returns all manifests as text, or what is wrong with the values */
  async template(args: readonly string[], chart = CHART): Promise<string> {
    const { status, stdout, stderr } = await this.run([
      ...['template', 'twist', chart, '--namespace', 'sockets'],
      ...['--kube-version', NEWEST_KUBERNETES, ...args],
    ]);
    return status === 0 ? stdout : stderr;
  }

  /** Manifests of valid values, which nothing checks. */
  async manifests(args: readonly string[], chart = CHART): Promise<readonly Manifest[]> {
    return (await readManifests(await this.template(args, chart), [])).documents;
  }

  /** Manifests, and how they differ from the schemas of Kubernetes and of the others. */
  async check(manifests: string): Promise<Read> {
    const versions = `${OLDEST_KUBERNETES},${NEWEST_KUBERNETES}`;
    const all = await Promise.all(
      this.#definitions.map((files) => readManifests(manifests, [versions, ...files])),
    );
    return {
      documents: all[0]!.documents,
      problems: [...new Set(all.flatMap(({ problems }) => problems))],
    };
  }
}

/** Manifests, and what is wrong with them. */
interface Read {
  readonly documents: readonly Manifest[];
  readonly problems: readonly string[];
}

/** @param against versions of Kubernetes, and files of definitions */
async function readManifests(manifests: string, against: readonly string[]): Promise<Read> {
  const script = path.resolve('test/deploy/validate.py');
  const { status, stdout, stderr } = await run(PYTHON, [script, ...against], manifests);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Read;
}

/** Looks for what these tests need. Where it is missing they fail in CI and are skipped elsewhere. @returns null then */
export async function findHelm(t: Test): Promise<Helm | null> {
  const ofGo = path.join(process.env['GOPATH'] ?? path.join(homedir(), 'go'), 'bin/helm');
  const built = path.resolve('.helm/bin/helm');
  const command =
    process.env['TWIST_HELM'] ?? [built, ofGo].find(runs) ?? findCommand('helm') ?? '';
  if (command === '' || !runs(command)) {
    skipWithout(t, 'there is no helm (TWIST_HELM names another one; .ci/run builds it)');
    return null;
  }
  if (spawnSync(PYTHON, ['-c', 'import kubernetes_validate']).status !== 0) {
    skipWithout(t, `${PYTHON} cannot import kubernetes_validate (TWIST_PYTHON names another one)`);
    return null;
  }
  if (findCommand('go') === null) {
    skipWithout(t, 'there is no go, which brings the definitions of kinds');
    return null;
  }
  return new Helm(command, await readDefinitions());
}

/** Files of definitions: with the older ones, and with the newer ones. */
async function readDefinitions(): Promise<string[][]> {
  const modules = MODULES.map(([name]) => name);
  const { status, stdout, stderr } = await run('go', ['mod', 'download', '-json', ...modules], '');
  if (status !== 0) throw new Error(`go mod download: ${stdout} ${stderr}`);
  // One object behind the other.
  const directories = [...stdout.matchAll(/"Dir": "([^"]+)"/g)].map(([, directory]) => directory!);
  const [newer, older, operator] = MODULES.map(([name, folder, pattern]) => {
    const directory = directories.find((one) => one.endsWith(name))!;
    const all = readdirSync(path.join(directory, folder)).filter((file) => pattern.test(file));
    return all.map((file) => path.join(directory, folder, file));
  });
  return [
    [...newer!, ...operator!],
    [...older!, ...operator!],
  ];
}

function runs(command: string): boolean {
  return spawnSync(command, ['version']).status === 0;
}

export function run(command: string, args: readonly string[], input: string): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { maxBuffer: 64 * 1024 ** 2 },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({
          status,
          stdout,
          stderr: stderr === '' && error !== null ? error.message : stderr,
        });
      },
    );
    child.stdin!.on('error', () => undefined).end(input);
  });
}
