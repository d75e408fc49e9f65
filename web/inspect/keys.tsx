/** Keys that work wherever one is, unless one is typing. */
import type { Inspector } from './inspector.js';

export const MESSAGES_ID = 'messages';
export const SESSIONS_ID = 'sessions';
export const SEARCH_ID = 'search';
export const FILTER_ID = 'filter-text';
export const DETAIL_ID = 'detail';

/** For the help, in the order in which they are told. */
export const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['↓ ↑ or j k', 'the next row, the one before'],
  ['Page Down, Page Up, Home, End', 'further in a list'],
  ['Enter', 'open a session; go into a message'],
  ['Esc', 'one step back'],
  ['/', 'search'],
  ['n, Shift+N', 'the next match, the one before'],
  ['t', 'filter by text'],
  ['f', 'follow what comes, or stop following'],
  ['Space', 'mark a message, to export some'],
  ['p', 'go to the reply, or to the request'],
  ['c', 'copy the message as text'],
  ['e', 'end the session (it asks first)'],
  ['?', 'these keys'],
];

export function listenForKeys(inspector: Inspector): void {
  document.addEventListener('focusin', ({ target }) => {
    const isNear =
      target instanceof Element && target.closest(`#${MESSAGES_ID}, #${DETAIL_ID}`) !== null;
    if (!isNear) inspector.stayOut();
  });
  document.addEventListener('keydown', (event) => {
    if (inspector.dialog !== null || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') {
      escape(inspector, event);
      return;
    }
    if (isTyping(event.target) || event.defaultPrevented) return;
    const run = actionOf(inspector, event.key);
    if (run === undefined) return;
    event.preventDefault();
    run();
  });
}

function actionOf(inspector: Inspector, key: string): (() => void) | undefined {
  if (key === '?')
    return () => {
      inspector.show('help');
    };
  if (key === '/')
    return () =>
      document.getElementById(inMessages(inspector) ? SEARCH_ID : 'session-search')?.focus();
  if (!inMessages(inspector)) return undefined;
  const actions: Readonly<Record<string, () => void>> = {
    t: () => document.getElementById(FILTER_ID)?.focus(),
    f: () => {
      inspector.follow(!inspector.isFollowing);
    },
    n: () => {
      void inspector.search.find(false);
    },
    N: () => {
      void inspector.search.find(true);
    },
    e: () => {
      if (inspector.canEnd) inspector.show('end');
    },
  };
  return actions[key];
}

function inMessages({ place }: Inspector): boolean {
  return place.screen === 'messages';
}

/** Out of an input first, then out of what is shown. */
function escape(inspector: Inspector, event: KeyboardEvent): void {
  const { target } = event;
  if (isTyping(target) || (target instanceof Element && target.closest(`#${DETAIL_ID}`) !== null)) {
    document.getElementById(inMessages(inspector) ? MESSAGES_ID : SESSIONS_ID)?.focus();
    if (isTyping(target)) return;
  }
  event.preventDefault();
  inspector.leave();
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && target.type !== 'radio' && target.type !== 'checkbox')
  );
}
