/**
 * Which rows of a long list are seen, all of them equally high. Browsers make no element higher than some 30 million
 * pixels, so that a list with more has a scroll bar for a shorter one: small movements are taken as they are, large ones in proportion.
 */

/** Well below what any browser takes. */
export const MAX_HEIGHT = 8_000_000;

export interface ScrollSizes {
  readonly count: number;
  readonly rowHeight: number;
  /** Of the part that is seen. */
  readonly viewHeight: number;
}

export interface Scroll {
  /** Of the browser's element. */
  readonly scrollTop: number;
  /** Of the list, if it were as high as all its rows. */
  readonly top: number;
}

export interface RowRange {
  readonly first: number;
  /** After the last one. */
  readonly end: number;
}

/** How high the element is that scrolls. */
export function heightOf({ count, rowHeight }: ScrollSizes): number {
  return Math.min(count * rowHeight, MAX_HEIGHT);
}

/** Where the list has its end at the end of what is seen. */
export function endTop({ count, rowHeight, viewHeight }: ScrollSizes): number {
  return Math.max(0, count * rowHeight - viewHeight);
}

/** The list is to begin there. */
export function scrolledTo(top: number, sizes: ScrollSizes): Scroll {
  const end = endTop(sizes);
  const inside = Math.min(Math.max(top, 0), end);
  const scrollEnd = Math.max(0, heightOf(sizes) - sizes.viewHeight);
  return { top: inside, scrollTop: end === 0 ? 0 : inside * (scrollEnd / end) };
}

/** The browser says that somebody has scrolled. */
export function scrolledBy(before: Scroll, scrollTop: number, sizes: ScrollSizes): Scroll {
  const end = endTop(sizes);
  const scrollEnd = Math.max(0, heightOf(sizes) - sizes.viewHeight);
  if (scrollTop <= 0) return { scrollTop, top: 0 };
  // Browsers round it.
  if (scrollTop >= scrollEnd - 1) return { scrollTop, top: end };
  if (scrollEnd === end) return { scrollTop, top: scrollTop };
  const moved = scrollTop - before.scrollTop;
  const top =
    Math.abs(moved) <= 2 * sizes.viewHeight ? before.top + moved : scrollTop * (end / scrollEnd);
  return { scrollTop, top: Math.min(Math.max(top, 0), end) };
}

/** Where the list has to begin so that a row is seen, with as little movement as that takes. */
export function topShowing(row: number, top: number, sizes: ScrollSizes): number {
  const { rowHeight, viewHeight } = sizes;
  const start = row * rowHeight;
  if (start < top) return start;
  return start + rowHeight > top + viewHeight ? start + rowHeight - viewHeight : top;
}

/** The rows that are seen, and some more at both ends. */
export function rowsSeen(top: number, sizes: ScrollSizes, more = 4): RowRange {
  const { count, rowHeight, viewHeight } = sizes;
  const first = Math.max(0, Math.floor(top / rowHeight) - more);
  const end = Math.min(count, Math.ceil((top + viewHeight) / rowHeight) + more);
  return { first: Math.min(first, end), end };
}
