/** All sessions as a table; the same as a narrow list beside the messages. */
import type { CSSProperties } from 'preact';
import type { SessionRow } from '../../src/inspect/page-protocol.js';
import {
  counted,
  formatBytes,
  formatClock,
  formatCount,
  formatDuration,
  formatMoment,
} from '../shared/model/units.js';
import { pure } from '../shared/pure.js';
import { Segments } from '../shared/segments.js';
import { VirtualList } from '../shared/virtual-list.js';
import { CloseTag } from './close-text.js';
import type { Inspector } from './inspector.js';
import { SESSIONS_ID } from './keys.js';
import { listMoves } from './list-keys.js';
import { NARROW, useMedia } from './media.js';
import type { Place } from './model/address.js';
import { type SessionColumn, durationOf } from './model/sessions.js';

const ROW_HEIGHT = 30;
const TALL_ROW_HEIGHT = 52;
const HEAD_HEIGHT = 28;

const COLUMNS: readonly (readonly [column: SessionColumn | 'extensions', name: string])[] = [
  ['opened', 'Opened'],
  ['remote', 'Client'],
  ['url', 'Path'],
  ['mode', 'Mode'],
  ['subprotocol', 'Subprotocol'],
  ['extensions', 'Extensions'],
  ['duration', 'Age'],
  ['in', '▲ From client'],
  ['out', '▼ To client'],
  ['close', 'Close'],
];

const STATUSES = [
  { value: 'all', label: 'All' },
  { value: 'open', label: 'Open' },
  { value: 'ended', label: 'Ended' },
] as const;

export function SessionsScreen({ inspector }: { readonly inspector: Inspector }) {
  return (
    <main class="sessions-screen">
      <SessionFilter inspector={inspector} />
      <SessionsGrid inspector={inspector} />
    </main>
  );
}

function SessionFilter({ inspector }: { readonly inspector: Inspector }) {
  const { place, listed, sessions } = inspector;
  const change = (change: Partial<Place>): void => {
    inspector.go(change);
  };
  return (
    <div class="toolbar" role="search">
      <input
        id="session-search"
        type="search"
        class="input grow"
        placeholder="Filter by client, path, mode, subprotocol, #number or code"
        aria-label="Filter the sessions"
        value={place.search}
        onInput={(event) => {
          change({ search: event.currentTarget.value });
        }}
      />
      <Segments
        legend="Which sessions"
        options={STATUSES}
        value={place.status}
        onChange={(status) => {
          change({ status });
        }}
      />
      <span class="muted number" role="status">
        {listed.length === sessions.size
          ? counted(listed.length, 'session')
          : `${formatCount(listed.length)} of ${counted(sessions.size, 'session')}`}
      </span>
    </div>
  );
}

function SessionsGrid({ inspector }: { readonly inspector: Inspector }) {
  const { listed } = inspector;
  const isNarrow = useMedia(NARROW);
  const cursor = inspector.sessionCursor;
  const findPlace = (): number =>
    Math.max(
      0,
      listed.findIndex(({ s }) => s === inspector.sessionCursor),
    );
  const at = findPlace();
  const open = (index: number): void => {
    const session = listed[index];
    if (session !== undefined) inspector.openMessages(session.s);
  };
  const onKeyDown = listMoves({
    at: findPlace,
    count: listed.length,
    page: 15,
    moveTo: (index) => {
      inspector.moveToSession(listed[index]?.s ?? null);
    },
    keys: {
      Enter: () => {
        open(findPlace());
      },
    },
  });
  const { now } = inspector;
  return (
    <VirtualList
      id={SESSIONS_ID}
      class="grid sessions"
      role="grid"
      aria-label="Sessions"
      aria-rowcount={listed.length + 1}
      aria-activedescendant={listed.length > 0 ? `session-${at}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      count={listed.length}
      rowHeight={isNarrow ? TALL_ROW_HEIGHT : ROW_HEIGHT}
      active={cursor === null ? null : at}
      head={<SessionHeads inspector={inspector} />}
      headHeight={isNarrow ? 0 : HEAD_HEIGHT}
      empty={<NoSessions inspector={inspector} />}
      draw={(index, style) => (
        <SessionLine
          session={listed[index]!}
          index={index}
          top={style.transform as string}
          height={style.height as string}
          isActive={index === at}
          seconds={Math.floor(durationOf(listed[index]!, now))}
          open={openRow}
          inspector={inspector}
        />
      )}
    />
  );
}

function SessionHeads({ inspector }: { readonly inspector: Inspector }) {
  const { sort } = inspector.place;
  return (
    <div class="grid-head session-row" role="row" aria-rowindex={1}>
      {COLUMNS.map(([column, name]) => (
        <span
          key={column}
          role="columnheader"
          class={`cell-${column}`}
          aria-sort={
            column !== sort.column ? undefined : sort.isDescending ? 'descending' : 'ascending'
          }
        >
          {column === 'extensions' ? (
            name
          ) : (
            <button
              type="button"
              class="sort"
              onClick={() => {
                const isDescending =
                  column === sort.column ? !sort.isDescending : isNumeric(column);
                inspector.go({ sort: { column, isDescending } });
              }}
            >
              {name}
              <span aria-hidden="true">
                {column !== sort.column ? '' : sort.isDescending ? ' ↓' : ' ↑'}
              </span>
            </button>
          )}
        </span>
      ))}
    </div>
  );
}

function openRow(inspector: Inspector, session: string): void {
  inspector.openMessages(session);
}

interface SessionLineProps {
  readonly inspector: Inspector;
  readonly session: SessionRow;
  readonly index: number;
  readonly top: string;
  readonly height: string;
  readonly isActive: boolean;
  readonly seconds: number;
  readonly open: (inspector: Inspector, session: string) => void;
}

const SessionLine = pure(
  ({ session, index, top, height, isActive, seconds, open, inspector }: SessionLineProps) => {
    const { s, id, opened, remote, url, mode, subprotocol, extensions, tls, worker } = session;
    const style: CSSProperties = { transform: top, height };
    return (
      <div
        id={`session-${index}`}
        class={`session-row ${isActive ? 'is-active' : ''} ${session.close === undefined ? 'is-open' : ''}`}
        style={style}
        role="row"
        aria-rowindex={index + 2}
        aria-selected={isActive}
        onClick={() => {
          open(inspector, s);
        }}
      >
        <span role="gridcell" class="cell-opened" title={formatMoment(opened, 6)}>
          <span class="muted">#{id}</span> {formatClock(opened, 0)}
        </span>
        <span role="gridcell" class="cell-remote mono ellipsis" title={remote}>
          {remote}
          {tls !== null && (
            <span class="tag" title={tls}>
              TLS
            </span>
          )}
          {worker !== undefined && <span class="tag">worker {worker}</span>}
        </span>
        <span role="gridcell" class="cell-url mono ellipsis" title={url}>
          {url}
        </span>
        <span role="gridcell" class="cell-mode ellipsis" title={mode}>
          {mode}
        </span>
        <span role="gridcell" class="cell-subprotocol ellipsis" title={subprotocol ?? ''}>
          {subprotocol ?? <span class="muted">–</span>}
        </span>
        <span role="gridcell" class="cell-extensions ellipsis" title={extensions ?? ''}>
          {extensions ?? <span class="muted">–</span>}
        </span>
        <span role="gridcell" class="cell-duration number">
          {session.isPartial === true && (
            <span class="muted" title="Its first records are not here any more">
              ⋯{' '}
            </span>
          )}
          {formatDuration(seconds)}
        </span>
        <Traffic traffic={session.in} direction="in" />
        <Traffic traffic={session.out} direction="out" />
        <span role="gridcell" class="cell-close">
          <CloseTag close={session.close} />
        </span>
      </div>
    );
  },
);

interface TrafficProps {
  readonly traffic: SessionRow['in'];
  readonly direction: 'in' | 'out';
}

function Traffic({ traffic: { msgs, bytes }, direction }: TrafficProps) {
  return (
    <span role="gridcell" class={`cell-${direction} number`}>
      <span class={`is-${direction}`} aria-hidden="true">
        {direction === 'in' ? '▲' : '▼'}
      </span>{' '}
      {formatCount(msgs)} <span class="muted">·</span> {formatBytes(bytes)}
    </span>
  );
}

function NoSessions({ inspector }: { readonly inspector: Inspector }) {
  const { sessions, hello, link, state } = inspector;
  if (hello === null)
    return (
      <Empty title={link.state === 'lost' ? 'twist does not answer' : 'Connecting to twist…'}>
        {link.state === 'lost' && <p>Is it still running? The page goes on trying.</p>}
      </Empty>
    );
  if (sessions.size > 0)
    return (
      <Empty title="No session passes the filter">
        <button
          type="button"
          class="button"
          onClick={() => {
            inspector.go({ search: '', status: 'all' });
          }}
        >
          Show all {formatCount(sessions.size)}
        </button>
      </Empty>
    );
  if (hello.source === 'file')
    return state?.progress !== undefined && state.progress < 1 ? (
      <Empty title="Reading the recording…" />
    ) : (
      <Empty title="There is no session in this recording" />
    );
  return (
    <Empty title="No session yet">
      <p>Connect a client to twist, and it appears here. For instance:</p>
      <code>websocat ws://127.0.0.1:9001/</code>
    </Empty>
  );
}

export function Empty({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: preact.ComponentChildren;
}) {
  return (
    <div class="empty" role="row">
      <div role="gridcell" class="empty-words">
        <strong>{title}</strong>
        {children}
      </div>
    </div>
  );
}

function isNumeric(column: SessionColumn): boolean {
  return ['opened', 'duration', 'in', 'out', 'close'].includes(column);
}
