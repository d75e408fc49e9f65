import t from 'tap';
import { codeOf } from '../../../src/recording/file/error-code.js';

t.test('the name of an error', async (t) => {
  t.equal(codeOf(Object.assign(new Error('x'), { code: 'EIO' })), 'EIO');
  t.equal(codeOf(new Error('x')), 'Error: x');
});
