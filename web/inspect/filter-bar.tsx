/** Which messages are shown. */
import { useState } from 'preact/hooks';
import { formatClock, formatDuration } from '../shared/model/units.js';
import { Segments } from '../shared/segments.js';
import type { Inspector } from './inspector.js';
import { FILTER_ID } from './keys.js';
import { NARROW, useMedia } from './media.js';
import { GROUPS, type KindGroup, NO_CHOICE, countConditions, filterOf } from './model/filter.js';

const DIRECTIONS = [
  { value: 'both', label: 'Both' },
  {
    value: 'in',
    label: <span class="is-in">▲ In</span>,
    name: 'From the client',
  },
  {
    value: 'out',
    label: <span class="is-out">▼ Out</span>,
    name: 'To the client',
  },
] as const;

const GROUP_NAMES = {
  text: ['Text', 'Text messages'],
  binary: ['Binary', 'Binary messages'],
  pings: ['Pings', 'Pings and Pongs'],
  events: ['Events', 'Sessions that open and end, Closes, targets, gaps in what was recorded'],
  frames: ['Frames', 'Headers of frames, where they are recorded (--record-frames)'],
} as const satisfies Readonly<Record<KindGroup, readonly [string, string]>>;

export function FilterBar({ inspector }: { readonly inspector: Inspector }) {
  const { choice } = inspector.place;
  const isNarrow = useMedia(NARROW);
  const [isOpen, setOpen] = useState(false);
  const conditions = countConditions(choice);
  const { faults } = filterOf(choice, null);
  const clear = (
    <button
      type="button"
      class="button is-quiet"
      disabled={conditions === 0}
      onClick={() => {
        inspector.go({ choice: NO_CHOICE });
      }}
    >
      Clear
    </button>
  );
  return (
    <div class="toolbar filter-bar" role="group" aria-label="Filter the messages">
      {isNarrow && (
        <button
          type="button"
          class="button"
          aria-expanded={isOpen}
          onClick={() => {
            setOpen(!isOpen);
          }}
        >
          Filter{conditions > 0 ? ` (${conditions})` : ''}
        </button>
      )}
      {(!isNarrow || isOpen) && (
        <>
          <Segments
            legend="Direction"
            options={DIRECTIONS}
            value={choice.direction}
            onChange={(direction) => {
              inspector.choose({ direction });
            }}
          />
          <Kinds inspector={inspector} />
          <span class="sizes">
            <Size
              inspector={inspector}
              name="minSize"
              label="Least size"
              sign="≥"
              fault={faults.minSize}
            />
            <Size
              inspector={inspector}
              name="maxSize"
              label="Largest size"
              sign="≤"
              fault={faults.maxSize}
            />
          </span>
          <span class="joined grow">
            <input
              id={FILTER_ID}
              type="search"
              class="input grow"
              placeholder="Only with this text"
              aria-label="Only messages with this text"
              title={faults.text}
              aria-invalid={faults.text !== undefined}
              value={choice.text}
              onInput={(event) => {
                inspector.choose({ text: event.currentTarget.value });
              }}
            />
            <ModeButtons
              {...choice}
              change={(change) => {
                inspector.choose(change);
              }}
            />
          </span>
          <Range inspector={inspector} />
          {clear}
        </>
      )}
      {Object.values(faults).map((fault) => (
        <p key={fault} class="fault" role="alert">
          {fault}
        </p>
      ))}
    </div>
  );
}

function Kinds({ inspector }: { readonly inspector: Inspector }) {
  const { groups } = inspector.place.choice;
  return (
    <span class="chips" role="group" aria-label="Kinds">
      {GROUPS.map((group) => (
        <button
          key={group}
          type="button"
          class="chip"
          title={GROUP_NAMES[group][1]}
          aria-pressed={groups.includes(group)}
          onClick={() => {
            const isShown = groups.includes(group);
            inspector.choose({
              groups: GROUPS.filter((one) => (one === group ? !isShown : groups.includes(one))),
            });
          }}
        >
          {GROUP_NAMES[group][0]}
        </button>
      ))}
    </span>
  );
}

interface SizeProps {
  readonly inspector: Inspector;
  readonly name: 'minSize' | 'maxSize';
  readonly label: string;
  readonly sign: string;
  readonly fault: string | undefined;
}

function Size({ inspector, name, label, sign, fault }: SizeProps) {
  return (
    <input
      class="input size"
      placeholder={`${sign} size`}
      aria-label={label}
      title={fault ?? `${label}: 512, 10k, 1.5m`}
      aria-invalid={fault !== undefined}
      value={inspector.place.choice[name]}
      onInput={(event) => {
        inspector.choose({ [name]: event.currentTarget.value });
      }}
    />
  );
}

interface ModeButtonsProps {
  readonly isPattern: boolean;
  readonly isCaseSensitive: boolean;
  readonly change: (change: { isPattern?: boolean; isCaseSensitive?: boolean }) => void;
}

/** How a text is meant. */
export function ModeButtons({ isPattern, isCaseSensitive, change }: ModeButtonsProps) {
  return (
    <>
      <button
        type="button"
        class="button is-icon"
        aria-pressed={isCaseSensitive}
        aria-label="Upper and lower case differ"
        title="Upper and lower case differ"
        onClick={() => {
          change({ isCaseSensitive: !isCaseSensitive });
        }}
      >
        Aa
      </button>
      <button
        type="button"
        class="button is-icon mono"
        aria-pressed={isPattern}
        aria-label="Regular expression"
        title="Regular expression"
        onClick={() => {
          change({ isPattern: !isPattern });
        }}
      >
        .*
      </button>
    </>
  );
}

/** The time that was chosen in the strip. */
function Range({ inspector }: { readonly inspector: Inspector }) {
  const { since, until } = inspector.place.choice;
  if (since === null && until === null) return null;
  const text =
    since !== null && until !== null
      ? `${formatClock(since)}, ${formatDuration(until - since)} long`
      : since !== null
        ? `since ${formatClock(since)}`
        : `until ${formatClock(until ?? 0)}`;
  return (
    <button
      type="button"
      class="button"
      aria-label={`Time: ${text}. Show all times`}
      aria-pressed="true"
      onClick={() => {
        inspector.choose({ since: null, until: null });
      }}
    >
      {text} <span aria-hidden="true">✕</span>
    </button>
  );
}
