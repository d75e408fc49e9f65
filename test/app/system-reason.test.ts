import t from 'tap';
import { systemReason } from '../../src/app/system-reason.js';

t.test('errors of the system in words', async (t) => {
  const error = (code: string): Error => Object.assign(new Error(`${code}: bla`), { code });
  t.equal(systemReason(error('ENOENT')), 'there is no such file');
  t.equal(systemReason(error('ENOSPC')), 'the disk is full');
  t.equal(systemReason(error('EWHATEVER')), 'EWHATEVER');
  t.equal(systemReason(new Error('something else')), 'something else');
});
