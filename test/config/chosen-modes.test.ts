import t from 'tap';
import {
  MODES,
  chosenModes,
  servedModes,
  withoutYieldingModes,
} from '../../src/config/chosen-modes.js';
import { valuesInForce } from '../../src/config/load.js';
import { OPTIONS } from '../../src/config/options/options.js';
import { readObject } from '../../src/config/read-object.js';
import type { ProvidedSettings } from '../../src/config/settings.js';
import {
  type Environment,
  type Flags,
  readEnvironment,
  readFlags,
  readPresets,
} from '../../src/config/text-sources.js';

interface Given {
  readonly flags?: Flags;
  readonly environment?: Environment;
  readonly file?: object;
}

/** What is in force before a mode has given way. */
function valuesOf({ flags = {}, environment = {}, file = {} }: Given): ProvidedSettings {
  return valuesInForce(OPTIONS, [
    readFlags(OPTIONS, flags),
    readEnvironment(OPTIONS, environment),
    readObject(OPTIONS, file, { source: 'file', from: 'twist.json', help: '' }),
    readPresets(OPTIONS, environment),
  ]) as unknown as ProvidedSettings;
}

t.test('the modes that are given, and what they mean', async (t) => {
  const target = { kind: 'tcp', host: 'a', port: 1, text: 'a:1' };
  t.strictSame(chosenModes(valuesOf({})), {});
  t.strictSame(
    chosenModes(
      valuesOf({
        flags: { echo: true, tcp: 'a:1', tokenFile: 't', mode: 'm', replay: 'r' },
      }),
    ),
    {
      echo: { kind: 'echo' },
      tcp: { kind: 'tcp', target },
      tokenFile: { kind: 'token' },
      mode: { kind: 'mode', file: 'm' },
      replay: { kind: 'replay', file: 'r' },
    },
  );
  const forRoutes = valuesOf({ flags: { tokenFile: 't', route: ['/a=token', '/b=echo'] } });
  t.strictSame(chosenModes(forRoutes), {}, 'the tokens are for a route');
  t.strictSame(servedModes(forRoutes), [{ kind: 'token' }, { kind: 'echo' }]);
  t.strictSame(servedModes(valuesOf({ flags: { echo: true, route: ['/b=tcp:a:1'] } })), [
    { kind: 'tcp', target },
    { kind: 'echo' },
  ]);
});

t.test('a preset mode gives way to whatever is chosen, wherever that is', async (t) => {
  const preset = { TWIST_DEFAULT_ECHO: 'true' };
  for (const given of [
    { flags: { tcp: 'a:1' } },
    { flags: { mode: 'm' } },
    { flags: { route: ['/a=echo'] } },
    { flags: { record: 'r' } },
    { environment: { TWIST_TCP: 'a:1' } },
    { environment: { TWIST_ROUTE: '/a=token' } },
    { file: { tokenFile: 't' } },
    { file: { replay: 'r' } },
  ]) {
    const environment = { ...preset, ...given.environment };
    const { echo } = withoutYieldingModes(valuesOf({ ...given, environment }));
    t.strictSame(echo, { value: false, source: 'default', from: 'default' }, JSON.stringify(given));
  }
});

t.test('it stays where nothing is chosen', async (t) => {
  const environment = { TWIST_DEFAULT_ECHO: 'true', TWIST_DEFAULT_RECORD: 'r' };
  for (const given of [
    {},
    { flags: { tcp: 'off' } },
    { file: { tcp: 'off', tokenFile: 'off', routes: {}, record: 'off' } },
    { flags: { maxMessage: '1k', static: 'public' } },
  ]) {
    const { echo } = withoutYieldingModes(valuesOf({ ...given, environment }));
    t.match(echo, { value: true, source: 'preset' }, JSON.stringify(given));
  }
  const off = withoutYieldingModes(valuesOf({ flags: { echo: false }, environment }));
  t.match(off.echo, { value: false, source: 'flag' });
  const chosen = withoutYieldingModes(valuesOf({ flags: { echo: true }, environment }));
  t.match(chosen.echo, { value: true, source: 'flag' }, 'what is chosen stays');
});

t.test('two modes that both are chosen are no case for this', async (t) => {
  const values = valuesOf({ flags: { echo: true }, file: { tcp: 'a:1' } });
  t.equal(Object.keys(chosenModes(withoutYieldingModes(values))).length, 2);
  t.equal(MODES.length, 5);
});
