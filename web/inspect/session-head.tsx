/** What is known of the session whose messages are shown. */
import type { SessionRow } from '../../src/inspect/page-protocol.js';
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatMoment,
} from '../shared/model/units.js';
import { CloseTag, CloseText } from './close-text.js';
import type { Inspector } from './inspector.js';
import { durationOf } from './model/sessions.js';

export function SessionHead({ inspector }: { readonly inspector: Inspector }) {
  const { session, place, hello } = inspector;
  if (session === null)
    return (
      <div class="session-head">
        <BackButton inspector={inspector} />
        <h2>{place.session === null ? 'All messages' : 'A session that is not here any more'}</h2>
        {place.session === null && (
          <span class="muted">
            of {counted(inspector.sessions.size, 'session')}, in the order in which they came
          </span>
        )}
        {place.session !== null && hello !== null && (
          <span class="muted mono">{place.session}</span>
        )}
      </div>
    );
  const { id, remote, url, opened, openRecord } = session;
  return (
    <div class="session-head">
      <BackButton inspector={inspector} />
      <h2 class="mono ellipsis" title={url}>
        <span class="muted">#{id}</span> {url}
      </h2>
      <span class="mono">{remote}</span>
      <CloseTag close={session.close} />
      <Tags session={session} />
      <span class="muted" title={`Opened ${formatMoment(opened, 6)}`}>
        {formatDuration(Math.floor(durationOf(session, inspector.now)))}
      </span>
      <Totals direction="in" traffic={session.in} />
      <Totals direction="out" traffic={session.out} />
      <span class="head-space" />
      {openRecord !== undefined && (
        <button
          type="button"
          class="button"
          onClick={() => {
            void inspector.goToRecord(openRecord);
          }}
        >
          Handshake
        </button>
      )}
      {session.close === undefined && hello?.canEndSessions === true && (
        <button
          type="button"
          class="button is-danger"
          disabled={!inspector.canEnd}
          onClick={() => {
            inspector.show('end');
          }}
        >
          End…
        </button>
      )}
      {session.close !== undefined && <CloseText close={session.close} />}
      {session.isPartial === true && (
        <p class="close-text muted">Its first records are not here any more.</p>
      )}
    </div>
  );
}

/** What was negotiated, and who serves it. */
function Tags({ session }: { readonly session: SessionRow }) {
  const { mode, subprotocol, extensions, tls, worker } = session;
  const tags = [
    mode,
    subprotocol,
    extensions,
    tls,
    worker === undefined ? null : `worker ${worker}`,
  ];
  return (
    <span class="tags">
      {tags
        .filter((tag) => tag !== null)
        .map((tag) => (
          <span key={tag} class="tag ellipsis" title={tag}>
            {tag}
          </span>
        ))}
    </span>
  );
}

function BackButton({ inspector }: { readonly inspector: Inspector }) {
  return (
    <button
      type="button"
      class="button is-quiet is-icon back"
      aria-label="Back to the sessions"
      title="Back to the sessions (Esc)"
      onClick={() => {
        inspector.go({ screen: 'sessions', session: null, record: null }, true);
      }}
    >
      <span aria-hidden="true">←</span>
    </button>
  );
}

interface TotalsProps {
  readonly direction: 'in' | 'out';
  readonly traffic: { readonly msgs: number; readonly bytes: number };
}

function Totals({ direction, traffic: { msgs, bytes } }: TotalsProps) {
  return (
    <span class="totals" title={direction === 'in' ? 'From the client' : 'To the client'}>
      <span class={`is-${direction}`} aria-hidden="true">
        {direction === 'in' ? '▲' : '▼'}
      </span>
      <span class="unseen">{direction === 'in' ? 'From the client: ' : 'To the client: '}</span>{' '}
      {formatCount(msgs)} <span class="muted">·</span> {formatBytes(bytes)}
    </span>
  );
}
