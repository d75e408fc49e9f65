import t from 'tap';
import type { Option } from '../../../src/config/options/option.js';
import { RECORD_OPTIONS, REPLAY_OPTIONS } from '../../../src/config/options/recording-options.js';

t.test('all stand under one heading', async (t) => {
  for (const [key, { group }] of Object.entries<Option>(RECORD_OPTIONS))
    t.equal(group, 'Recording', key);
});

t.test('the ranges of values', async (t) => {
  const rows: Readonly<Record<string, Option>> = RECORD_OPTIONS;
  for (const [key, taken, refused] of [
    ['record', ['off', 'a.ndjson'], ['']],
    ['recordPayload', ['full', 'none', 1, '4k'], [0, -1, 'all', 1024 ** 3 + 1]],
    ['recordHeaders', ['none', '*', 'x-a,x-b', ['x-a']], ['', 'x a', 'x-a,', 7]],
    ['recordQuery', ['none', '*', 'a,b[c]', ['a']], ['', 'a=b', 'a,a', 7]],
    ['recordFrames', [true, false], ['true']],
    ['recordSync', ['none', 'interval', 'always'], ['off']],
    ['recordFull', ['stop', 'drop'], ['off']],
    ['recordRotate', ['off', '64k', 1024 ** 4], [0, 65_535, '63k', 1024 ** 4 + 1]],
    ['recordQueue', ['64k', '8m'], [65_535, 'off']],
  ] as const) {
    for (const value of taken) t.ok(rows[key]?.type.schema.safeParse(value).success, key);
    for (const value of refused) t.notOk(rows[key]?.type.schema.safeParse(value).success, key);
  }
});

t.test('all stand under one heading, and only a command has them', async (t) => {
  for (const [key, { group }] of Object.entries<Option>(REPLAY_OPTIONS)) {
    t.equal(group, 'Mode', key);
  }
});

t.test('what is taken', async (t) => {
  const rows: Readonly<Record<string, Option>> = REPLAY_OPTIONS;
  for (const [key, taken, refused] of [
    ['replay', ['off', 'a.ndjson'], ['']],
    ['replaySession', ['off', '01J', 7], ['', 0]],
    ['replaySpeed', ['0', '0.5', 10], ['fast', -1]],
    ['replayStrict', [true, false], ['yes']],
  ] as const) {
    for (const value of taken) t.ok(rows[key]?.type.schema.safeParse(value).success, key);
    for (const value of refused) t.notOk(rows[key]?.type.schema.safeParse(value).success, key);
  }
});
