/**
 * A list of rows that are equally high, of which only those have elements that are seen. An element that has left at one
 * end comes back at the other with another row, so scrolling makes none.
 */
import type { CSSProperties, ComponentChildren, HTMLAttributes } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import {
  type RowRange,
  type Scroll,
  type ScrollSizes,
  endTop,
  heightOf,
  rowsSeen,
  scrolledBy,
  scrolledTo,
  topShowing,
} from './model/virtual-scroll.js';

interface VirtualListProps extends Omit<HTMLAttributes<HTMLDivElement>, 'ref' | 'children'> {
  readonly count: number;
  readonly rowHeight: number;
  /** How many rows have left at the beginning since there is this list: what is seen stays where it is. */
  readonly base?: number;
  /** A row that has to be seen whenever it is another one; null for none. */
  readonly active?: number | null;
  /** Stay at the end, whatever comes. */
  readonly isFollowing?: boolean;
  /** Somebody has scrolled away from the end, or back to it. */
  readonly onFollow?: (isAtEnd: boolean) => void;
  /** What is seen has changed. */
  readonly onRange?: (range: RowRange) => void;
  /** Draws a row at its place; the style puts it there. */
  readonly draw: (index: number, style: CSSProperties) => ComponentChildren;
  /** Stays above the rows, and is so many pixels high. */
  readonly head?: ComponentChildren;
  readonly headHeight?: number;
  /** In place of rows, where there are none. */
  readonly empty?: ComponentChildren;
}

/** Rows that leave make room for those that come, so there are a few more. */
const MORE = 4;

export function VirtualList({
  count,
  rowHeight,
  base = 0,
  active = null,
  isFollowing = false,
  onFollow,
  onRange,
  draw,
  head,
  headHeight = 0,
  empty,
  class: className,
  ...attributes
}: VirtualListProps) {
  const element = useRef<HTMLDivElement>(null);
  const [viewHeight, setViewHeight] = useState(0);
  const [, redraw] = useState(0);
  const scroll = useRef<Scroll>({ scrollTop: 0, top: 0 });
  const putAt = useRef(0);
  // Somebody has scrolled away from the end, and whoever has us follow was told: until that comes back, the end lets go.
  const isLetGo = useRef(false);
  if (!isFollowing) isLetGo.current = false;
  const isHeld = isFollowing && !isLetGo.current;
  const shown = useRef<Shown>({ base, active: null });

  const sizes: ScrollSizes = { count, rowHeight, viewHeight };
  scroll.current = settled(scroll.current, shown.current, {
    base,
    active,
    isFollowing: isHeld,
    sizes,
  });
  shown.current = { base, active: viewHeight > 0 && active !== null ? base + active : null };

  const { scrollTop, top } = scroll.current;
  const range = rowsSeen(top, sizes, MORE);

  useLayoutEffect(() => {
    const list = element.current;
    // It is put there once: what was scrolled since is told later, and not to be taken back.
    if (list === null || scrollTop === putAt.current) return;
    putAt.current = scrollTop;
    if (Math.abs(list.scrollTop - scrollTop) >= 1) list.scrollTop = scrollTop;
  });
  useEffect(() => {
    onRange?.(range);
  }, [range.first, range.end, base]);
  useEffect(() => {
    const list = element.current;
    if (list === null) return undefined;
    const observer = new ResizeObserver(() => {
      setViewHeight(list.clientHeight - headHeight);
    });
    observer.observe(list);
    setViewHeight(list.clientHeight - headHeight);
    return () => {
      observer.disconnect();
    };
  }, [headHeight]);

  const scrolled = (): void => {
    const list = element.current;
    if (list === null) return;
    const before = scroll.current;
    // We have put it there ourselves.
    if (Math.abs(list.scrollTop - before.scrollTop) < 1) return;
    scroll.current = scrolledBy(before, list.scrollTop, sizes);
    putAt.current = list.scrollTop;
    const isAtEnd = scroll.current.top >= endTop(sizes) - rowHeight / 2;
    if (isAtEnd !== (isFollowing && !isLetGo.current)) {
      isLetGo.current = isFollowing && !isAtEnd;
      onFollow?.(isAtEnd);
    }
    redraw((times) => times + 1);
  };

  const slots = Math.max(1, Math.ceil(viewHeight / rowHeight) + 2 * MORE + 1);
  const rows: ComponentChildren[] = [];
  for (let index = range.first; index < range.end; index++)
    rows[(base + index) % slots] = draw(index, {
      transform: `translateY(${scrollTop + index * rowHeight - top}px)`,
      height: `${rowHeight}px`,
    });

  return (
    <div
      {...attributes}
      ref={element}
      class={`virtual-list ${typeof className === 'string' ? className : ''}`}
      onScroll={scrolled}
    >
      {head}
      {count === 0 && empty !== undefined ? (
        empty
      ) : (
        <div
          class="virtual-rows"
          role={head === undefined ? 'presentation' : 'rowgroup'}
          style={{ height: `${heightOf(sizes)}px` }}
        >
          {Array.from(rows, (row, slot) => (
            <Slot key={slot}>{row}</Slot>
          ))}
        </div>
      )}
    </div>
  );
}

interface Shown {
  readonly base: number;
  /** Of the active row, counting those that have left. */
  readonly active: number | null;
}

interface Wanted {
  readonly base: number;
  readonly active: number | null;
  readonly isFollowing: boolean;
  readonly sizes: ScrollSizes;
}

/** Where the list is now that something may be another one. */
function settled(
  scroll: Scroll,
  before: Shown,
  { base, active, isFollowing, sizes }: Wanted,
): Scroll {
  const end = endTop(sizes);
  if (isFollowing) return scrolledTo(end, sizes);
  let { top } = scroll;
  if (base !== before.base) top -= (base - before.base) * sizes.rowHeight;
  if (active !== null && base + active !== before.active && sizes.viewHeight > 0)
    top = topShowing(active, top, sizes);
  return top === scroll.top && top <= end ? scroll : scrolledTo(top, sizes);
}

function Slot({ children }: { readonly children?: ComponentChildren }) {
  return <>{children}</>;
}
