/** Traffic over time as a chart takes it, and a range of time that is chosen in it. */
import type { Bucket, StripAnswer } from '../../../src/inspect/page-protocol.js';

export interface StripSeries {
  /** The middle of each bucket, in seconds since 1970. */
  readonly times: readonly number[];
  /** What came from the clients, upwards, and what went to them, downwards. */
  readonly ins: readonly (number | null)[];
  readonly outs: readonly (number | null)[];
  readonly max: number;
}

export interface TimeRange {
  readonly since: number;
  readonly until: number;
}

export function seriesOf(
  { since, until, buckets }: StripAnswer,
  unit: 'bytes' | 'messages',
): StripSeries {
  const width = widthOf({ since, until, buckets });
  const ins = buckets.map((bucket) => (unit === 'bytes' ? bucket.inBytes : bucket.inMsgs));
  const outs = buckets.map((bucket) => (unit === 'bytes' ? bucket.outBytes : bucket.outMsgs));
  return {
    times: buckets.map((_, index) => since + (index + 0.5) * width),
    // Where nothing was, nothing is drawn.
    ins: ins.map((value) => (value === 0 ? null : value)),
    outs: outs.map((value) => (value === 0 ? null : -value)),
    max: Math.max(1, ...ins, ...outs),
  };
}

/** How long a bucket is, in seconds. */
export function widthOf({
  since,
  until,
  buckets,
}: Pick<StripAnswer, 'since' | 'until' | 'buckets'>): number {
  return (until - since) / Math.max(1, buckets.length);
}

/** A range that somebody has dragged, in whole buckets; null for less than one. */
export function rangeOf(from: number, to: number, strip: StripAnswer): TimeRange | null {
  const width = widthOf(strip);
  if (width <= 0 || Math.abs(to - from) < width / 2) return null;
  const first = Math.max(0, Math.floor((Math.min(from, to) - strip.since) / width));
  const end = Math.min(strip.buckets.length, Math.ceil((Math.max(from, to) - strip.since) / width));
  return { since: strip.since + first * width, until: strip.since + end * width };
}

/** One end of the range has been moved by so many buckets. */
export function movedRange(
  range: TimeRange | null,
  end: keyof TimeRange,
  buckets: number,
  strip: StripAnswer,
): TimeRange {
  const width = widthOf(strip);
  const { since, until } = range ?? strip;
  return end === 'since'
    ? { since: clamp(since + buckets * width, strip.since, until - width), until }
    : { since, until: clamp(until + buckets * width, since + width, strip.until) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), Math.max(least, most));
}

/** What is in some of the buckets together. */
export function sumOf(buckets: readonly Bucket[]): Bucket {
  const sum = { inBytes: 0, outBytes: 0, inMsgs: 0, outMsgs: 0, controls: 0 };
  for (const bucket of buckets) {
    sum.inBytes += bucket.inBytes;
    sum.outBytes += bucket.outBytes;
    sum.inMsgs += bucket.inMsgs;
    sum.outMsgs += bucket.outMsgs;
    sum.controls += bucket.controls;
  }
  return buckets.some(({ hasGap }) => hasGap) ? { ...sum, hasGap: true } : sum;
}
