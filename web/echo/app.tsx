/** The page: what one does on the left, what was seen on the right. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ThemeToggle } from '../shared/theme.js';
import { formatCount } from '../shared/model/units.js';
import type { Bench } from './bench.js';
import { ConnectPanel } from './connect-panel.js';
import { type Facts, NO_FACTS, loadFacts, loadRequest } from './facts.js';
import { LogPanel } from './log-panel.js';
import { LinesPanel } from './lines-panel.js';
import { ResultsPanel } from './results-panel.js';
import { SendPanel } from './send-panel.js';
import { SessionPanel } from './session-panel.js';
import { ownUrl } from './model/target.js';

const STATES = {
  closed: ['Not connected', ''],
  connecting: ['Connecting', 'is-warning'],
  open: ['Connected', 'is-good'],
  closing: ['Closing', 'is-warning'],
} as const;

/** What to connect to, as it was last found good. */
export interface Target {
  readonly url: string;
  readonly subprotocols: readonly string[];
}

export function App({ bench }: { readonly bench: Bench }) {
  useChanges(bench);
  const [facts, setFacts] = useState<Facts>(NO_FACTS);
  const [request, setRequest] = useState<string | null>(null);
  const [target, setTarget] = useState<Target>({ url: ownUrl(location), subprotocols: [] });
  useEffect(() => {
    void loadFacts().then(setFacts);
    void loadRequest().then(setRequest);
  }, []);
  const [words, color] = STATES[bench.state];
  const { sent, received } = bench.verifier;
  return (
    <div class="page">
      <header class="top">
        <h1>
          twist <span class="muted">echo</span>
        </h1>
        <p class={`state ${color}`} role="status">
          <span class="dot" aria-hidden="true" />
          {words}
        </p>
        <p class="muted counts">
          <span aria-hidden="true">↑</span>
          <span class="unseen">sent</span> {formatCount(sent)} <span aria-hidden="true">↓</span>
          <span class="unseen">received</span> {formatCount(received)}
        </p>
        <span class="muted version">{facts.version}</span>
        <ThemeToggle />
      </header>
      <main class="columns">
        <div class="column is-actions">
          <ConnectPanel bench={bench} facts={facts} onTarget={setTarget} />
          <SendPanel bench={bench} maxMessage={facts.maxMessage} />
        </div>
        <div class="column is-log">
          <LogPanel bench={bench} />
        </div>
        <div class="column is-seen">
          <ResultsPanel bench={bench} />
          <SessionPanel bench={bench} request={request} />
          <LinesPanel target={target} />
        </div>
      </main>
    </div>
  );
}

/** Draws again when something has changed, once for each frame of the screen. */
function useChanges(bench: Bench): void {
  const [, redraw] = useState(0);
  const isDue = useRef(false);
  useEffect(() => {
    bench.onChange = () => {
      if (isDue.current) return;
      isDue.current = true;
      requestAnimationFrame(() => {
        isDue.current = false;
        redraw((times) => times + 1);
      });
    };
    return () => {
      bench.onChange = () => undefined;
    };
  }, [bench]);
}
