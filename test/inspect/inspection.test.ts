import { Buffer } from 'node:buffer';
import t from 'tap';
import { LiveInspection } from '../../src/inspect/inspection.js';
import type { ModeSession, SessionSummary } from '../../src/session/session.js';
import { MIN_MEMORY_BYTES } from '../../src/inspect/store/live-store.js';
import { FakePageSession, bytesOf } from '../fixtures/inspected.js';
import { FILE } from '../fixtures/recorded-lines.js';

t.test('what whoever brings the lines has to know of them', async (t) => {
  const inspection = new LiveInspection({
    ...{ version: '1', spoolDir: '/tmp', memoryBytes: MIN_MEMORY_BYTES, isForeign: true },
  });
  t.notOk(inspection.isRecording);
  inspection.receive(bytesOf(['hello']));
  t.equal(inspection.damaged, 1);
  inspection.receive(bytesOf([FILE]));
  t.ok(inspection.isRecording);
  t.equal(inspection.exceededBytes, null);
  inspection.receive(Buffer.alloc(MIN_MEMORY_BYTES));
  inspection.end();
  t.equal(inspection.exceededBytes, MIN_MEMORY_BYTES / 8);
  inspection.fail('the disk failed');
  const session = new FakePageSession() as FakePageSession & ModeSession;
  const { mode } = inspection;
  mode.open?.(session);
  t.match(
    session.told.find(({ news }) => news === 'state'),
    { fault: 'the disk failed', hasEnded: true },
  );
  mode.close?.(session, {} as SessionSummary);
});
