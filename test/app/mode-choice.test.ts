import t from 'tap';
import { checkModes, chosenMode, modeProblem } from '../../src/app/mode-choice.js';
import { load } from '../../src/config/load.js';
import type { ProvidedSettings } from '../../src/config/settings.js';
import type { Environment, Flags } from '../../src/config/text-sources.js';
import { ConfigError } from '../../src/errors.js';

interface Given {
  readonly flags?: Flags;
  readonly environment?: Environment;
  readonly file?: object;
}

function valuesOf({ flags = {}, environment = {}, file }: Given): ProvidedSettings {
  const all = file === undefined ? flags : { ...flags, config: 'twist.json' };
  return load({ flags: all, environment, readFile: () => JSON.stringify(file) }).values;
}

t.test('the mode of all paths that have no route', async (t) => {
  const target = { kind: 'tcp', host: 'a', port: 1, text: 'a:1' };
  for (const [flags, mode] of [
    [{}, null],
    [{ echo: true }, { kind: 'echo' }],
    [{ tcp: 'a:1' }, { kind: 'tcp', target }],
    [{ tokenFile: 'tokens' }, { kind: 'token' }],
    [{ mode: 'a.mjs' }, { kind: 'mode', file: 'a.mjs' }],
    [{ replay: 'a.ndjson' }, { kind: 'replay', file: 'a.ndjson' }],
    [{ route: ['/a=echo'] }, null],
    [{ route: ['/a=echo'], tokenFile: 'tokens' }, { kind: 'token' }],
    [{ route: ['/a=token'], tokenFile: 'tokens' }, null],
    [{ route: ['/a=token'], tokenFile: 'tokens', echo: true }, { kind: 'echo' }],
    [{ static: 'public' }, null],
    [{ record: 'a.ndjson' }, { kind: 'record' }],
    [{ record: 'a.ndjson', echo: true }, { kind: 'echo' }],
    [{ record: 'a.ndjson', route: ['/a=echo'] }, null],
  ] as const) {
    const values = valuesOf({ flags });
    t.strictSame(chosenMode(values), mode, JSON.stringify(flags));
    t.doesNotThrow(() => {
      checkModes(values);
    });
  }
});

t.test('two of them: the one that was set last is to blame', async (t) => {
  for (const [given, names, source] of [
    [{ flags: { echo: true, mode: 'a.mjs' } }, '--echo and --mode', 'flag'],
    [
      { environment: { TWIST_ECHO: 'true', TWIST_TCP: 'a:1' } },
      'TWIST_ECHO and TWIST_TCP',
      'environment',
    ],
    [
      { file: { echo: true, tokenFile: 'a' } },
      'echo in twist.json and tokenFile in twist.json',
      'file',
    ],
    [{ file: { tcp: 'a:1' }, flags: { echo: true } }, '--echo and tcp in twist.json', 'flag'],
    [
      { file: { echo: true }, environment: { TWIST_TCP: 'a:1' }, flags: { tokenFile: 'a' } },
      'echo in twist.json and TWIST_TCP and --token-file',
      'flag',
    ],
  ] as const) {
    t.throws(
      () => {
        checkModes(valuesOf(given));
      },
      new ConfigError(`choose one mode, not ${names} together`, { source }),
    );
  }
});

t.test('a server needs something to serve', async (t) => {
  const sentence =
    'choose a mode: --echo, --tcp TARGET, --token-file PATH, --mode FILE, --replay FILE, --record FILE or --route PATH=MODE';
  t.equal(modeProblem(valuesOf({})), sentence);
  t.equal(
    modeProblem(valuesOf({}), 'call'),
    'choose a mode: echo, tcp, tokenFile, mode, replay, record or routes',
  );
  t.equal(modeProblem(valuesOf({ flags: { static: 'public' } })), sentence, 'files are no mode');
  t.equal(modeProblem(valuesOf({ flags: { echo: true } })), null);
  t.equal(modeProblem(valuesOf({ flags: { route: ['/a=echo'] } })), null);
  const tokens = { route: ['/a=token'], tokenFile: 'tokens' };
  t.equal(modeProblem(valuesOf({ flags: tokens })), null);
});
