import t from 'tap';
import { OVER_TOTAL } from '../../../src/recording/file/kept-files.js';
import { WriteFailure } from '../../../src/recording/file/write-failure.js';
import { KeptLog } from '../../fixtures/kept-log.js';

const errorOf = (code: string): Error => Object.assign(new Error(code), { code });

t.test('it is logged when it begins, not at each attempt, and when it is over', async (t) => {
  const log = new KeptLog();
  const failure = new WriteFailure(log, 60_000);
  failure.note(errorOf('ENOSPC'), 'file', 1);
  failure.note(errorOf('EIO'), 'file', 2);
  t.equal(failure.code, 'EIO', 'the last one');
  failure.end('file-2');
  t.match(log.lines, [
    {
      level: 'error',
      message: 'the recording cannot be written',
      fields: { file: 'file', error: 'ENOSPC' },
    },
    {
      level: 'info',
      message: 'the recording is written again',
      fields: { file: 'file-2', error: 'EIO', afterMs: Number, lost: 0 },
    },
  ]);
  t.equal(log.lines.length, 2);
});

t.test('it is logged again and again while it lasts', async (t) => {
  const log = new KeptLog();
  const failure = new WriteFailure(log, 0);
  failure.note(errorOf('ENOSPC'), 'file', 1);
  failure.lose(3);
  failure.note(new Error('no code'), 'file', 7);
  t.match(log.lines[1], {
    level: 'error',
    message: 'the recording still cannot be written',
    fields: { error: 'Error: no code', forMs: Number, queuedBytes: 7, lost: 3 },
  });
});

t.test('how much is lost by it', async (t) => {
  const log = new KeptLog();
  const failure = new WriteFailure(log, 0);
  failure.lose(2);
  failure.lose(3);
  t.equal(failure.lost, 5);
  failure.end('file');
  t.match(log.lines, [{ fields: { lost: 5 } }]);
});

t.test('a recording that has reached its size', (t) => {
  const log = new KeptLog();
  new WriteFailure(log, 60_000).note(errorOf(OVER_TOTAL), 'file', 1);
  t.match(log.lines, [
    {
      level: 'error',
      message: 'the recording has reached its size',
      fields: { file: 'file', error: OVER_TOTAL },
    },
  ]);
  t.end();
});
