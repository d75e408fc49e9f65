/** Traffic over time. A range that is dragged in it, or moved by keyboard, is what the list shows. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import type { StripAnswer } from '../../src/inspect/page-protocol.js';
import { counted, formatBytes, formatClock, formatDuration } from '../shared/model/units.js';
import { Segments } from '../shared/segments.js';
import { COLORS_EVENT, colorOf } from '../shared/theme.js';
import type { Inspector } from './inspector.js';
import { type TimeRange, movedRange, rangeOf, seriesOf, sumOf, widthOf } from './model/strip.js';

const HEIGHT = 92;
const REFRESH_MS = 1000;

/** Pixels of a bucket, about. */
const BUCKET_PX = 4;

const UNITS = [
  { value: 'bytes', label: 'Bytes' },
  { value: 'messages', label: 'Messages' },
] as const;

type Unit = (typeof UNITS)[number]['value'];

export function Strip({ inspector }: { readonly inspector: Inspector }) {
  const [unit, setUnit] = useState<Unit>('bytes');
  const [strip, setStrip] = useState<StripAnswer | null>(null);
  const [hovered, setHovered] = useState<number | null>(null);
  const [width, setWidth] = useState(0);
  const element = useRef<HTMLDivElement>(null);
  const { session, choice } = inspector.place;

  useEffect(() => {
    const box = element.current;
    if (box === null) return undefined;
    const observer = new ResizeObserver(() => {
      setWidth(box.clientWidth);
    });
    observer.observe(box);
    return () => {
      observer.disconnect();
    };
  }, []);

  const { hello } = inspector;
  useEffect(() => {
    if (width === 0 || hello === null) return undefined;
    let isOver = false;
    let records = -1;
    const ask = async (): Promise<void> => {
      const { state, pausedAt } = inspector;
      if (document.hidden || pausedAt !== null || state?.records === records) return;
      records = state?.records ?? -1;
      const buckets = Math.max(10, Math.floor(width / BUCKET_PX));
      const question = { ask: 'strip', buckets, ...(session !== null && { session }) } as const;
      const answer = await inspector.link.ask(question).catch(() => null);
      if (!isOver && answer !== null) setStrip(answer);
    };
    setStrip(null);
    void ask();
    const timer = setInterval(() => void ask(), REFRESH_MS);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [session, width, hello]);

  const range = rangeIn(choice, strip);
  const setRange = (next: TimeRange | null): void => {
    inspector.choose({ since: next?.since ?? null, until: next?.until ?? null });
  };
  return (
    <section class="strip" aria-label="Traffic over time">
      <div class="strip-head">
        <Segments legend="What is drawn" options={UNITS} value={unit} onChange={setUnit} />
        <Reading strip={strip} hovered={hovered} range={range} />
      </div>
      <div ref={element} class="strip-chart">
        {strip !== null && strip.buckets.length > 0 && width > 0 && (
          <>
            <Chart
              strip={strip}
              unit={unit}
              width={width}
              range={range}
              cursor={inspector.record?.row.t ?? null}
              onHover={setHovered}
              onRange={setRange}
            />
            <Handle end="since" strip={strip} range={range} setRange={setRange} />
            <Handle end="until" strip={strip} range={range} setRange={setRange} />
          </>
        )}
      </div>
    </section>
  );
}

function rangeIn(
  { since, until }: { readonly since: number | null; readonly until: number | null },
  strip: StripAnswer | null,
): TimeRange | null {
  if (strip === null || (since === null && until === null)) return null;
  return { since: since ?? strip.since, until: until ?? strip.until };
}

interface ReadingProps {
  readonly strip: StripAnswer | null;
  readonly hovered: number | null;
  readonly range: TimeRange | null;
}

/** In words: the bucket under the pointer, the range, or all. */
function Reading({ strip, hovered, range }: ReadingProps) {
  if (strip === null || strip.buckets.length === 0)
    return <span class="muted">No traffic yet</span>;
  const width = widthOf(strip);
  const bucket = hovered === null ? undefined : strip.buckets[hovered];
  const isIn = (index: number): boolean => {
    const middle = strip.since + (index + 0.5) * width;
    return range === null || (middle >= range.since && middle <= range.until);
  };
  const sum = bucket ?? sumOf(strip.buckets.filter((_, index) => isIn(index)));
  const when =
    hovered !== null && bucket !== undefined
      ? `${formatClock(strip.since + hovered * width)}, ${formatDuration(width)}`
      : range === null
        ? `${formatClock(strip.since, 0)} to ${formatClock(strip.until, 0)}`
        : `${formatClock(range.since)}, ${formatDuration(range.until - range.since)}`;
  return (
    <p class="reading number">
      <span class="muted">{when}</span>
      <span>
        <span class="is-in">▲</span> {counted(sum.inMsgs, 'message')} · {formatBytes(sum.inBytes)}
      </span>
      <span>
        <span class="is-out">▼</span> {counted(sum.outMsgs, 'message')} ·{' '}
        {formatBytes(sum.outBytes)}
      </span>
      {sum.controls > 0 && (
        <span class="muted">
          <span aria-hidden="true">◆</span> {counted(sum.controls, 'control frame')}
        </span>
      )}
      {sum.hasGap === true && (
        <span class="is-warning">
          <span aria-hidden="true">▨</span> records are missing
        </span>
      )}
    </p>
  );
}

interface HandleProps {
  readonly end: keyof TimeRange;
  readonly strip: StripAnswer;
  readonly range: TimeRange | null;
  readonly setRange: (range: TimeRange | null) => void;
}

const HANDLE_KEYS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -10,
  PageUp: 10,
  Home: -1e9,
  End: 1e9,
};

/** One end of the range, for the keyboard. */
function Handle({ end, strip, range, setRange }: HandleProps) {
  const time = (range ?? strip)[end];
  const share = (time - strip.since) / Math.max(1e-9, strip.until - strip.since);
  return (
    <div
      class={`handle ${range === null ? '' : 'is-set'}`}
      style={{ left: `${100 * Math.min(1, Math.max(0, share))}%` }}
      role="slider"
      tabIndex={0}
      aria-label={end === 'since' ? 'Show messages from' : 'Show messages until'}
      aria-valuemin={strip.since}
      aria-valuemax={strip.until}
      aria-valuenow={time}
      aria-valuetext={formatClock(time)}
      onKeyDown={(event) => {
        const step = HANDLE_KEYS[event.key];
        if (event.key === 'Delete' || event.key === 'Backspace') setRange(null);
        else if (step !== undefined) setRange(movedRange(range, end, step, strip));
        else return;
        event.preventDefault();
      }}
    />
  );
}

interface ChartProps {
  readonly strip: StripAnswer;
  readonly unit: Unit;
  readonly width: number;
  readonly range: TimeRange | null;
  /** The time of the record that is shown. */
  readonly cursor: number | null;
  readonly onHover: (bucket: number | null) => void;
  readonly onRange: (range: TimeRange | null) => void;
}

function Chart(props: ChartProps) {
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const now = useRef(props);
  now.current = props;
  const { strip, unit, width, range, cursor } = props;
  const [colors, setColors] = useState(0);

  useEffect(() => {
    const changed = (): void => {
      setColors((times) => times + 1);
    };
    addEventListener(COLORS_EVENT, changed);
    return () => {
      removeEventListener(COLORS_EVENT, changed);
    };
  }, []);
  useEffect(() => {
    if (element.current === null) return undefined;
    chart.current = makeChart(element.current, now);
    return () => {
      chart.current?.destroy();
    };
  }, [colors]);
  useEffect(() => {
    const { times, ins, outs } = seriesOf(strip, unit);
    chart.current?.setData([[...times], [...ins], [...outs]]);
  }, [strip, unit, colors]);
  useEffect(() => {
    chart.current?.setSize({ width, height: HEIGHT });
  }, [width, colors]);
  useEffect(() => {
    if (chart.current !== null) showRange(chart.current, range);
  }, [strip, width, range?.since, range?.until, colors]);
  useEffect(() => {
    chart.current?.redraw(false);
  }, [cursor]);
  return <div ref={element} class="chart" aria-hidden="true" />;
}

function makeChart(element: HTMLElement, now: { readonly current: ChartProps }): uPlot {
  const muted = colorOf('--muted');
  const line = colorOf('--line');
  const bars = uPlot.paths.bars?.({ size: [0.9, 20], gap: 0 });
  const series = (color: string): uPlot.Series => ({
    fill: color,
    width: 0,
    points: { show: false },
    ...(bars !== undefined && { paths: bars }),
  });
  const options: uPlot.Options = {
    width: now.current.width,
    height: HEIGHT,
    padding: [4, 0, 0, 0],
    legend: { show: false },
    scales: {
      x: {
        time: true,
        range: () => [now.current.strip.since, now.current.strip.until],
      },
      y: {
        range: () => {
          const { max } = seriesOf(now.current.strip, now.current.unit);
          return [-max, max];
        },
      },
    },
    axes: [
      {
        size: 18,
        gap: 2,
        stroke: muted,
        font: '11px system-ui, sans-serif',
        grid: { stroke: line, width: 1 },
        ticks: { show: false },
        values: clockTicks,
      },
      { show: false },
    ],
    series: [{}, series(colorOf('--in')), series(colorOf('--out'))],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
    },
    hooks: {
      drawClear: [
        (self) => {
          drawGaps(self, now.current.strip);
        },
      ],
      draw: [
        (self) => {
          drawSigns(self, now.current);
        },
      ],
      setCursor: [
        (self) => {
          const { left = -1 } = self.cursor;
          const { strip, onHover } = now.current;
          const bucket = Math.floor((self.posToVal(left, 'x') - strip.since) / widthOf(strip));
          onHover(left < 0 || strip.buckets[bucket] === undefined ? null : bucket);
        },
      ],
      setSelect: [
        (self) => {
          const { left, width } = self.select;
          const { strip, onRange } = now.current;
          onRange(rangeOf(self.posToVal(left, 'x'), self.posToVal(left + width, 'x'), strip));
        },
      ],
    },
  };
  return new uPlot(options, [[], [], []], element);
}

/** A label that would stand out at an end is left out. */
function clockTicks(chart: uPlot, ticks: readonly number[]): (string | null)[] {
  const [first = 0, second = first + 1] = ticks;
  const digits = second - first < 1 ? 3 : 0;
  const { min = 0, max = 1 } = chart.scales['x'] ?? {};
  const room = (digits === 0 ? 28 : 40) / chart.width;
  return ticks.map((tick) => {
    const share = (tick - min) / (max - min);
    return share < room || share > 1 - room ? null : formatClock(tick, digits);
  });
}

/** Without telling anybody that somebody has chosen it. */
function showRange(chart: uPlot, range: TimeRange | null): void {
  if (range === null) {
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    return;
  }
  const left = chart.valToPos(range.since, 'x');
  const width = chart.valToPos(range.until, 'x') - left;
  chart.setSelect({ left, top: 0, width, height: chart.over.clientHeight }, false);
}

/** Where records are missing the ground is hatched. */
function drawGaps(chart: uPlot, strip: StripAnswer): void {
  const { ctx, bbox } = chart;
  const width = widthOf(strip);
  ctx.save();
  ctx.strokeStyle = colorOf('--warn');
  for (const [index, { hasGap }] of strip.buckets.entries()) {
    if (hasGap !== true) continue;
    const left = chart.valToPos(strip.since + index * width, 'x', true);
    const right = Math.max(left + 4, chart.valToPos(strip.since + (index + 1) * width, 'x', true));
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, right - left, bbox.height);
    ctx.clip();
    ctx.beginPath();
    for (let y = bbox.top - (right - left); y < bbox.top + bbox.height; y += 6) {
      ctx.moveTo(left, y + (right - left));
      ctx.lineTo(right, y);
    }
    ctx.stroke();
    ctx.restore();
  }
  ctx.restore();
}

/** The line between both directions, control frames on it, and the record that is shown. */
function drawSigns(chart: uPlot, { strip, cursor }: ChartProps): void {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  const middle = bbox.top + bbox.height / 2;
  ctx.save();
  ctx.fillStyle = colorOf('--line');
  ctx.fillRect(bbox.left, middle - ratio / 2, bbox.width, ratio);
  ctx.fillStyle = colorOf('--muted');
  const width = widthOf(strip);
  for (const [index, { controls }] of strip.buckets.entries()) {
    if (controls === 0) continue;
    const x = chart.valToPos(strip.since + (index + 0.5) * width, 'x', true);
    const size = 2.5 * ratio;
    ctx.beginPath();
    ctx.moveTo(x - size, middle);
    ctx.lineTo(x, middle - size);
    ctx.lineTo(x + size, middle);
    ctx.lineTo(x, middle + size);
    ctx.fill();
  }
  if (cursor !== null && cursor >= strip.since && cursor <= strip.until) {
    const x = chart.valToPos(cursor, 'x', true);
    ctx.fillStyle = colorOf('--accent');
    ctx.fillRect(x - ratio / 2, bbox.top, ratio, bbox.height);
  }
  ctx.restore();
}
