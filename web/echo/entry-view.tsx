/** A message in full: as text, as JSON in good form, or as a hex dump. */
import { useState } from 'preact/hooks';
import { copyText } from '../shared/copy-text.js';
import { Segments } from '../shared/segments.js';
import { hexRow, hexRowCount, hexText } from '../shared/model/hex.js';
import { formatBytes, formatMoment } from '../shared/model/units.js';
import type { LogEntry } from './model/event-log.js';
import { bytesOf, textOf } from './model/payload.js';

interface EntryViewProps {
  readonly entry: LogEntry;
  readonly onClose: () => void;
}

type View = 'text' | 'json' | 'hex';

const VIEWS = [
  { value: 'text', label: 'Text' },
  { value: 'json', label: 'JSON' },
  { value: 'hex', label: 'Hex' },
] as const;

/** A dump has so many rows at most. */
const MAX_ROWS = 512;
const ROW_BYTES = 16;

/** What there is to see of an entry, by the view of it. */
function viewsOf(entry: LogEntry): ReadonlyMap<View, string> {
  if (!('payload' in entry)) return new Map([['text', entry.text]]);
  const { payload } = entry;
  const views = new Map<View, string>([['hex', hexDump(bytesOf(payload))]]);
  const text = textOf(payload);
  if (text === null) return views;
  views.set('text', text);
  const json = formattedJson(text);
  if (json !== null) views.set('json', json);
  return views;
}

function firstView(entry: LogEntry, views: ReadonlyMap<View, string>): View {
  if (views.has('json')) return 'json';
  return 'payload' in entry && typeof entry.payload !== 'string' ? 'hex' : 'text';
}

export function EntryView({ entry, onClose }: EntryViewProps) {
  const views = viewsOf(entry);
  const [view, setView] = useState(() => firstView(entry, views));
  const [said, setSaid] = useState('');
  const shown = views.get(view) ?? '';
  const copy = async (): Promise<void> => {
    const isDump = view === 'hex' && 'payload' in entry;
    const text = isDump ? hexText(bytesOf(entry.payload)) : shown;
    setSaid((await copyText(text)) ? 'Copied' : 'Not copied');
  };
  return (
    <div class="entry" role="region" aria-label="The chosen line">
      <div class="entry-head">
        <p class="hint muted">{describe(entry)}</p>
        {views.size > 1 && (
          <Segments
            legend="Show as"
            options={VIEWS.filter(({ value }) => views.has(value))}
            value={view}
            onChange={setView}
          />
        )}
        <button
          type="button"
          class="button"
          onClick={() => {
            void copy();
          }}
        >
          {said === '' ? 'Copy' : said}
        </button>
        <button type="button" class="button is-quiet is-icon" aria-label="Close" onClick={onClose}>
          <span aria-hidden="true">✕</span>
        </button>
      </div>
      <pre class={view === 'hex' ? 'code is-line' : 'code'} tabIndex={0} aria-label="Its content">
        {shown}
      </pre>
    </div>
  );
}

/** When it was, and what: `2026-11-30 20:17:39.289 · sent · text · 43 B`. */
function describe(entry: LogEntry): string {
  const moment = formatMoment(entry.time);
  if (!('payload' in entry)) return moment;
  const kind = typeof entry.payload === 'string' ? 'text' : 'binary';
  const cut = entry.isCut ? ['only its beginning was kept'] : [];
  return [moment, entry.kind, kind, formatBytes(entry.size), ...cut].join(' · ');
}

/** Null for what is no JSON, and for what is one plain value of it. */
function formattedJson(text: string): string | null {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

function hexDump(bytes: Uint8Array): string {
  const count = hexRowCount(bytes.length, ROW_BYTES);
  const rows = Array.from({ length: Math.min(count, MAX_ROWS) }, (_, index) => {
    const { offset, pairs, characters } = hexRow(bytes, index, ROW_BYTES);
    return `${offset}  ${pairs.join(' ').padEnd(3 * ROW_BYTES)} ${characters}`;
  });
  if (count > MAX_ROWS) rows.push('…');
  return rows.join('\n');
}
