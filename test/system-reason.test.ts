import t from 'tap';
import { systemReason } from '../src/system-reason.js';

t.test('errors of the system in words', async (t) => {
  const error = (code: string): Error => Object.assign(new Error(`${code}: bla`), { code });
  t.equal(systemReason(error('ENOENT')), 'there is no such file');
  t.equal(systemReason(error('ENOSPC')), 'the disk is full');
  t.equal(systemReason(error('EWHATEVER')), 'EWHATEVER');
  const special = { ENOENT: 'it is gone' };
  t.equal(systemReason(error('ENOENT'), special), 'it is gone');
  t.equal(systemReason(error('EIO'), special), 'the disk failed');
  t.equal(systemReason(new Error('something else')), 'something else');
});
