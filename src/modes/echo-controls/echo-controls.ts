/**
 * The echo that does what its clients ask for by query. A request without a control is served by the plain echo, at its
 * full speed; one with controls has a mode of its own.
 */
import type { MemoryAccount } from '../../budget/memory-account.js';
import { type Turns, loopTurns } from '../../budget/turns.js';
import type { Extension } from '../../extensions/extension.js';
import { brokenAnswer } from '../../handshake/break/broken-answer.js';
import { type Redaction, STRICT_REDACTION } from '../../handshake/redaction/redaction.js';
import type { UpgradeRequest } from '../../handshake/request.js';
import { requestJson } from '../../http/request-json.js';
import { brokenRule } from '../../protocol/break/broken-rules.js';
import type { DataOpcode } from '../../protocol/frame.js';
import type { Chosen, Mode } from '../../session/mode.js';
import type { RawOutput } from '../../session/raw-output.js';
import type { ModeSession } from '../../session/session.js';
import type { ModeContext } from '../built-in.js';
import { echoMode } from '../echo.js';
import { EchoPlayer } from './echo-player.js';
import { type EchoControls, parseControls, refuse } from './parse-controls.js';
import { TICKER, type Ticker } from './session-clock.js';

/** The extension that some rules are broken with. */
const DEFLATE = 'permessage-deflate';

/** What the sessions of a server share. */
export interface EchoParts {
  /** Is charged for what waits; by default nobody is. */
  readonly memory?: MemoryAccount;
  /** What clients are told of their requests; by default what is harmless. */
  readonly redaction?: Redaction;
  readonly ticker?: Ticker;
  /** By default the event loop's, with all others. */
  readonly turns?: Pick<Turns, 'servedUs' | 'spend' | 'add'>;
  readonly chance?: () => number;
}

export function controlledEcho({ memory, redaction }: ModeContext): Mode {
  return makeControlledEcho({
    ...(memory === undefined ? {} : { memory }),
    ...(redaction === undefined ? {} : { redaction }),
  });
}

/** @returns the plain echo, but for requests that have controls */
export function makeControlledEcho(parts: EchoParts = {}): Mode {
  return {
    ...echoMode,
    choose(request: UpgradeRequest, extensions: readonly Extension[]): Chosen | null {
      const controls = parseControls(request.query);
      if (controls === null) return null;
      return {
        mode: new ControlledEcho(controls, parts),
        extensions: extensionsFor(controls, request, extensions),
      };
    },
  };
}

/** What a client may negotiate: fragments and broken frames are to leave as they are. */
function extensionsFor(
  { ending, fragment, throttle }: EchoControls,
  { extensionOffers }: UpgradeRequest,
  extensions: readonly Extension[],
): readonly Extension[] {
  if (ending?.kind !== 'break') return fragment > 0 || throttle > 0 ? [] : extensions;
  if (brokenRule(ending.rule).needsDeflate !== true) return [];
  const deflate = extensions.filter(({ name }) => name === DEFLATE);
  const control = `the control break=${ending.rule} needs ${DEFLATE}`;
  if (deflate.length === 0) refuse(`${control}, which is switched off here`);
  if (!extensionOffers.some(({ name }) => name === DEFLATE))
    refuse(`${control}: offer it in Sec-WebSocket-Extensions`);
  return deflate;
}

/** The mode of one session. */
export class ControlledEcho implements Mode {
  // As the plain one, so that whatever is told of modes is the same.
  readonly name = echoMode.name;
  readonly delivery = 'messages';

  readonly #controls: EchoControls;
  readonly #parts: EchoParts;

  constructor(controls: EchoControls, parts: EchoParts) {
    this.#controls = controls;
    this.#parts = parts;
  }

  upgrade(session: ModeSession, request: UpgradeRequest): void {
    const { ending, hasInfo, names } = this.#controls;
    const needsDeflate = ending?.kind === 'break' && brokenRule(ending.rule).needsDeflate === true;
    if (needsDeflate && session.extensions === null)
      refuse(
        `the control break=${ending.rule} needs ${DEFLATE}, and what was offered of it cannot be agreed on`,
      );
    const { memory = null, ticker = TICKER, turns = loopTurns, chance = Math.random } = this.#parts;
    const info = hasInfo ? this.#describe(session, request) : null;
    session.data = new EchoPlayer(session, {
      controls: this.#controls,
      info,
      memory,
      ticker,
      turns,
      chance,
    });
    session.notes = { controls: names };
  }

  #describe(session: ModeSession, request: UpgradeRequest): string {
    const { path, query, host, scheme, headers, tls = null } = request;
    const { redaction = STRICT_REDACTION } = this.#parts;
    const told = {
      method: 'GET',
      path,
      query,
      httpVersion: '1.1',
      host,
      scheme: scheme === 'wss' ? 'https' : 'http',
      headers,
      tls,
    } as const;
    const { subprotocol, extensions } = session;
    const agreed = {
      subprotocol: subprotocol === null ? null : redaction.subprotocol(subprotocol),
      extensions,
    };
    return requestJson(told, session, redaction, agreed);
  }

  changeAnswer(head: Uint8Array, request: UpgradeRequest): Uint8Array {
    const { ending } = this.#controls;
    return ending?.kind === 'break' ? brokenAnswer(ending.rule, head, request) : head;
  }

  openRaw(session: ModeSession, raw: RawOutput): void {
    playerOf(session).start(raw);
  }

  message(
    session: ModeSession,
    opcode: DataOpcode,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    playerOf(session).receive(opcode, bytes.subarray(start, end));
  }

  drain(session: ModeSession): void {
    playerOf(session).drained();
  }

  heldBytes(session: ModeSession): number {
    return playerOf(session).heldBytes;
  }

  closing(session: ModeSession): void {
    playerOf(session).clientClosed();
  }

  close(session: ModeSession): void {
    playerOf(session).stop();
  }
}

function playerOf({ data }: ModeSession): EchoPlayer {
  return data as EchoPlayer;
}
