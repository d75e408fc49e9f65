/** Values of the chart: what follows from them, and what is refused. */
import { cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { makeTempDir } from '../fixtures/temp-dir.js';
import {
  CHART,
  at,
  configOf,
  findHelm,
  one,
  podOf,
  textsAt,
  valuesOf,
  type Fields,
} from './chart.js';

t.setTimeout(400_000);

const helm = await findHelm(t);
if (helm !== null) {
  t.test('values that do not go together, each told in one sentence', async (t) => {
    const cases: readonly (readonly [set: string, sentence: RegExp])[] = [
      [
        'terminationGracePeriodSeconds=35',
        /^terminationGracePeriodSeconds \(35\) has to be more than .* \(35\), or /,
      ],
      [
        'terminationGracePeriodSeconds=60,config.drainTimeout=1m',
        /\(60\) has to be more than .* \(65\)/,
      ],
      [
        'terminationGracePeriodSeconds=40,config.drainDelay=4001ms',
        /\(40\) has to be more than .* \(40\)/,
      ],
      [
        'terminationGracePeriodSeconds=7200,config.drainTimeout=2h',
        /\(7200\) has to be more than .* \(7205\)/,
      ],
      [
        'progressDeadlineSeconds=30',
        /^progressDeadlineSeconds \(30\) has to be more than minReadySeconds \(35\)/,
      ],
      ['config.listen=9001', /^config\.listen is the chart's own: pods listen on port 9001/],
      ['config.tlsCert=a.pem', /^config\.tlsCert is the chart's own: give tls\.secretName/],
      ['config.authFile=a', /^config\.authFile is the chart's own: give auth\.secretName/],
      ['config.record=a', /^config\.record is the chart's own: give recording\.enabled/],
      ['config.once=true', /^config\.once is the chart's own: Kubernetes would start/],
      ['config.workers=auto', /^config\.workers has to be a number/],
      [
        'config.maxMemory=1g',
        /^config\.maxMemory \(1g for each of 1\) has to be less than resources\.limits\.memory \(1Gi\)/,
      ],
      ['config.maxMemory=512m,config.workers=2', /^config\.maxMemory \(512m for each of 2\)/],
      [
        'resources.limits.memory=128Mi',
        /^resources\.limits\.memory \(128Mi\) leaves 16m for the clients .*config\.maxMessage, 16m/,
      ],
      ['resources.limits.memory=50Mi', /^resources\.limits\.memory \(50Mi\) leaves 0m/],
      [
        'autoscaling.enabled=true,autoscaling.targetSessions=10000',
        /^autoscaling\.targetSessions \(10000\) has to be less than config\.maxConnections \(10000\)/,
      ],
      [
        'autoscaling.enabled=true,autoscaling.minReplicas=30',
        /^autoscaling\.minReplicas \(30\) has to be at most autoscaling\.maxReplicas \(20\)/,
      ],
      ['httpRoute.enabled=true', /^httpRoute\.parentRefs has to name a gateway/],
      [
        'httpRoute.enabled=true,httpRoute.parentRefs[0].name=a,tls.secretName=b',
        /^httpRoute\.backendTLS\.hostname has to be given/,
      ],
      [
        'serviceMonitor.enabled=true,auth.secretName=a',
        /^serviceMonitor\.basicAuth has to be given with auth\.secretName/,
      ],
      ['serviceAccount.create=false', /^serviceAccount\.name: it has to be given/],
    ];
    for (const [set, sentence] of cases) {
      const said = await helm.template(['--set', set]);
      const found = /\): (?:error calling \w+: )?(.*)/.exec(
        said
          .trim()
          .split('\n')
          .find((line) => line.startsWith('Error: execution')) ?? '',
      );
      t.match(found?.[1] ?? said, sentence, set);
    }
  });

  t.test('values that the schema refuses', async (t) => {
    const cases: readonly (readonly [set: string, fault: string])[] = [
      ['image.tagg=1', "at '/image': additional properties 'tagg' not allowed"],
      ['config.rotues=1', "at '/config': additional properties 'rotues' not allowed"],
      ['config.drainTimeout=30', "at '/config/drainTimeout'"],
      ['replicaCount=two', "at '/replicaCount': got string, want integer"],
      ['preStopSeconds=-1', "at '/preStopSeconds'"],
      ['resources.limits.memory=1GB', "at '/resources/limits/memory'"],
      ['tls.secretName=Not_A_Name', "at '/tls/secretName'"],
      ['image.digest=sha256:12', "at '/image/digest'"],
      [
        'recording.volumeSource.emptyDir.medium=Memory,recording.volumeSource.hostPath.path=/a',
        "at '/recording/volumeSource'",
      ],
    ];
    for (const [set, fault] of cases)
      t.ok((await helm.template(['--set', set])).includes(`- ${fault}`), `${set}: ${fault}`);
  });

  t.test('a pod has the time that it needs', async (t) => {
    const cases: readonly (readonly [set: string, grace: number, minReady: number])[] = [
      ['preStopSeconds=5', 40, 35],
      ['preStopSeconds=0', 35, 30],
      ['config.drainTimeout=500ms', 11, 6],
      ['config.drainTimeout=2m', 130, 125],
      ['config.drainTimeout=1h,config.drainDelay=1500ms,progressDeadlineSeconds=9999', 3612, 3607],
      ['terminationGracePeriodSeconds=300', 300, 35],
      ['minReadySeconds=0', 40, 0],
    ];
    for (const [set, grace, minReady] of cases) {
      const documents = await helm.manifests(['--set', set]);
      t.equal(at(podOf(documents), 'terminationGracePeriodSeconds'), grace, set);
      t.equal(at(one(documents, 'Deployment'), 'spec.minReadySeconds'), minReady, set);
    }
  });

  t.test('what twist may hold follows the limit of the container', async (t) => {
    const cases: readonly (readonly [set: string, maxMemory: string | undefined])[] = [
      ['resources.limits.memory=1Gi', '464m'],
      ['resources.limits.memory=1G', '428m'],
      ['resources.limits.memory=512Mi', '208m'],
      ['resources.limits.memory=1.5Gi', '720m'],
      ['resources.limits.memory=1073741824', '464m'],
      ['resources.limits.memory=4Gi,config.workers=3', '618m'],
      ['resources.limits.memory=null', undefined],
      ['config.maxMemory=100m', '100m'],
    ];
    for (const [set, expected] of cases) {
      const config = JSON.parse(configOf(await helm.manifests(['--set', set]))) as Fields;
      t.equal(config['maxMemory'], expected, set);
    }
  });

  t.test('a new configuration replaces the pods, and nothing else does', async (t) => {
    const sumOf = async (...args: string[]): Promise<string | undefined> => {
      const deployment = one(await helm.manifests(args), 'Deployment');
      return textsAt(deployment, 'spec.template.metadata.annotations')['checksum/config'];
    };
    const sum = await sumOf();
    t.match(sum, /^[0-9a-f]{64}$/);
    t.equal(await sumOf('--set', 'replicaCount=5'), sum);
    t.not(await sumOf('--set', 'config.maxHandshakes=5'), sum);
    t.equal(await sumOf('--set', 'rollOnConfigChange=false'), undefined);
    const directory = makeTempDir(t);
    cpSync(CHART, directory, { recursive: true });
    const file = path.join(directory, 'Chart.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('version: 0.1.0', 'version: 9.9.9'));
    const spec = async (chart: string): Promise<unknown> =>
      one(await helm.manifests([], chart), 'Deployment')['spec'];
    t.strictSame(await spec(directory), await spec(CHART), 'a new version of the chart');
  });

  t.test('the notes warn', async (t) => {
    const directory = makeTempDir(t);
    cpSync(CHART, directory, { recursive: true });
    // Helm shows them only when it installs, and for that it wants a cluster.
    renameSync(path.join(directory, 'templates/NOTES.txt'), path.join(directory, 'notes.txt'));
    writeFileSync(
      path.join(directory, 'templates/notes.yaml'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: notes }\ndata: { notes: {{ tpl (.Files.Get "notes.txt") . | quote }} }\n',
    );
    const notes = async (...args: string[]): Promise<string> =>
      textsAt(
        (await helm.manifests(args, directory)).find(({ metadata }) => metadata.name === 'notes'),
        'data',
      )['notes']!;
    const usual = await notes();
    t.match(usual, 'ws://twist.sockets:80/');
    t.notMatch(usual, 'WARNING');
    t.match(
      await notes('--set', 'config.maxConnections=60000'),
      /WARNING: 60000 connections .* count as 468 MiB/,
    );
    t.match(
      await notes('--set', 'tls.secretName=a,config.maxConnections=12000'),
      /count as 375 MiB/,
    );
    t.match(await notes('--set', 'replicaCount=1'), 'WARNING: there is one pod');
    t.match(
      await notes('--set', 'recording.enabled=true'),
      'WARNING: recordings are in an emptyDir',
    );
    t.match(
      await notes('--set', 'autoscaling.enabled=true,autoscaling.targetSessions=5000'),
      'less than two and a half times',
    );
    t.match(await notes(...valuesOf('everything')), 'By the gateway: wss://ws.example.com/ws');
  });
}
