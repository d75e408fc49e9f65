import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { RecordingNames } from '../../../src/cli/convert/recording-names.js';
import { makeTempDir } from '../../fixtures/temp-dir.js';

t.test('what rotation makes of a name, and what it does not', async (t) => {
  const directory = makeTempDir(t);
  const own = [
    'traffic.ndjson',
    'traffic.ndjson.1',
    'traffic.ndjson.20261123T043105.123Z',
    'traffic.ndjson.20261123T043105.123Z.1',
    'traffic.ndjson.failed-20261123T043105.123Z',
    'traffic.ndjson-20261123',
    'traffic-20261123.ndjson',
    'traffic-20261123-1.ndjson',
  ];
  for (const name of [
    ...own,
    '.traffic.ndjson.lock',
    'traffic-old.ndjson',
    'xtraffic.ndjson',
    'trafficxndjson',
  ])
    writeFileSync(path.join(directory, name), '');
  const names = new RecordingNames(path.join(directory, 'traffic.ndjson'));
  t.equal(names.isFixed, true);
  t.same((await names.list()).sort(), own.map((name) => path.join(directory, name)).sort());
});

t.test('names by time, in directories by time', async (t) => {
  const directory = makeTempDir(t);
  const own = ['2026/fixed/a-11.ndjson', '2026/fixed/a-11.ndjson.1', '2027/fixed/a-01.ndjson'];
  const others = ['26/fixed/a-11.ndjson', '2026/other/a-11.ndjson', '2026/fixed/a-1.ndjson'];
  for (const name of [...own, ...others]) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    writeFileSync(path.join(directory, name), '');
  }
  mkdirSync(path.join(directory, '2028'));
  writeFileSync(path.join(directory, '2029'), '');
  const names = new RecordingNames(path.join(directory, '%Y/fixed/a-%m.ndjson'));
  t.equal(names.isFixed, false);
  t.same((await names.list()).sort(), own.map((name) => path.join(directory, name)).sort());
});

t.test('the working directory, one that is not there, and one that cannot be read', async (t) => {
  t.same(await new RecordingNames('package.json').list(), ['package.json']);
  t.same(await new RecordingNames('package.%Y').list(), []);
  t.same(await new RecordingNames('/nowhere/a').list(), []);
  t.equal(new RecordingNames('100%.ndjson').isFixed, true, 'no pattern, but a name');
  await t.rejects(new RecordingNames(`/${'x'.repeat(300)}/a`).list(), { code: 'ENAMETOOLONG' });
});
