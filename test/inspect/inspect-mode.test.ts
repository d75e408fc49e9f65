import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { HandshakeError, InvalidArgumentError } from '../../src/errors.js';
import { InspectMode, SUBPROTOCOL } from '../../src/inspect/inspect-mode.js';
import { FileInspection, LiveInspection } from '../../src/inspect/inspection.js';
import { MIN_MEMORY_BYTES } from '../../src/inspect/store/live-store.js';
import { WorkQueue } from '../../src/inspect/store/work-queue.js';
import { FakeSession } from '../fixtures/fake-session.js';
import { FakePageSession, bytesOf, liveStore } from '../fixtures/inspected.js';
import { RecordedLines, recordingText } from '../fixtures/recorded-lines.js';
import { makeTempDir } from '../fixtures/temp-dir.js';

const A = new RecordedLines('A');
const OPTIONS = { version: '1', spoolDir: '/tmp' };

function modeOf(): InspectMode {
  return new InspectMode(liveStore([A.open()]), new WorkQueue(), OPTIONS);
}

t.test('only its subprotocol is spoken', async (t) => {
  const mode = modeOf();
  t.throws(() => {
    mode.upgrade(new FakeSession());
  }, HandshakeError);
  t.doesNotThrow(() => {
    mode.upgrade(new FakePageSession());
  });
  t.equal(SUBPROTOCOL, 'twist-inspect.1');
  t.match(mode, { name: 'inspect', delivery: 'messages', defaults: { origin: 'same' } });
});

t.test('four pages at a time', async (t) => {
  const mode = modeOf();
  const pages = Array.from({ length: 5 }, () => new FakePageSession());
  for (const page of pages) mode.open(page);
  t.strictSame(
    pages.map(({ calls }) => calls.join()),
    ['', '', '', '', 'close 1013 4 pages are open already: close one of them'],
  );
  const refused = pages[4]!;
  mode.message(refused, 1, Buffer.from('{}'), 0, 2);
  mode.drain(refused);
  mode.close(refused);
  t.strictSame(refused.told, []);
  mode.close(pages[0]!);
  const next = new FakePageSession();
  mode.open(next);
  t.equal(next.takeNews('hello').length, 1, 'there is room again');
  for (const page of [...pages.slice(1, 4), next]) mode.close(page);
});

t.test('live traffic', async (t) => {
  t.throws(() => new LiveInspection({ ...OPTIONS, memoryBytes: 1 }), InvalidArgumentError);
  const inspection = new LiveInspection({ ...OPTIONS, memoryBytes: MIN_MEMORY_BYTES });
  const page = new FakePageSession();
  inspection.mode.open!(page);
  t.match(page.takeNews('hello'), [{ source: 'live', memoryBytes: MIN_MEMORY_BYTES }]);
  page.told.splice(0);
  inspection.receive(bytesOf([A.open(), A.in('a')]));
  while (page.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  t.match(page.takeNews('sessions'), [{ rows: [{ s: 'A' }] }], 'pages are told');
  page.told.splice(0);
  inspection.end();
  while (page.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  t.match(page.takeNews('state'), [{ hasEnded: true }]);
  const request = Buffer.from('{"ask":"record","id":3,"n":1}');
  inspection.mode.message!(page, 1, request, 0, request.length);
  t.match(await page.answer(3), { record: { data: 'a' } });
  inspection.mode.drain!(page);
  inspection.mode.close!(page, undefined as never);
});

t.test('a file', async (t) => {
  const file = path.join(makeTempDir(t), 'a.ndjson');
  const text = recordingText([A.open(), A.in('a')]);
  writeFileSync(file, text);
  t.throws(() => new FileInspection(`${file}x`, OPTIONS), { code: 'ENOENT' });
  const inspection = new FileInspection(file, { ...OPTIONS, isFollowed: true });
  t.teardown(() => {
    inspection.close();
  });
  const page = new FakePageSession();
  inspection.mode.open!(page);
  t.match(page.takeNews('hello'), [
    { source: 'file', file: { name: 'a.ndjson', bytes: text.length } },
  ]);
  t.match(page.takeNews('state'), [{ progress: 0 }]);
  await new Promise((resolve) => setTimeout(resolve, 250));
  const [state] = page.takeNews('state').slice(-1);
  t.match(state, { progress: 1, records: 2 });
  t.notOk('hasEnded' in state!, 'of a file there is no server that could end');
  inspection.mode.close!(page, undefined as never);
});
