/** What was agreed on, how it ended, and what the server saw of this browser. */
import { formatMs } from './results-panel.js';
import { closeSentence } from './model/close-codes.js';
import type { Bench } from './bench.js';

interface SessionPanelProps {
  readonly bench: Bench;
  /** The answer to a plain request of this browser, as JSON; null while it is not known. */
  readonly request: string | null;
}

export function SessionPanel({ bench, request }: SessionPanelProps) {
  const { negotiated, ended } = bench;
  return (
    <section class="card" aria-labelledby="session-title">
      <h2 id="session-title">Negotiated</h2>
      {negotiated === null ? (
        <p class="hint muted">
          {ended === null
            ? 'Nothing yet.'
            : 'The handshake failed: the log of the server says why.'}
        </p>
      ) : (
        <dl class="facts">
          <dt>Subprotocol</dt>
          <dd>
            {negotiated.subprotocol === '' ? <None /> : <code>{negotiated.subprotocol}</code>}
          </dd>
          <dt>Extensions</dt>
          <dd>{negotiated.extensions === '' ? <None /> : <code>{negotiated.extensions}</code>}</dd>
          <dt>Protocol</dt>
          <dd>WebSocket version 13 (RFC 6455)</dd>
          <dt>Opened in</dt>
          <dd>{formatMs(negotiated.openMs)}</dd>
          {ended !== null && (
            <>
              <dt>Closed</dt>
              <dd class={ended.wasClean ? '' : 'is-bad'}>
                <code>{ended.code}</code> {ended.reason !== '' && <q>{ended.reason}</q>}{' '}
                <span class="muted">{closeSentence(ended.code)}</span>
              </dd>
            </>
          )}
        </dl>
      )}
      <details class="seen">
        <summary>Your request, as the server sees it</summary>
        {request === null ? (
          <p class="hint muted">It has not said.</p>
        ) : (
          <pre class="code" tabIndex={0} aria-label="Your request as JSON">
            {request.trim()}
          </pre>
        )}
      </details>
    </section>
  );
}

function None() {
  return <span class="muted">none</span>;
}
