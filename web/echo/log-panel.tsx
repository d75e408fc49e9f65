/** What has happened, line by line, and all of the line that is chosen. */
import { useState } from 'preact/hooks';
import { VirtualList } from '../shared/virtual-list.js';
import { formatBytes, formatClock, formatCount } from '../shared/model/units.js';
import type { Bench } from './bench.js';
import { EntryView } from './entry-view.js';
import { LOG_BOUNDS, type LogEntry } from './model/event-log.js';
import { textOf } from './model/payload.js';
import { formatMs } from './results-panel.js';
import { hexText } from '../shared/model/hex.js';

const ROW_HEIGHT = 26;
const PREVIEW = 160;

const SIGNS: Readonly<Record<LogEntry['kind'], readonly [sign: string, name: string]>> = {
  sent: ['↑', 'sent'],
  received: ['↓', 'received'],
  opened: ['●', 'opened'],
  closed: ['○', 'closed'],
  failed: ['✗', 'failed'],
  note: ['·', 'note'],
};

export function LogPanel({ bench }: { readonly bench: Bench }) {
  const { log } = bench;
  const { entries } = log;
  /** The id of an entry. */
  const [chosen, setChosen] = useState<number | null>(null);
  const [isFollowing, setFollowing] = useState(true);
  const found = entries.findIndex(({ id }) => id === chosen);
  const entry = entries[found];
  const choose = (place: number): void => {
    const next = entries[Math.min(Math.max(place, 0), entries.length - 1)];
    if (next === undefined) return;
    setChosen(next.id);
    setFollowing(false);
  };
  const key = (event: KeyboardEvent): void => {
    const at = found === -1 ? entries.length : found;
    const places: Readonly<Record<string, number>> = {
      ArrowUp: at - 1,
      ArrowDown: at + 1,
      PageUp: at - 10,
      PageDown: at + 10,
      Home: 0,
      End: entries.length - 1,
    };
    const place = places[event.key];
    if (event.key === 'Escape') setChosen(null);
    else if (place === undefined) return;
    else choose(place);
    event.preventDefault();
  };
  return (
    <section class="card log" aria-labelledby="log-title">
      <div class="card-head">
        <h2 id="log-title">Log</h2>
        <p class="muted hint">
          {log.left > 0 && entries.length > 0
            ? `the last ${formatCount(entries.length)}`
            : formatCount(entries.length)}
        </p>
        <button
          type="button"
          class="button is-quiet"
          aria-pressed={isFollowing}
          onClick={() => {
            setFollowing(!isFollowing);
          }}
        >
          Follow
        </button>
        <button
          type="button"
          class="button is-quiet"
          disabled={entries.length === 0}
          onClick={() => {
            setChosen(null);
            bench.clearLog();
          }}
        >
          Clear
        </button>
      </div>
      {entries.length === 0 ? (
        <div class="empty">
          <p>Connect, and send something.</p>
          <p class="hint">
            Up to {formatCount(LOG_BOUNDS.lines)} lines stay here; the oldest go first.
          </p>
        </div>
      ) : (
        <VirtualList
          class="log-list"
          role="listbox"
          aria-label="Events"
          tabIndex={0}
          aria-activedescendant={entry === undefined ? undefined : `entry-${entry.id}`}
          count={entries.length}
          rowHeight={ROW_HEIGHT}
          base={log.left}
          active={found === -1 ? null : found}
          isFollowing={isFollowing}
          onFollow={setFollowing}
          onKeyDown={key}
          draw={(index, style) => {
            const one = entries[index];
            return one === undefined ? null : (
              <div
                id={`entry-${one.id}`}
                role="option"
                aria-selected={one.id === chosen}
                aria-setsize={entries.length}
                aria-posinset={index + 1}
                class={`line is-${one.kind}`}
                style={style}
                onClick={() => {
                  choose(index);
                }}
              >
                <Line entry={one} />
              </div>
            );
          }}
        />
      )}
      {entry !== undefined && (
        <EntryView
          key={entry.id}
          entry={entry}
          onClose={() => {
            setChosen(null);
          }}
        />
      )}
    </section>
  );
}

function Line({ entry }: { readonly entry: LogEntry }) {
  const [sign, name] = SIGNS[entry.kind];
  return (
    <>
      <time class="muted mono">{formatClock(entry.time)}</time>
      <span class="sign" aria-hidden="true">
        {sign}
      </span>
      <span class="unseen">{name}</span>
      {'payload' in entry ? (
        <>
          <span class="number muted size">{formatBytes(entry.size)}</span>
          <span class="ellipsis mono preview">{previewOf(entry)}</span>
          {entry.kind === 'received' && <VerdictTag entry={entry} />}
        </>
      ) : (
        <span class="ellipsis words">{entry.text}</span>
      )}
    </>
  );
}

function VerdictTag({ entry }: { readonly entry: Extract<LogEntry, { kind: 'received' }> }) {
  const { verdict } = entry;
  if (verdict.kind === 'unasked') return <span class="tag is-warning">unasked</span>;
  if (verdict.kind === 'different') return <span class="tag is-bad">differs</span>;
  return (
    <>
      {verdict.skipped > 0 && <span class="tag is-bad">passed {formatCount(verdict.skipped)}</span>}
      <span class="tag is-good">{formatMs(verdict.ms)}</span>
    </>
  );
}

/** Its beginning on one line: bytes that are no text as hex. */
function previewOf(entry: Extract<LogEntry, { kind: 'sent' | 'received' }>): string {
  const { payload } = entry;
  if (typeof payload === 'string') return payload.slice(0, PREVIEW).replace(/\s+/g, ' ');
  const start = payload.slice(0, PREVIEW / 4);
  const text = textOf(start);
  // eslint-disable-next-line no-control-regex -- what no text has
  const isText = text !== null && !/[\u0000-\u0008\u000e-\u001f\u007f]/.test(text);
  return isText && payload.length > 0 ? text.replace(/\s+/g, ' ') : hexText(start);
}
