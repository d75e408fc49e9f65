/** What is done with the list of messages: search, follow, pause, the way times are shown, files. */
import { useRef, useState } from 'preact/hooks';
import type { ExportFormat } from '../../src/inspect/page-protocol.js';
import { counted, formatCount } from '../shared/model/units.js';
import { Segments } from '../shared/segments.js';
import { exportFile } from './exporting.js';
import { ModeButtons } from './filter-bar.js';
import type { Inspector } from './inspector.js';
import { SEARCH_ID } from './keys.js';

const TIMES = [
  { value: 'clock', label: 'Clock', name: 'The time of day' },
  { value: 'relative', label: 'Session', name: 'Seconds since the session opened' },
  { value: 'gap', label: 'Δ', name: 'Since the message before it' },
] as const;

export function MessagesToolbar({ inspector }: { readonly inspector: Inspector }) {
  const { place, hello, isFollowing, pausedAt } = inspector;
  return (
    <div class="toolbar messages-toolbar">
      <SearchBox inspector={inspector} />
      <span class="head-space" />
      <Count inspector={inspector} />
      <Segments
        legend="Times"
        options={TIMES}
        value={place.times}
        onChange={(times) => {
          inspector.go({ times });
        }}
      />
      {hello?.source === 'live' && (
        <>
          <button
            type="button"
            class="button"
            title="Stay at the end, whatever comes (f)"
            aria-pressed={isFollowing && pausedAt === null}
            onClick={() => {
              inspector.follow(!isFollowing || pausedAt !== null);
            }}
          >
            Follow
          </button>
          <button
            type="button"
            class="button"
            title="Leave the list as it is"
            aria-pressed={pausedAt !== null}
            onClick={() => {
              inspector.pause(pausedAt === null);
            }}
          >
            Pause
          </button>
        </>
      )}
      <ExportMenu inspector={inspector} />
    </div>
  );
}

function Count({ inspector }: { readonly inspector: Inspector }) {
  const { rows, total, waiting } = inspector;
  if (rows === null) return null;
  return (
    <span class="muted number count">
      {counted(total, 'row')}
      {!rows.isComplete && ' so far…'}
      {waiting > 0 && (
        <strong class="is-warning"> · {formatCount(waiting)} more since the pause</strong>
      )}
    </span>
  );
}

function SearchBox({ inspector }: { readonly inspector: Inspector }) {
  const { search } = inspector;
  return (
    <span class="search" role="search">
      <span class="joined">
        <input
          id={SEARCH_ID}
          type="search"
          class="input"
          placeholder="Search ( / )"
          aria-label="Search the messages that are shown"
          value={search.sought.text}
          onInput={(event) => {
            search.change({ text: event.currentTarget.value });
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            event.preventDefault();
            void search.find(event.shiftKey);
          }}
        />
        <ModeButtons
          {...search.sought}
          change={(change) => {
            search.change(change);
          }}
        />
        {([true, false] as const).map((isBackwards) => (
          <button
            key={String(isBackwards)}
            type="button"
            class="button is-icon"
            aria-label={isBackwards ? 'The match before' : 'The next match'}
            title={isBackwards ? 'The match before (Shift+N)' : 'The next match (n)'}
            disabled={search.sought.text === ''}
            onClick={() => {
              void search.find(isBackwards);
            }}
          >
            <span aria-hidden="true">{isBackwards ? '↑' : '↓'}</span>
          </button>
        ))}
      </span>
      <span class="muted search-note" role="status">
        {search.note}
      </span>
    </span>
  );
}

const FORMATS: readonly (readonly [ExportFormat, string, string])[] = [
  ['ndjson', 'NDJSON', 'a recording, for twist convert, view and --replay'],
  ['har', 'HAR', 'for the network panel of a browser'],
  ['pcapng', 'pcapng', 'for Wireshark'],
];

function ExportMenu({ inspector }: { readonly inspector: Inspector }) {
  const [isOpen, setOpen] = useState(false);
  const element = useRef<HTMLSpanElement>(null);
  const { marked, total, isExporting } = inspector;
  const close = (): void => {
    setOpen(false);
    element.current?.querySelector('button')?.focus();
  };
  const save = (format: ExportFormat, isMarked: boolean): void => {
    close();
    void exportFile(inspector, format, isMarked);
  };
  return (
    <span
      ref={element}
      class="menu"
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !isOpen) return;
        event.stopPropagation();
        close();
      }}
      onFocusOut={(event) => {
        const next = event.relatedTarget;
        if (next instanceof Node && element.current?.contains(next) === true) return;
        setOpen(false);
      }}
    >
      <button
        type="button"
        class="button"
        aria-expanded={isOpen}
        disabled={isExporting}
        onClick={() => {
          setOpen(!isOpen);
        }}
      >
        {isExporting ? 'Saving…' : 'Export'}
        {marked.size > 0 && ` (${marked.size})`}
      </button>
      {isOpen && (
        <div class="menu-body" role="group" aria-label="Export">
          {marked.size > 0 && (
            <>
              <p class="label">The {counted(marked.size, 'record')} that you have marked</p>
              <Formats
                save={(format) => {
                  save(format, true);
                }}
              />
              <button
                type="button"
                class="button is-quiet"
                onClick={() => {
                  close();
                  inspector.clearMarks();
                }}
              >
                Unmark all
              </button>
            </>
          )}
          <p class="label">All {counted(total, 'row')} that the filter lets pass</p>
          <Formats
            save={(format) => {
              save(format, false);
            }}
          />
        </div>
      )}
    </span>
  );
}

function Formats({ save }: { readonly save: (format: ExportFormat) => void }) {
  return (
    <>
      {FORMATS.map(([format, name, use]) => (
        <button
          key={format}
          type="button"
          class="button is-quiet menu-item"
          onClick={() => {
            save(format);
          }}
        >
          <strong>{name}</strong> <span class="muted">{use}</span>
        </button>
      ))}
    </>
  );
}
