import t from 'tap';
import { load } from '../../src/config/load.js';
import { parseRouteMode } from '../../src/config/values/route-text.js';
import { collectorMode } from '../../src/modes/record.js';
import { echoMode } from '../../src/modes/echo.js';
import { BUILT_IN_MODES, filesEachOf, prepareModes } from '../../src/modes/registry.js';
import { TcpMode } from '../../src/modes/tcp/tcp-mode.js';
import type { Reloadable } from '../../src/reloadable.js';
import { KeptLog } from '../fixtures/kept-log.js';

t.test('each word has its mode; words that share one share what it holds', async (t) => {
  let readings = 0;
  const files = {
    readFile: () => {
      readings++;
      return '';
    },
    importFile: () => Promise.resolve(null),
  };
  const flags = { tokenFile: 'tokens' };
  const { settings, values } = load({ flags, environment: {}, readFile: () => '' });
  const reloadables: Reloadable[] = [];
  const log = new KeptLog();
  const context = { settings, values, files, log, clientLog: log, reloadables };
  const make = await prepareModes(context);
  t.equal(readings, 1, 'the file of the tokens is looked at once');
  t.equal(make({ kind: 'echo' }), echoMode);
  t.equal(make({ kind: 'record' }), collectorMode);
  const [proxy, tokens] = ['tcp:a:1', 'token'].map((text) => {
    const asked = parseRouteMode(text);
    if (asked === null || asked.kind === 'mode') throw new Error(text);
    return make(asked);
  });
  t.ok(proxy instanceof TcpMode && tokens instanceof TcpMode);
  t.match(reloadables, [{ what: 'tokens' }]);
});

t.test('how many files a session keeps open', async (t) => {
  t.strictSame(
    Object.keys(BUILT_IN_MODES).map((word) => [
      word,
      filesEachOf(word as keyof typeof BUILT_IN_MODES),
    ]),
    [
      ['echo', 1],
      ['record', 1],
      ['replay', 2],
      ['tcp', 2],
      ['token', 2],
    ],
  );
  t.equal(filesEachOf('mode'), 1);
});

t.test('a mode that no setting asks for is not prepared', async (t) => {
  const { settings, values } = load({
    flags: { echo: true },
    environment: {},
    readFile: () => '',
  });
  const log = new KeptLog();
  const files = { readFile: () => '', importFile: () => Promise.resolve(null) };
  const context = { settings, values, files, log, clientLog: log, reloadables: [] };
  const make = await prepareModes(context);
  t.equal(make({ kind: 'echo' }), echoMode);
  t.throws(() => make({ kind: 'token' }), { message: 'no setting asks for token' });
});

t.test('a replay is prepared where one is served', async (t) => {
  const { settings, values } = load({
    flags: { route: ['/a=replay:/nowhere/a.ndjson'] },
    environment: {},
    readFile: () => '',
  });
  const log = new KeptLog();
  const files = { readFile: () => '', importFile: () => Promise.resolve(null) };
  const context = { settings, values, files, log, clientLog: log, reloadables: [] };
  await t.rejects(prepareModes(context), { name: 'ConfigError' });
});
