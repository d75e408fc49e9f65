/** Bytes as a hex dump: offset, pairs of digits, ASCII. */
import type { CSSProperties } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { hexRow, hexRowCount } from './model/hex.js';
import { VirtualList } from './virtual-list.js';

const ROW_HEIGHT = 18;

/** Wide enough for sixteen bytes a row. */
const WIDE_PX = 530;

export function HexView({ bytes, label }: { readonly bytes: Uint8Array; readonly label: string }) {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(16);
  useEffect(() => {
    const view = element.current;
    if (view === null) return undefined;
    const observer = new ResizeObserver(() => {
      setWidth(view.clientWidth >= WIDE_PX ? 16 : 8);
    });
    observer.observe(view);
    return () => {
      observer.disconnect();
    };
  }, []);
  const count = hexRowCount(bytes.length, width);
  return (
    <div ref={element} class="hex-view mono">
      <VirtualList
        role="table"
        aria-label={label}
        aria-rowcount={count}
        tabIndex={0}
        count={count}
        rowHeight={ROW_HEIGHT}
        draw={(index, style) => <HexLine bytes={bytes} index={index} width={width} style={style} />}
      />
    </div>
  );
}

interface HexLineProps {
  readonly bytes: Uint8Array;
  readonly index: number;
  readonly width: number;
  readonly style: CSSProperties;
}

function HexLine({ bytes, index, width, style }: HexLineProps) {
  const { offset, pairs, characters } = hexRow(bytes, index, width);
  // As wide as eight pairs, so that the characters stand below each other.
  const digits = [pairs.slice(0, 8), pairs.slice(8)].map((half) => half.join(' ').padEnd(23));
  return (
    <div class="hex-row" role="row" aria-rowindex={index + 1} style={style}>
      <span class="muted" role="rowheader">
        {offset}
      </span>
      <span class="hex-digits" role="cell">
        {digits[0]}
        {width > 8 && <span class="hex-half">{digits[1]}</span>}
      </span>
      <span class="hex-characters" role="cell">
        {characters}
      </span>
    </div>
  );
}
