/** How long echoes take, and whether they are what was sent. */
import { useState } from 'preact/hooks';
import { counted, formatBytes, formatCount, formatDuration } from '../shared/model/units.js';
import type { Bench } from './bench.js';
import type { Column, RoundTrips } from './model/round-trips.js';
import type { Verifier } from './model/verifier.js';

const PERCENTILES = [
  ['p50', 0.5],
  ['p90', 0.9],
  ['p99', 0.99],
] as const;

/** What the drawing is measured in. */
const WIDTH = 360;
const HEIGHT = 120;
const BASE = 100;
const TOP = 16;
const COLUMNS = 40;
/** So far apart two names can be read. */
const LABEL_WIDTH = 24;
/** A few values are not spread over all of the width. */
const FEWEST = 12;

export function ResultsPanel({ bench }: { readonly bench: Bench }) {
  const { trips, verifier } = bench;
  return (
    <section class="card" aria-labelledby="results-title">
      <div class="card-head">
        <h2 id="results-title">Round trips</h2>
        <button
          type="button"
          class="button is-quiet"
          disabled={verifier.sent + verifier.received === 0}
          onClick={() => {
            bench.clearFigures();
          }}
        >
          Clear
        </button>
      </div>
      {trips.count === 0 ? (
        <p class="hint muted">
          Each echo is timed, from the call that sends to the event that brings it back.
        </p>
      ) : (
        <>
          <dl class="tiles">
            {PERCENTILES.map(([name, share]) => (
              <div key={name} class="tile">
                <dt>{name}</dt>
                <dd>{formatMs(trips.percentile(share))}</dd>
              </div>
            ))}
            <div class="tile">
              <dt>longest</dt>
              <dd>{formatMs(trips.max)}</dd>
            </div>
          </dl>
          <Histogram trips={trips} />
        </>
      )}
      <Verification verifier={verifier} />
    </section>
  );
}

function Histogram({ trips }: { readonly trips: RoundTrips }) {
  const [pointed, setPointed] = useState<Column | null>(null);
  const columns = trips.columns(COLUMNS);
  const most = Math.max(...columns.map(({ count }) => count));
  const width = WIDTH / Math.max(columns.length, FEWEST);
  const placeOf = (ms: number): number => {
    const at = columns.findIndex(({ to }) => ms < to);
    const column = columns[at];
    if (column === undefined) return columns.length * width;
    const part = Math.log(ms / column.from) / Math.log(column.to / column.from);
    return (at + Math.min(Math.max(part, 0), 1)) * width;
  };
  const marks = PERCENTILES.map(([name, share]) => ({
    name,
    x: placeOf(trips.percentile(share)),
  }));
  const first = columns[0]?.from ?? 0;
  const last = columns.at(-1)?.to ?? 0;
  return (
    <figure class="histogram">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`${counted(trips.count, 'round trip')}, from ${formatMs(trips.min)} to ${formatMs(trips.max)}`}
        onMouseLeave={() => {
          setPointed(null);
        }}
      >
        <line class="axis" x1="0" x2={WIDTH} y1={BASE + 0.5} y2={BASE + 0.5} />
        {columns.map((column, index) => {
          const height = column.count === 0 ? 0 : Math.max(2, (column.count / most) * (BASE - TOP));
          return (
            <g
              key={index}
              class={column === pointed ? 'bar is-pointed' : 'bar'}
              onMouseEnter={() => {
                setPointed(column);
              }}
            >
              <rect class="ground" x={index * width} width={width} y="0" height={BASE} />
              <rect
                class="count"
                x={index * width + 0.5}
                width={Math.max(1, width - 1)}
                y={BASE - height}
                height={height}
                rx="1"
              />
            </g>
          );
        })}
        {marks.map(({ name, x }, index) => (
          <g key={name} class="mark-line">
            <line x1={x} x2={x} y1={TOP - 4} y2={BASE} />
            {/* Where two are as good as one, the higher one is named. */}
            {(marks[index + 1]?.x ?? Infinity) - x > LABEL_WIDTH && (
              <text
                x={x}
                y={TOP - 6}
                text-anchor={x < 20 ? 'start' : x > WIDTH - 20 ? 'end' : 'middle'}
              >
                {name}
              </text>
            )}
          </g>
        ))}
        <text class="tick" x="0" y={HEIGHT - 6}>
          {formatMs(first)}
        </text>
        <text class="tick" x={columns.length * width} y={HEIGHT - 6} text-anchor="end">
          {columns.length < 4 ? '' : formatMs(last)}
        </text>
      </svg>
      <figcaption class="hint muted">
        {pointed === null
          ? `${counted(trips.count, 'round trip')}, on average ${formatMs(trips.mean)}; the scale is logarithmic`
          : `${formatMs(pointed.from)} to ${formatMs(pointed.to)}: ${formatCount(pointed.count)}`}
      </figcaption>
    </figure>
  );
}

function Verification({ verifier }: { readonly verifier: Verifier }) {
  const { sent, sentBytes, received, receivedBytes } = verifier;
  const { echoes, different, unasked, skipped, waiting } = verifier;
  if (sent + received === 0) return null;
  const odd = [
    [different, 'equals nothing that was sent', 'equal nothing that was sent'],
    [unasked, 'came unasked', 'came unasked'],
    [skipped, 'was passed over by a later echo', 'were passed over by later echoes'],
  ] as const;
  const found = odd.filter(([count]) => count > 0);
  return (
    <div class="verification">
      <p>
        {found.length === 0 ? (
          <span class="is-good">
            ✓ {formatCount(echoes)} of {formatCount(sent)} came back as sent
          </span>
        ) : (
          <span class="is-bad">✗ not everything came back as it was sent</span>
        )}
        {waiting > 0 && <span class="muted"> · {formatCount(waiting)} to come</span>}
      </p>
      {found.map(([count, one, more]) => (
        <p key={one} class="is-bad">
          {counted(count, 'message')} {count === 1 ? one : more}
        </p>
      ))}
      <p class="hint muted">
        ↑ {formatCount(sent)}, {formatBytes(sentBytes)} · ↓ {formatCount(received)},{' '}
        {formatBytes(receivedBytes)}
      </p>
    </div>
  );
}

export function formatMs(ms: number): string {
  return formatDuration(ms / 1000);
}
