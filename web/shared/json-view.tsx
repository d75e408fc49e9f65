/** JSON as a tree whose parts open and close; by keyboard as trees are (arrows, Home, End, `*` for all). */
import { useId, useMemo, useState } from 'preact/hooks';
import { type JsonRow, JsonTree, type JsonValue } from './model/json-tree.js';
import { VirtualList } from './virtual-list.js';

const ROW_HEIGHT = 20;

export function JsonView({ value, label }: { readonly value: JsonValue; readonly label: string }) {
  const tree = useMemo(() => new JsonTree(value), [value]);
  const [active, setActive] = useState(0);
  const [, redraw] = useState(0);
  const id = useId();
  const { rows } = tree;
  const at = Math.min(active, rows.length - 1);

  const toggle = (place: number): void => {
    const row = rows[place];
    if (row === undefined || row.isOpen === null) return;
    tree.toggle(row.path);
    redraw((times) => times + 1);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[at];
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => {
        setActive(Math.min(at + 1, rows.length - 1));
      },
      ArrowUp: () => {
        setActive(Math.max(at - 1, 0));
      },
      Home: () => {
        setActive(0);
      },
      End: () => {
        setActive(rows.length - 1);
      },
      ArrowRight: () => {
        if (row?.isOpen === false) toggle(at);
        else if (row?.isOpen === true) setActive(at + 1);
      },
      ArrowLeft: () => {
        if (row?.isOpen === true) toggle(at);
        else setActive(tree.parentOf(at));
      },
      Enter: () => {
        toggle(at);
      },
      ' ': () => {
        toggle(at);
      },
      '*': () => {
        tree.openAll();
        redraw((times) => times + 1);
      },
    };
    const move = event.ctrlKey || event.metaKey || event.altKey ? undefined : moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  };

  return (
    <VirtualList
      class="json-view mono"
      role="tree"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={`${id}-${at}`}
      onKeyDown={onKeyDown}
      count={rows.length}
      rowHeight={ROW_HEIGHT}
      active={at}
      draw={(index, style) => (
        <div
          id={`${id}-${index}`}
          class={`json-row ${index === at ? 'is-active' : ''}`}
          style={{ ...(style as object), paddingLeft: `${6 + 16 * rows[index]!.depth}px` }}
          role="treeitem"
          aria-level={rows[index]!.depth + 1}
          aria-setsize={rows[index]!.siblings}
          aria-posinset={rows[index]!.position}
          aria-expanded={rows[index]!.isOpen ?? undefined}
          onClick={() => {
            setActive(index);
            toggle(index);
          }}
        >
          <RowContent row={rows[index]!} />
        </div>
      )}
    />
  );
}

function RowContent({ row: { key, kind, text, isOpen } }: { readonly row: JsonRow }) {
  return (
    <>
      <span class="json-arrow" aria-hidden="true">
        {isOpen === null ? '' : isOpen ? '▾' : '▸'}
      </span>
      {key !== null && (
        <>
          <span class={typeof key === 'number' ? 'muted' : 'json-key'}>{key}</span>
          <span class="muted">: </span>
        </>
      )}
      <span class={`json-${kind}`}>{text}</span>
    </>
  );
}
