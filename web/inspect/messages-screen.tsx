/** The messages of a session, or of all: what it is, its traffic over time, which of them are shown, the list, and one of them whole. */
import { DetailPane } from './detail-pane.js';
import { FilterBar } from './filter-bar.js';
import type { Inspector } from './inspector.js';
import { NARROW, WIDE, useMedia } from './media.js';
import { MessagesGrid } from './messages-grid.js';
import { MessagesToolbar } from './messages-toolbar.js';
import { SessionHead } from './session-head.js';
import { SessionNav } from './session-nav.js';
import { Strip } from './strip.js';

export function MessagesScreen({ inspector }: { readonly inspector: Inspector }) {
  const isNarrow = useMedia(NARROW);
  const isWide = useMedia(WIDE);
  const hasRecord = inspector.place.record !== null;
  if (isNarrow && hasRecord)
    return (
      <main class="messages-screen is-detail">
        <DetailPane inspector={inspector} />
      </main>
    );
  return (
    <main class="messages-screen">
      {isWide && <SessionNav inspector={inspector} />}
      <div class="traffic">
        <SessionHead inspector={inspector} />
        <Strip inspector={inspector} />
        <FilterBar inspector={inspector} />
        <MessagesToolbar inspector={inspector} />
        <div class={`split ${hasRecord ? 'has-detail' : ''}`}>
          <MessagesGrid inspector={inspector} />
          {!isNarrow && hasRecord && <DetailPane inspector={inspector} />}
        </div>
      </div>
    </main>
  );
}
