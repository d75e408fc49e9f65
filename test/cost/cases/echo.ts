/** What an echo with controls does with its query, and with what has to wait. */
import { Buffer } from 'node:buffer';
import { brokenAnswer } from '../../../src/handshake/break/broken-answer.js';
import { EchoPlayer } from '../../../src/modes/echo-controls/echo-player.js';
import { parseControls } from '../../../src/modes/echo-controls/parse-controls.js';
import type { RawOutput } from '../../../src/session/raw-output.js';
import type { ModeSession } from '../../../src/session/session.js';
import { FakeTicker } from '../../fixtures/fake-ticker.js';
import type { CostTable } from '../case.js';

const sent = (): string => 'sent';
const nothing = (): void => undefined;

/** A session that takes everything at once. */
const session = {
  sendRange: sent,
  sendChunkRange: sent,
  pause: nothing,
  resume: nothing,
} as unknown as ModeSession;

function playerOf(query: string, ticker: FakeTicker): EchoPlayer {
  const controls = parseControls(query)!;
  const player = new EchoPlayer(session, {
    controls,
    info: null,
    memory: null,
    ticker,
    // Nobody else is served: no turn is ever over.
    turns: { servedUs: 0, spend: () => false, add: nothing },
    chance: Math.random,
  });
  player.start({} as unknown as RawOutput);
  return player;
}

export const ECHO: CostTable = {
  'modes/echo-controls/parse-controls': [
    {
      name: 'a query of many parameters that are no controls',
      count: 5000,
      prepare: (count) => {
        const query = 'session-of-somebody=1&'.repeat(count);
        return () => parseControls(query);
      },
    },
    {
      name: 'one parameter with a long name',
      count: 50_000,
      prepare: (count) => {
        const query = `${'z'.repeat(count)}=1`;
        return () => parseControls(query);
      },
    },
  ],
  'modes/echo-controls/echo-player': [
    {
      name: 'small messages that wait for their time',
      count: 20_000,
      prepare: (count) => () => {
        const ticker = new FakeTicker();
        const player = playerOf('delay=1s', ticker);
        for (let number = 0; number < count; number++) player.receive(1, Buffer.from('a'));
        ticker.pass(60_000);
        return player;
      },
    },
    {
      name: 'a message in the smallest fragments',
      count: 100_000,
      prepare: (count) => () => {
        const ticker = new FakeTicker();
        const player = playerOf('fragment=1', ticker);
        player.receive(2, Buffer.alloc(count));
        ticker.pass(60_000);
        return player;
      },
    },
  ],
  'handshake/break/broken-answer': [
    {
      name: 'a client that offers the names that would be unasked',
      count: 20_000,
      prepare: (count) => {
        const subprotocols = Array.from({ length: count }, (_, index) =>
          index === 0 ? 'x-unasked' : `x-unasked-${index + 1}`,
        );
        const head = Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n');
        const asked = { key: '', subprotocols, extensionOffers: [] };
        return () => brokenAnswer('unasked-subprotocol', head, asked);
      },
    },
  ],
};
