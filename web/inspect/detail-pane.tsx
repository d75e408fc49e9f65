/** One record whole. */
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { RecordAnswer, Row } from '../../src/inspect/page-protocol.js';
import { HexView } from '../shared/hex-view.js';
import { JsonView } from '../shared/json-view.js';
import { type JsonValue, parseJson } from '../shared/model/json-tree.js';
import { linesSpelledOut } from '../shared/model/misleading.js';
import {
  counted,
  formatBytes,
  formatCount,
  formatDuration,
  formatMoment,
} from '../shared/model/units.js';
import { type CopyForm, copyPayload } from './copying.js';
import type { Inspector } from './inspector.js';
import { DETAIL_ID } from './keys.js';
import { marksIn } from './model/marks.js';
import { type Payload, payloadOf } from './model/payload.js';
import { directionName, factsOf, kindName } from './model/wording.js';

type Tab = 'json' | 'text' | 'hex' | 'record';

const TAB_NAMES = { json: 'JSON', text: 'Text', hex: 'Hex', record: 'Record' } as const;

const COPIES: readonly (readonly [CopyForm, string])[] = [
  ['text', 'text'],
  ['hex', 'hex'],
  ['websocat', 'websocat'],
];

export function DetailPane({ inspector }: { readonly inspector: Inspector }) {
  const { record, recordFault } = inspector;
  const pane = useRef<HTMLElement>(null);
  // What has the focus may leave with the record that it belongs to.
  const hadFocus = pane.current?.contains(document.activeElement) === true;
  useLayoutEffect(() => {
    const hasLost = hadFocus && pane.current?.contains(document.activeElement) === false;
    if (inspector.takeEntering() || hasLost)
      pane.current?.querySelector<HTMLElement>('[role="tab"][aria-selected="true"]')?.focus();
  });
  return (
    <section ref={pane} id={DETAIL_ID} class="detail" aria-label="Message">
      <div class="detail-top">
        <button
          type="button"
          class="button is-quiet is-icon"
          aria-label="Close the message"
          title="Back to the list (Esc)"
          onClick={() => {
            inspector.leave();
          }}
        >
          <span aria-hidden="true">✕</span>
        </button>
        {record !== null && <Title row={record.row} />}
      </div>
      {recordFault !== null && <p class="detail-note fault">{recordFault}</p>}
      {record !== null && <Content key={record.row.n} inspector={inspector} answer={record} />}
    </section>
  );
}

function Title({ row }: { readonly row: Row }) {
  const { n, dir, t } = row;
  return (
    <h2 class="detail-title">
      {dir !== undefined && (
        <span class={`is-${dir}`} aria-hidden="true">
          {dir === 'in' ? '▲' : '▼'}
        </span>
      )}{' '}
      {kindName(row)} {dir !== undefined && directionName(dir)}{' '}
      <span class="muted" title={`Record ${n}`}>
        {formatMoment(t, 6)}
      </span>
    </h2>
  );
}

function Content({
  inspector,
  answer,
}: {
  readonly inspector: Inspector;
  readonly answer: RecordAnswer;
}) {
  const payload = useMemo(() => payloadOf(answer), [answer]);
  const json = useMemo(
    () => (payload?.isText === true ? jsonOf(payload.text) : undefined),
    [payload],
  );
  const recordJson = answer.record as JsonValue;
  const tabs = tabsOf(payload, json);
  const [chosen, setChosen] = useState<Tab | null>(null);
  const wanted = chosen ?? lastChosen;
  const tab = wanted !== null && tabs.includes(wanted) ? wanted : usualTab(payload, json);
  const choose = (next: Tab): void => {
    lastChosen = next;
    setChosen(next);
  };
  return (
    <>
      <Facts inspector={inspector} answer={answer} payload={payload} />
      <div class="tab-bar">
        <Tabs tabs={tabs} tab={tab} choose={choose} />
        {payload !== null && <CopyButtons inspector={inspector} />}
      </div>
      <div id="tab-panel" class="tab-panel" role="tabpanel" aria-labelledby={`tab-${tab}`}>
        {tab === 'json' && json !== undefined && (
          <JsonView value={json} label="The message as JSON" />
        )}
        {tab === 'text' && payload !== null && (
          <TextView inspector={inspector} text={payload.text} />
        )}
        {tab === 'hex' && payload !== null && (
          <HexView bytes={payload.bytes} label="The bytes of the message" />
        )}
        {tab === 'record' && <JsonView value={recordJson} label="The record" />}
      </div>
    </>
  );
}

function tabsOf(payload: Payload | null, json: JsonValue | undefined): readonly Tab[] {
  if (payload === null) return ['record'];
  return json === undefined ? ['text', 'hex', 'record'] : ['json', 'text', 'hex', 'record'];
}

function usualTab(payload: Payload | null, json: JsonValue | undefined): Tab {
  if (json !== undefined) return 'json';
  if (payload === null) return 'record';
  return payload.isText ? 'text' : 'hex';
}

interface TabsProps {
  readonly tabs: readonly Tab[];
  readonly tab: Tab;
  readonly choose: (tab: Tab) => void;
}

function Tabs({ tabs, tab, choose }: TabsProps) {
  const list = useRef<HTMLDivElement>(null);
  const isMoving = useRef(false);
  useLayoutEffect(() => {
    if (isMoving.current)
      list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus();
    isMoving.current = false;
  });
  return (
    <div
      ref={list}
      class="tabs"
      role="tablist"
      aria-label="Ways to see it"
      onKeyDown={(event) => {
        const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
        if (step === 0) return;
        event.preventDefault();
        isMoving.current = true;
        choose(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length] ?? tab);
      }}
    >
      {tabs.map((one) => (
        <button
          key={one}
          type="button"
          id={`tab-${one}`}
          role="tab"
          aria-selected={one === tab}
          aria-controls="tab-panel"
          tabIndex={one === tab ? 0 : -1}
          onClick={() => {
            choose(one);
          }}
        >
          {TAB_NAMES[one]}
        </button>
      ))}
    </div>
  );
}

function CopyButtons({ inspector }: { readonly inspector: Inspector }) {
  return (
    <div class="detail-actions" role="group" aria-label="Copy the message as">
      <span class="muted" aria-hidden="true">
        Copy
      </span>
      {COPIES.map(([form, name]) => (
        <button
          key={form}
          type="button"
          class="button is-quiet"
          aria-label={`Copy as ${name}`}
          onClick={() => {
            void copyPayload(inspector, form);
          }}
        >
          {name}
        </button>
      ))}
    </div>
  );
}

/** Whoever looks at hex goes on looking at hex. */
let lastChosen: Tab | null = null;

/** A number or a word alone is better read as text. */
function jsonOf(text: string): JsonValue | undefined {
  return /^\s*[[{]/.test(text) ? parseJson(text) : undefined;
}

interface FactsProps {
  readonly inspector: Inspector;
  readonly answer: RecordAnswer;
  readonly payload: Payload | null;
}

function Facts({ inspector, answer, payload }: FactsProps) {
  const { row } = answer;
  const facts = factsOf(row);
  return (
    <div class="detail-facts">
      {facts.length > 0 && <p class="muted">{facts.join(' · ')}</p>}
      {row.pair !== undefined && <Pair inspector={inspector} row={row} pair={row.pair} />}
      {payload === null && row.kind !== 'frame' && <p>{row.preview}</p>}
      {answer.isShortened === true && (
        <p class="is-warning">
          Here are the first {formatBytes(payload?.bytes.length ?? 0)}; an export has what was
          recorded.
        </p>
      )}
      {row.isCut === true && (
        <p class="is-warning">
          Only the beginning was recorded: {counted(payload?.missing ?? 0, 'byte')} are missing.
        </p>
      )}
    </div>
  );
}

interface PairProps {
  readonly inspector: Inspector;
  readonly row: Row;
  readonly pair: NonNullable<Row['pair']>;
}

function Pair({ inspector, row: { dir }, pair: { n, seconds } }: PairProps) {
  const isRequest = dir === 'in';
  return (
    <p>
      {isRequest
        ? `Answered after ${formatDuration(seconds)} `
        : `Answers what came ${formatDuration(seconds)} before `}
      <button
        type="button"
        class="link"
        title="By order: the message of the other direction with the same number (p)"
        onClick={() => {
          void inspector.goToRecord(n);
        }}
      >
        {isRequest ? 'Go to the reply' : 'Go to the request'}
      </button>
    </p>
  );
}

/** So many characters at a time: a browser takes long for a line of a megabyte. */
const CHUNK = 32_768;

function TextView({ inspector, text }: { readonly inspector: Inspector; readonly text: string }) {
  const [shown, setShown] = useState(CHUNK);
  const { search, place } = inspector;
  const sought = search.sought.text !== '' ? search.sought : place.choice;
  return (
    <div class="text-view" tabIndex={0} role="region" aria-label="The message as text">
      <pre>
        {marksIn(text.slice(0, shown), sought).map(({ text: piece, isMatch }, index) =>
          isMatch ? <mark key={index}>{linesSpelledOut(piece)}</mark> : linesSpelledOut(piece),
        )}
      </pre>
      {text.length > shown && (
        <button
          type="button"
          class="button"
          onClick={() => {
            setShown(shown + 4 * CHUNK);
          }}
        >
          Show more: {formatCount(text.length - shown)} characters are left
        </button>
      )}
    </div>
  );
}
