/** The page: a head, what has to be said, one of two screens, and a foot with figures. */
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { counted, formatBytes, formatCount } from '../shared/model/units.js';
import { ThemeToggle } from '../shared/theme.js';
import { EndDialog } from './end-dialog.js';
import { HelpDialog } from './help-dialog.js';
import type { Inspector } from './inspector.js';
import { MESSAGES_ID, SESSIONS_ID } from './keys.js';
import { MessagesScreen } from './messages-screen.js';
import { lossText, memoryText } from './model/wording.js';
import { SessionsScreen } from './sessions-screen.js';

interface AppProps {
  readonly inspector: Inspector;
  /** Another one each time that something has changed. */
  readonly turn: number;
}

export function App({ inspector }: AppProps) {
  const { place, dialog, session, hello } = inspector;
  // With what is drawn, not behind it: the next key may be here before the next frame.
  useLayoutEffect(() => {
    // Whoever comes from elsewhere goes on by keyboard in the list.
    document.getElementById(place.screen === 'sessions' ? SESSIONS_ID : MESSAGES_ID)?.focus();
  }, [place.screen, place.session, hello === null]);
  useEffect(() => {
    document.title = `${titleOf(inspector)} – twist inspector`;
  });
  return (
    <div class="app">
      <Head inspector={inspector} />
      <Banners inspector={inspector} />
      {place.screen === 'sessions' ? (
        <SessionsScreen inspector={inspector} />
      ) : (
        <MessagesScreen inspector={inspector} />
      )}
      <Foot inspector={inspector} />
      {dialog === 'help' && <HelpDialog inspector={inspector} />}
      {dialog === 'end' && session !== null && (
        <EndDialog inspector={inspector} session={session} />
      )}
    </div>
  );
}

function titleOf({ place, session }: Inspector): string {
  if (place.screen === 'sessions') return 'Sessions';
  return session === null ? 'All messages' : `#${session.id} ${session.url}`;
}

function Head({ inspector }: { readonly inspector: Inspector }) {
  const { hello, place } = inspector;
  const isMessages = place.screen === 'messages';
  return (
    <header class="head">
      <h1>
        <span class="head-name">twist</span> <span class="head-part">inspector</span>
      </h1>
      <nav class="head-nav" aria-label="Screens">
        <a
          href="#/"
          aria-current={isMessages ? undefined : 'page'}
          onClick={(event) => {
            event.preventDefault();
            inspector.go({ screen: 'sessions', session: null, record: null }, true);
          }}
        >
          Sessions
        </a>
        <a
          href="#/all"
          aria-current={isMessages && place.session === null ? 'page' : undefined}
          onClick={(event) => {
            event.preventDefault();
            inspector.openMessages(null);
          }}
        >
          All messages
        </a>
      </nav>
      <span class="head-space" />
      <Source inspector={inspector} />
      {hello !== null && <span class="head-version muted">{hello.version}</span>}
      <button
        type="button"
        class="button is-quiet is-icon"
        aria-label="Keys"
        title="Keys (?)"
        onClick={() => {
          inspector.show('help');
        }}
      >
        ?
      </button>
      <ThemeToggle />
    </header>
  );
}

/** Where it comes from, and whether it still comes. */
function Source({ inspector }: { readonly inspector: Inspector }) {
  const { hello, link } = inspector;
  if (hello === null)
    return <span class="muted">{link.state === 'lost' ? '' : 'Connecting…'}</span>;
  if (hello.source === 'live') return <LiveSign inspector={inspector} workers={hello.workers} />;
  const { name = '', bytes = 0 } = hello.file ?? {};
  return (
    <span class="source ellipsis" title={name}>
      <span class="mono">{name}</span> <span class="muted">{formatBytes(bytes)}</span>
    </span>
  );
}

interface LiveSignProps {
  readonly inspector: Inspector;
  readonly workers: number | undefined;
}

function LiveSign({ inspector: { link, state }, workers = 1 }: LiveSignProps) {
  const isLive = link.state === 'open' && state?.hasEnded !== true;
  return (
    <span class={`source ${isLive ? 'is-good' : 'muted'}`}>
      <span aria-hidden="true">{isLive ? '●' : '○'}</span> {isLive ? 'Live' : 'Not live'}
      {workers > 1 && <span class="muted"> · {counted(workers, 'worker')}</span>}
    </span>
  );
}

function Banners({ inspector }: { readonly inspector: Inspector }) {
  const { link, state, viewFault, hello, notice } = inspector;
  const loss = state === null ? null : lossText(state);
  return (
    <section class="banners" aria-label="Notices">
      {link.state === 'lost' && (
        <div class="banner is-bad" role="alert">
          <strong>The connection to twist is lost.</strong>
          <span>
            {link.reason === '' ? 'The page tries again by itself.' : `It said: ${link.reason}`}
          </span>
          <button
            type="button"
            class="button"
            onClick={() => {
              link.retry();
            }}
          >
            Try now
          </button>
        </div>
      )}
      {state?.hasEnded === true && hello?.source === 'live' && (
        <div class="banner" role="status">
          The server has stopped: nothing more comes. What is here stays as long as this inspector
          runs.
        </div>
      )}
      {state?.fault !== undefined && (
        <div class="banner is-bad" role="alert">
          {state.fault}
        </div>
      )}
      {viewFault !== null && (
        <div class="banner is-bad" role="alert">
          {viewFault}
        </div>
      )}
      {loss !== null && <div class="banner">{loss}</div>}
      {notice !== '' && (
        <div class="notice" role="status">
          {notice}
        </div>
      )}
    </section>
  );
}

function Foot({ inspector }: { readonly inspector: Inspector }) {
  const { state, hello, sessions } = inspector;
  let open = 0;
  for (const { close } of sessions.values()) if (close === undefined) open++;
  const { memoryBytes, maxPayloadBytes } = hello ?? {};
  return (
    <footer class="foot">
      <span>
        {hello?.source === 'file'
          ? counted(sessions.size, 'session')
          : `${formatCount(open)} open, ${formatCount(sessions.size - open)} ended`}
      </span>
      {state !== null && <span>{counted(state.records, 'record')}</span>}
      {state?.progress !== undefined && state.progress < 1 && (
        <span class="foot-progress">
          Reading: {Math.floor(state.progress * 100)} %
          <progress value={state.progress} aria-label="Reading the file" />
        </span>
      )}
      <span class="head-space" />
      {maxPayloadBytes !== undefined && (
        <span class="foot-more">Payloads are kept up to {formatBytes(maxPayloadBytes)}</span>
      )}
      {state !== null && memoryBytes !== undefined && (
        <span class="foot-more">Memory: {memoryText(state.usedBytes, memoryBytes)}</span>
      )}
    </footer>
  );
}
