/** The list of sessions beside the messages of one. */
import { formatBytes } from '../shared/model/units.js';
import { VirtualList } from '../shared/virtual-list.js';
import { CloseTag } from './close-text.js';
import type { Inspector } from './inspector.js';
import { listMoves } from './list-keys.js';

const ROW_HEIGHT = 46;

export function SessionNav({ inspector }: { readonly inspector: Inspector }) {
  const { listed, place } = inspector;
  const at = listed.findIndex(({ s }) => s === place.session);
  const open = (index: number): void => {
    const session = listed[index];
    if (session !== undefined && session.s !== place.session)
      inspector.go({ screen: 'messages', session: session.s, record: null });
  };
  return (
    <nav class="session-nav" aria-label="Sessions">
      <input
        type="search"
        class="input"
        placeholder="Filter the sessions"
        aria-label="Filter the sessions"
        value={place.search}
        onInput={(event) => {
          inspector.go({ search: event.currentTarget.value });
        }}
      />
      <VirtualList
        role="listbox"
        aria-label="Sessions"
        tabIndex={0}
        aria-activedescendant={at >= 0 ? `nav-${at}` : undefined}
        onKeyDown={listMoves({
          at: () => at,
          count: listed.length,
          page: 10,
          moveTo: open,
          keys: {},
        })}
        count={listed.length}
        rowHeight={ROW_HEIGHT}
        active={at >= 0 ? at : null}
        draw={(index, style) => {
          const { url, remote, close, in: received, out } = listed[index]!;
          return (
            <div
              id={`nav-${index}`}
              role="option"
              class={`nav-row ${index === at ? 'is-active' : ''}`}
              aria-selected={index === at}
              aria-setsize={listed.length}
              aria-posinset={index + 1}
              style={style}
              onClick={() => {
                open(index);
              }}
            >
              <span class="nav-line">
                <span class="mono ellipsis grow">{url}</span>
                <CloseTag close={close} />
              </span>
              <span class="nav-line muted">
                <span class="ellipsis grow">{remote}</span>
                <span class="number">
                  ▲ {formatBytes(received.bytes)} ▼ {formatBytes(out.bytes)}
                </span>
              </span>
            </div>
          );
        }}
      />
    </nav>
  );
}
