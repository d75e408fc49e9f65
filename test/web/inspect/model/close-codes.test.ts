import t from 'tap';
import { isSendableCloseCode } from '../../../../src/protocol/close.js';
import { CLOSE_CODES, closeFault } from '../../../../web/inspect/model/close-codes.js';

t.test('codes that a server may send', async (t) => {
  for (const [code] of CLOSE_CODES) t.equal(closeFault(String(code), ''), null);
  for (let code = 0; code < 6000; code++) {
    // 1010 is a client's.
    const isFine = isSendableCloseCode(code) && code !== 1010;
    if ((closeFault(String(code), '') === null) !== isFine) t.fail(`${code}`);
  }
  for (const text of ['', 'abc', '1000.5', '1e3', '1005'])
    t.match(closeFault(text, ''), { of: 'code' }, text);
});

t.test('a reason fits into a Close frame', async (t) => {
  t.equal(closeFault('1000', 'x'.repeat(123)), null);
  t.strictSame(closeFault('1000', 'ü'.repeat(62)), {
    of: 'reason',
    sentence: 'The reason has 124 bytes; a Close frame has room for 123.',
  });
});
