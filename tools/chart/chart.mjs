/**
 * The chart of Helm, and what is made for it and from it. A chart holds only what is in its own folder, so the alerts and the
 * schema of the configuration are copied into it; and whoever does not use Helm gets its manifests with the default values.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const ROOT = path.join(import.meta.dirname, '../..');
export const CHART = path.join(ROOT, 'deploy/helm/twist');

/** The newest and the oldest version of Kubernetes that the chart is for. */
export const NEWEST_KUBERNETES = '1.37.0';
export const OLDEST_KUBERNETES = '1.30.0';

/** Keys of the configuration that the chart sets, and refuses in the values with a sentence of its own (templates/_checks.tpl). */
export const OWN_KEYS = [
  ...['listen', 'admin', 'tlsCert', 'tlsKey', 'authFile', 'record', 'once', 'idleExit'],
];

const HEAD = `# twist without Helm: an echo server of two pods. Made from the chart in deploy/helm with its default values, by \`npm run chart\`.
#
#     kubectl apply -n NAMESPACE -f twist.yaml
#
# Name your image, and change config.json: docs/kubernetes.md says how, and what the numbers have to do with each other. A
# change of config.json needs \`kubectl rollout restart deployment/twist\`.
`;

/** @returns {string} the alerts, for the chart */
export function chartRules() {
  return readFileSync(path.join(ROOT, 'deploy/prometheus/twist.rules.yml'), 'utf8');
}

/** @typedef {{ properties: Record<string, unknown>, [key: string]: unknown }} Schema */

/**
 * The schema of the values, with that of the configuration inside.
 * @returns {Schema}
 */
export function chartSchema() {
  const values = readSchema(path.join(CHART, 'values.schema.json'));
  const config = readSchema(path.join(ROOT, 'config.schema.json'));
  const { properties } = config;
  // Those that the chart refuses may be anything here, so that its own sentence is what is read.
  const own = Object.fromEntries(
    OWN_KEYS.map((key) => [key, { description: 'Set by the chart.' }]),
  );
  return {
    ...values,
    properties: {
      ...values.properties,
      config: {
        type: 'object',
        additionalProperties: false,
        properties: { ...properties, ...own },
      },
    },
  };
}

/**
 * @param {string} file
 * @returns {Schema}
 */
function readSchema(file) {
  /** @type {unknown} */
  const schema = JSON.parse(readFileSync(file, 'utf8'));
  return /** @type {Schema} */ (schema);
}

/**
 * What Helm would install.
 * @param {readonly string[]} args of `helm template`
 * @param {string} [helm] the command
 * @returns {string} manifests
 * @throws {Error} with what Helm says
 */
export function renderChart(args, helm = 'helm') {
  // Without a version Helm takes that which it was built for, or none.
  const version = args.includes('--kube-version') ? [] : ['--kube-version', NEWEST_KUBERNETES];
  const all = ['template', 'twist', CHART, ...version, ...args];
  return execFileSync(helm, all, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/**
 * @param {string} [helm] the command
 * @returns {string} manifests for `kubectl apply`
 */
export function plainManifests(helm) {
  const lines = renderChart([], helm)
    .split('\n')
    // No Helm keeps them, and nothing counts the sum of the configuration anew.
    .filter(
      (line) =>
        !/^ *(app\.kubernetes\.io\/managed-by|helm\.sh\/chart|checksum\/config): /.test(line),
    )
    .filter((line, at, all) => line !== '      annotations:' || /^ {8}/.test(all[at + 1] ?? ''))
    .filter((line) => !line.startsWith('# Source: '));
  return `${HEAD}${lines.join('\n').trimEnd()}\n`;
}
