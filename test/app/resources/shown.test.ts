import t from 'tap';
import { shownOf, toldOf } from '../../../src/app/resources/shown.js';
import { load } from '../../../src/config/load.js';
import type { Flags } from '../../../src/config/text-sources.js';

const settingsOf = (flags: Flags): Parameters<typeof shownOf>[0] =>
  load({ flags: { echo: true, ...flags }, environment: {}, readFile: () => '' }).settings;

t.test('what the operator has named is shown', async (t) => {
  const flags = { record: 'a', recordHeaders: 'x-room', subprotocol: 'chat', route: ['/a=echo'] };
  t.match(shownOf(settingsOf(flags)), {
    headers: ['x-room'],
    subprotocols: ['chat'],
    paths: ['/a'],
    tokensIn: null,
  });
  t.match(shownOf(settingsOf({})), { subprotocols: [] });
});

t.test('clients are told the same of their own requests, or everything', async (t) => {
  const settings = settingsOf({});
  t.strictSame(toldOf(settings), shownOf(settings));
  t.strictSame(toldOf(settingsOf({ echoRequest: 'full' })), { headers: '*', query: '*' });
});
