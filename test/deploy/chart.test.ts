/** The chart of Helm: valid manifests for every kind of values, a configuration that twist takes, and no values that do not go together. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { NEWEST_KUBERNETES, plainManifests } from '../../tools/chart/chart.mjs';
import { askHttp } from '../fixtures/ask-http.js';
import { selfSigned } from '../fixtures/self-signed.js';
import { makeTempDir } from '../fixtures/temp-dir.js';
import { runTwist, startServing } from '../fixtures/twist-process.js';
import {
  CHART,
  VALUES,
  at,
  configOf,
  findHelm,
  listAt,
  one,
  podOf,
  textAt,
  textsAt,
  valuesOf,
  type Manifest,
  type Value,
} from './chart.js';

t.setTimeout(400_000);

const KUBERNETES = ['--kube-version', NEWEST_KUBERNETES];

const EVERY: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['the defaults', []],
  ...VALUES.map((name) => [name, valuesOf(name)] as const),
];

const helm = await findHelm(t);
if (helm !== null) {
  t.test('helm lint', async (t) => {
    for (const [name, args] of EVERY) {
      const { status, stdout } = await helm.run([
        'lint',
        '--strict',
        CHART,
        ...args,
        ...KUBERNETES,
      ]);
      t.equal(status, 0, `${name}: ${stdout}`);
    }
  });

  for (const [name, args] of EVERY)
    t.test(`the manifests: ${name}`, async (t) => {
      const { documents, problems } = await helm.check(await helm.template(args));
      t.strictSame(problems, [], 'as the schemas of Kubernetes and of the others want them');
      const names = documents.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      t.equal(new Set(names).size, names.length, 'each once');
      checkPod(t, podOf(documents));
      await checkConfig(t, documents);
    });

  t.test('what the checks themselves would find', async (t) => {
    const wrong = (await helm.template(valuesOf('everything')))
      .replace('runAsNonRoot', 'runAsNonRooot')
      .replace('request: 0s', 'request: never')
      .replace('port: admin', 'prot: admin');
    const { problems } = await helm.check(wrong);
    t.match(problems.join('\n'), /Deployment\/twist: 1\.30\.0: .*'runAsNonRooot' was unexpected/);
    t.match(problems.join('\n'), /Deployment\/twist: 1\.37\.0: /);
    t.match(problems.join('\n'), /HTTPRoute\/twist: .*'never' does not match/);
    await t.rejects(helm.check('a: 1\na: 2\n'), /the key a is there twice/);
  });

  t.test('every kind is there when everything is on', async (t) => {
    const kinds = (await helm.manifests(valuesOf('everything'))).map(({ kind }) => kind);
    t.strictSame(kinds.sort(), [
      ...['BackendTLSPolicy', 'ConfigMap', 'Deployment', 'HTTPRoute', 'HorizontalPodAutoscaler'],
      ...[
        'Ingress',
        'NetworkPolicy',
        'PodDisruptionBudget',
        'PrometheusRule',
        'Service',
        'Service',
      ],
      ...['ServiceAccount', 'ServiceMonitor'],
    ]);
  });

  t.test('services, routes and policies meet the pods', async (t) => {
    const documents = await helm.manifests(valuesOf('everything'));
    const deployment = one(documents, 'Deployment');
    const labels = textsAt(deployment, 'spec.template.metadata.labels');
    const meets = (document: Manifest, selector: string): void => {
      const wanted = Object.entries(textsAt(document, selector));
      t.ok(
        wanted.length > 1 && wanted.every(([key, value]) => labels[key] === value),
        document.kind,
      );
    };
    for (const document of documents.filter(({ kind }) => kind === 'Service'))
      meets(document, 'spec.selector');
    meets(deployment, 'spec.selector.matchLabels');
    meets(one(documents, 'PodDisruptionBudget'), 'spec.selector.matchLabels');
    meets(one(documents, 'NetworkPolicy'), 'spec.podSelector.matchLabels');
    const backend = at(one(documents, 'HTTPRoute'), 'spec.rules.0.backendRefs.0');
    t.strictSame(backend, { name: 'twist', port: 443 });
    const service = at(one(documents, 'Ingress'), 'spec.rules.0.http.paths.0.backend.service');
    t.strictSame(service, { name: 'twist', port: { name: 'ws' } });
    const scaled = at(one(documents, 'HorizontalPodAutoscaler'), 'spec.scaleTargetRef.name');
    t.equal(scaled, 'twist');
    t.equal(at(deployment, 'spec.replicas'), undefined, 'the autoscaler decides');
  });

  t.test(
    'the server starts with the configuration, answers the probes, and stops in time',
    async (t) => {
      const documents = await helm.manifests([]);
      const file = path.join(makeTempDir(t), 'config.json');
      writeFileSync(file, configOf(documents));
      const twist = await startServing(t, {
        args: ['serve', '--config', file, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0'],
      });
      const { address } = twist.log.find(({ msg }) => msg === 'admin endpoint')!;
      const container = at(podOf(documents), 'containers.0');
      t.strictSame(at(container, 'args'), ['serve', '--config', '/etc/twist/config.json']);
      for (const probe of ['livenessProbe', 'readinessProbe']) {
        const asked = textAt(container, `${probe}.httpGet.path`);
        const { status } = await askHttp(t, Number(new URL(String(address)).port), asked);
        t.equal(status, 200, asked);
      }
      t.equal(await twist.stop(), 0);
    },
  );

  t.test('the manifests without Helm are of today (npm run chart)', async (t) => {
    const text = readFileSync('deploy/kubernetes/twist.yaml', 'utf8');
    const kept = await helm.check(text);
    t.strictSame(kept.problems, []);
    t.strictSame(kept.documents, (await helm.check(plainManifests(helm.command))).documents);
    t.notMatch(text, /helm\.sh|managed-by|checksum/);
  });
}

/** What the security standard `restricted` asks for, and what this server needs. */
function checkPod(t: Test, pod: Value): void {
  t.equal(at(pod, 'automountServiceAccountToken'), false);
  t.equal(at(pod, 'enableServiceLinks'), false);
  t.equal(at(pod, 'securityContext.runAsNonRoot'), true);
  t.equal(at(pod, 'securityContext.seccompProfile.type'), 'RuntimeDefault');
  for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) t.equal(at(pod, key), undefined, key);
  const volumes = listAt(pod, 'volumes').map((volume) => at(volume, 'name'));
  for (const container of listAt(pod, 'containers')) {
    t.strictSame(at(container, 'securityContext'), {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    for (const mount of listAt(container, 'volumeMounts')) {
      const place = textAt(mount, 'mountPath');
      t.equal(at(mount, 'subPath'), undefined, `${place} follows its Secret or ConfigMap`);
      t.ok(volumes.includes(at(mount, 'name')), `${place} is there`);
    }
  }
}

/** The server itself takes the configuration, with the files of the pod in a directory here. */
async function checkConfig(t: Test, documents: readonly Manifest[]): Promise<void> {
  const directory = makeTempDir(t);
  const inside = (name: string): string => path.join(directory, name);
  const here = (text: string): string =>
    text
      .replaceAll('/etc/twist-tls', inside('tls'))
      .replaceAll('/etc/twist-auth', inside('auth'))
      .replaceAll('/var/lib/twist', inside('recordings'))
      .replaceAll('$(POD_NAME)', 'twist-5d8f-abcde');
  for (const name of ['tls', 'auth', 'recordings']) mkdirSync(inside(name));
  const { cert, key } = selfSigned('twist.internal.example.com');
  writeFileSync(inside('tls/tls.crt'), cert);
  writeFileSync(inside('tls/ca.crt'), cert);
  writeFileSync(inside('tls/tls.key'), key, { mode: 0o600 });
  writeFileSync(inside('auth/users'), `ada:$2y$05$${'a'.repeat(53)}\n`, { mode: 0o600 });
  const file = inside('config.json');
  writeFileSync(file, here(configOf(documents)));
  const variables = listAt(podOf(documents), 'containers.0.env').flatMap((variable) => {
    const value = at(variable, 'value');
    return value === undefined
      ? []
      : [[textAt(variable, 'name'), here(textAt(variable, 'value'))] as const];
  });
  const { ending, stdout, stderr } = await runTwist(t, {
    args: ['config', 'check', '--config', file],
    env: Object.fromEntries(variables),
  });
  t.equal(ending, 0, stderr);
  t.match(stdout, 'configuration is valid');
  t.equal(stderr, '', 'and has nothing to warn of');
}
