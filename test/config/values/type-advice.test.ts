import t from 'tap';
import type { JsonType } from '../../../src/config/messages.js';
import {
  count,
  duration,
  file,
  toggle,
  toggleOrAuto,
  type Kind,
} from '../../../src/config/values/values.js';
import { listenAddresses } from '../../../src/config/values/list-values.js';
import { routes } from '../../../src/config/values/proxy-values.js';
import { typeAdvice } from '../../../src/config/values/type-advice.js';

function sentence(
  kind: Kind<unknown>,
  given: unknown,
  types: readonly JsonType[],
  path: readonly PropertyKey[] = [],
): string {
  const there = path.reduce<unknown>((value, part) => (value as never)[part], given);
  const fault = { path, clause: 'CLAUSE', types };
  const { shown, clause } = typeAdvice(kind, given, fault, JSON.stringify(there));
  return `${shown}: ${clause}`;
}

t.test('the same value in the type that is taken', async (t) => {
  const text = ['string', 'array'] as const;
  for (const [made, expected] of [
    [sentence(listenAddresses(), 9001, text), 'the number 9001: write "9001", with quotes'],
    [
      sentence(listenAddresses(), ['80', 81], ['string'], [1]),
      'the number 81: write "81", with quotes',
    ],
    [sentence(routes(), { '/a': 5 }, ['string'], ['/a']), 'the number 5: CLAUSE, in quotes'],
    [sentence(toggle(), 'true', ['boolean']), 'the text "true": write true, without quotes'],
    [sentence(toggle(), 'Off', ['boolean']), 'the text "Off": write false, without quotes'],
    [sentence(toggle(), '1', ['boolean']), 'the text "1": write true, without quotes'],
    [sentence(toggleOrAuto(), 'off', []), '"off": write false, without quotes'],
  ] as const)
    t.equal(made, expected);
});

t.test('nothing, in the word that the option has for it', async (t) => {
  for (const nothing of [null, false])
    t.equal(
      sentence({ ...file(), clause: '' }, nothing, ['string']),
      `${String(nothing)}: CLAUSE, in quotes`,
      'a clause without such a word',
    );
  const fault = { path: [], clause: 'give a duration, or off', types: ['string'] } as const;
  t.strictSame(typeAdvice(duration({ canBeOff: true }), 0, fault, '0'), {
    shown: 'the number 0',
    clause: 'write "off", with quotes',
  });
  t.strictSame(typeAdvice(duration(), 0, fault, '0').clause, 'give a duration, or off, in quotes');
});

t.test('no other type would do', async (t) => {
  for (const [made, expected] of [
    [sentence(duration(), 30, ['string']), 'the number 30: CLAUSE, in quotes'],
    [sentence(file(), true, ['string']), 'true: CLAUSE, in quotes'],
    [sentence(file(), { a: 1 }, ['string']), '{"a":1}: CLAUSE, in quotes'],
    [sentence(toggle(), 'maybe', ['boolean']), 'the text "maybe": CLAUSE, without quotes'],
    [sentence(toggle(), 1, ['boolean']), 'the number 1: CLAUSE'],
    [sentence(count({ min: 1, max: 9 }), true, ['number', 'string']), 'true: CLAUSE'],
    [sentence(count({ min: 1, max: 9 }), 'many', []), '"many": CLAUSE'],
    [sentence(count({ min: 1, max: 9 }), 10, []), '10: CLAUSE'],
  ] as const)
    t.equal(made, expected);
});
