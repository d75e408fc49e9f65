import t from 'tap';
import { guardedLog } from '../../src/app/guarded-log.js';
import type { Log } from '../../src/log.js';
import { KeptLog } from '../fixtures/kept-log.js';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

t.test('lines reach the log, which stays who it is', async (t) => {
  const kept = new KeptLog();
  const log = guardedLog(kept);
  for (const level of LEVELS) log[level]({ level }, 'said');
  t.strictSame(
    kept.lines,
    LEVELS.map((level) => ({ level, message: 'said', fields: { level } })),
  );
});

t.test('whatever becomes of a line, nobody hears of it', async (t) => {
  const throws = (): never => {
    throw new Error('no log');
  };
  const rejects = async (): Promise<never> => Promise.reject(new Error('no log'));
  const then = {
    get then(): never {
      return throws();
    },
  };
  const broken: object = {
    debug: throws,
    info: rejects,
    warn: () => then,
    error: throws,
  };
  const log = guardedLog(broken as Log);
  for (const level of LEVELS) log[level]({}, 'lost');
  await new Promise(setImmediate);
  t.pass('and no rejection is left over');
});
