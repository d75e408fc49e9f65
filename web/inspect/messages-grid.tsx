/** The list of messages. However many there are, only those that are seen have elements. */
import { useEffect, useRef } from 'preact/hooks';
import type { Row } from '../../src/inspect/page-protocol.js';
import { formatBytes, formatDuration, formatMoment } from '../shared/model/units.js';
import { pure } from '../shared/pure.js';
import { VirtualList } from '../shared/virtual-list.js';
import { copyPayload } from './copying.js';
import type { Inspector } from './inspector.js';
import { MESSAGES_ID } from './keys.js';
import { listMoves } from './list-keys.js';
import { isNarrow } from './media.js';
import type { TimeStyle } from './model/address.js';
import { type Sought, marksIn } from './model/marks.js';
import { kindName, opcodeText, timeText } from './model/wording.js';

const ROW_HEIGHT = 24;
const HEAD_HEIGHT = 24;

const HEADS = ['Time', '', 'Kind', 'Size', 'Wire', 'Pair', 'Content'] as const;

export function MessagesGrid({ inspector }: { readonly inspector: Inspector }) {
  const { rows, total, cursorPlace, isFollowing, pausedAt, place, marked } = inspector;
  const isOfAll = place.session === null;
  const at = cursorPlace ?? -1;
  const row = inspector.rowAtCursor;
  const shownRow = useRef<number | undefined>(undefined);
  useEffect(() => {
    // Where there is room the record at the cursor is shown beside the list.
    if (row?.n === shownRow.current) return;
    shownRow.current = row?.n;
    inspector.cursorArrived(!isNarrow());
  }, [row?.n]);

  const moveTo = (index: number, event: KeyboardEvent): void => {
    const before = inspector.rowAtCursor;
    if (event.shiftKey && before !== undefined) inspector.mark(before.n, true);
    inspector.moveTo(index);
    const next = inspector.rowAt(index);
    if (event.shiftKey && next !== undefined) inspector.mark(next.n, true);
  };
  const open = (): void => {
    inspector.enterCursor(isNarrow());
  };
  const onKeyDown = listMoves({
    at: () => inspector.cursorPlace ?? (isFollowing ? total - 1 : -1),
    count: total,
    page: 20,
    moveTo,
    keys: {
      Enter: open,
      ' ': () => {
        const { rowAtCursor: row } = inspector;
        if (row !== undefined) inspector.mark(row.n, !marked.has(row.n));
      },
      p: () => {
        const { rowAtCursor: row } = inspector;
        if (row?.pair !== undefined) void inspector.goToRecord(row.pair.n);
      },
      c: () => {
        void copyPayload(inspector, 'text');
      },
    },
  });
  const gone = rows?.gone ?? 0;
  return (
    <>
      <VirtualList
        id={MESSAGES_ID}
        class={`grid messages ${isOfAll ? 'is-of-all' : ''}`}
        role="grid"
        aria-label="Messages"
        aria-multiselectable="true"
        aria-rowcount={total + 1}
        aria-activedescendant={cursorPlace === null ? undefined : `row-${gone + cursorPlace}`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        count={total}
        rowHeight={ROW_HEIGHT}
        base={gone}
        active={cursorPlace}
        isFollowing={isFollowing && pausedAt === null}
        onFollow={(isAtEnd) => {
          if (inspector.hello?.source === 'live') inspector.follow(isAtEnd);
        }}
        onRange={({ first, end }) => {
          inspector.want(first, end);
        }}
        head={<MessageHeads isOfAll={isOfAll} />}
        headHeight={HEAD_HEIGHT}
        empty={rows === null ? undefined : <NoMessages inspector={inspector} />}
        draw={(index, { transform }) => {
          const one = inspector.rowAt(index);
          return (
            <MessageLine
              inspector={inspector}
              row={one}
              place={gone + index}
              index={index}
              top={String(transform)}
              isActive={index === at}
              isMarked={one !== undefined && marked.has(one.n)}
              isOfAll={isOfAll}
              style={place.times}
              search={inspector.search.sought}
              name={isOfAll && one !== undefined ? nameOf(inspector, one) : ''}
            />
          );
        }}
      />
      <Live inspector={inspector} />
    </>
  );
}

function MessageHeads({ isOfAll }: { readonly isOfAll: boolean }) {
  return (
    <div class="grid-head message-row" role="row" aria-rowindex={1}>
      {isOfAll && (
        <span role="columnheader" class="cell-session">
          Session
        </span>
      )}
      {HEADS.map((name) => (
        <span
          key={name}
          role="columnheader"
          class={`cell-${name === '' ? 'arrow' : name.toLowerCase()}`}
        >
          {name === '' ? <span class="unseen">Direction</span> : name}
        </span>
      ))}
    </div>
  );
}

function nameOf({ sessions }: Inspector, { s }: Row): string {
  const session = sessions.get(s);
  return session === undefined ? s.slice(-6) : `#${session.id}`;
}

interface MessageLineProps {
  readonly inspector: Inspector;
  readonly row: Row | undefined;
  /** Which never changes. */
  readonly place: number;
  readonly index: number;
  readonly top: string;
  readonly isActive: boolean;
  readonly isMarked: boolean;
  readonly isOfAll: boolean;
  readonly style: TimeStyle;
  readonly search: Sought;
  readonly name: string;
}

const MessageLine = pure((props: MessageLineProps) => {
  const { inspector, row, place, index, top, isActive, isMarked } = props;
  const classes = [
    'message-row',
    isActive && 'is-active',
    isMarked && 'is-marked',
    row !== undefined && `of-${row.kind}`,
  ];
  return (
    <div
      id={`row-${place}`}
      class={classes.filter(Boolean).join(' ')}
      style={{ transform: top, height: `${ROW_HEIGHT}px` }}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isMarked || isActive}
      onClick={(event) => {
        const now = place - (inspector.rows?.gone ?? 0);
        if (row !== undefined && (event.ctrlKey || event.metaKey || event.shiftKey))
          markUpTo(inspector, now, row, event.shiftKey);
        inspector.moveTo(now);
        if (row !== undefined && isNarrow()) inspector.showRecord(row.n, true);
        else if (row !== undefined) inspector.showRecord(row.n);
      }}
    >
      {row === undefined ? (
        <span role="gridcell" class="muted">
          …
        </span>
      ) : (
        <Cells {...props} row={row} />
      )}
    </div>
  );
});

function Cells({
  inspector,
  row,
  isOfAll,
  style,
  search,
  name,
}: MessageLineProps & { readonly row: Row }) {
  const { dir, len, wire, pair, preview, isLonger, isCut } = row;
  const origin = inspector.sessions.get(row.s)?.opened ?? row.t;
  return (
    <>
      {isOfAll && (
        <span role="gridcell" class="cell-session muted">
          {name}
        </span>
      )}
      <span role="gridcell" class="cell-time mono" title={formatMoment(row.t, 6)}>
        {timeText(row, style, origin)}
      </span>
      <Arrow direction={dir} />
      <span
        role="gridcell"
        class="cell-kind"
        title={row.op === undefined ? '' : opcodeText(row.op)}
      >
        {kindName(row)}
      </span>
      <span role="gridcell" class="cell-size number">
        {len === undefined ? '' : formatBytes(len)}
      </span>
      <span role="gridcell" class="cell-wire number muted">
        {wire === undefined ? '' : formatBytes(wire)}
      </span>
      <span role="gridcell" class="cell-pair number muted">
        {pair !== undefined && dir === 'out' && `↩ ${formatDuration(pair.seconds)}`}
      </span>
      <span role="gridcell" class="cell-content mono">
        {marksIn(preview, search).map(({ text, isMatch }, index) =>
          isMatch ? <mark key={index}>{text}</mark> : text,
        )}
        {isLonger === true && <span class="muted">…</span>}
        {isCut === true && <span class="tag is-warning">cut</span>}
      </span>
    </>
  );
}

/** Which way it went: a sign, a color, and a word that is heard. */
function Arrow({ direction }: { readonly direction: Row['dir'] }) {
  if (direction === undefined) return <span role="gridcell" class="cell-arrow" />;
  return (
    <span role="gridcell" class={`cell-arrow is-${direction}`}>
      {direction === 'in' ? '▲' : '▼'}
      <span class="unseen">{direction}</span>
    </span>
  );
}

function markUpTo(inspector: Inspector, place: number, row: Row, isRange: boolean): void {
  const { cursorPlace, marked } = inspector;
  if (!isRange || cursorPlace === null) {
    inspector.mark(row.n, !marked.has(row.n));
    return;
  }
  for (let at = Math.min(place, cursorPlace); at <= Math.max(place, cursorPlace); at++) {
    const one = inspector.rowAt(at);
    if (one !== undefined) inspector.mark(one.n, true);
  }
}

/** Now and then the count is said: not for each message. */
function Live({ inspector }: { readonly inspector: Inspector }) {
  const said = useRef({ at: 0, text: '' });
  const now = Date.now();
  if (now - said.current.at > 5000) said.current = { at: now, text: `${inspector.total} rows` };
  return (
    <span class="unseen" role="status">
      {said.current.text}
    </span>
  );
}

function NoMessages({ inspector }: { readonly inspector: Inspector }) {
  const { rows, place, hello } = inspector;
  return (
    <div class="empty" role="row">
      <div role="gridcell" class="empty-words">
        {rows?.isComplete === true ? (
          <>
            <strong>Nothing to show</strong>
            <p>
              {hello?.source === 'live'
                ? 'No message has come that passes the filter. It appears here as soon as one does.'
                : 'No record passes the filter.'}
            </p>
            {!place.choice.groups.includes('pings') && (
              <button
                type="button"
                class="button"
                onClick={() => {
                  inspector.choose({ groups: [...place.choice.groups, 'pings'] });
                }}
              >
                Show pings too
              </button>
            )}
          </>
        ) : (
          <strong>Looking…</strong>
        )}
      </div>
    </div>
  );
}
