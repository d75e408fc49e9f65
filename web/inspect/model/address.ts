/** What is shown, as the part of the page's address after `#`: links and the browser's buttons lead back to it. */
import { type Choice, FIRST_GROUPS, GROUPS, type KindGroup, NO_CHOICE } from './filter.js';
import { SESSION_COLUMNS, type SessionSort } from './sessions.js';

export type TimeStyle = 'clock' | 'relative' | 'gap';

export interface Place {
  readonly screen: 'sessions' | 'messages';
  /** The session whose messages are shown; null for all. */
  readonly session: string | null;
  /** The record that is shown whole; null for none. */
  readonly record: number | null;
  readonly choice: Choice;
  readonly times: TimeStyle;
  /** Of the list of sessions. */
  readonly sort: SessionSort;
  readonly search: string;
  readonly status: 'all' | 'open' | 'ended';
}

export const FIRST_PLACE: Place = {
  screen: 'sessions',
  session: null,
  record: null,
  choice: NO_CHOICE,
  times: 'clock',
  sort: { column: 'opened', isDescending: true },
  search: '',
  status: 'all',
};

/** Of the address, the part that is about the list of sessions. */
const STYLES: readonly TimeStyle[] = ['clock', 'relative', 'gap'];

export function hashOf(place: Place): string {
  const { screen, session, choice } = place;
  const path =
    screen === 'sessions' ? '/' : session === null ? '/all' : `/s/${encodeURIComponent(session)}`;
  const words = new URLSearchParams();
  const set = (name: string, value: string, usual: string): void => {
    if (value !== usual) words.set(name, value);
  };
  set('search', place.search, '');
  set('status', place.status, 'all');
  set('sort', `${place.sort.isDescending ? '-' : ''}${place.sort.column}`, '-opened');
  set('times', place.times, 'clock');
  set('direction', choice.direction, 'both');
  set('kinds', choice.groups.join(' '), FIRST_GROUPS.join(' '));
  set('min', choice.minSize, '');
  set('max', choice.maxSize, '');
  set('text', choice.text, '');
  set('pattern', String(choice.isPattern), 'false');
  set('case', String(choice.isCaseSensitive), 'false');
  set('since', numberText(choice.since), '');
  set('until', numberText(choice.until), '');
  set('record', numberText(place.record), '');
  const text = words.toString();
  return `#${path}${text === '' ? '' : `?${text}`}`;
}

/** What cannot be read is as usual. */
export function placeOf(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#/, '').split('?', 2);
  const words = new URLSearchParams(query);
  const get = (name: string): string => words.get(name) ?? '';
  const session = /^\/s\/(.+)$/.exec(path)?.[1];
  return {
    screen: session === undefined && path !== '/all' ? 'sessions' : 'messages',
    session: session === undefined ? null : decoded(session),
    record: numberOf(get('record')),
    choice: {
      direction: oneOf(get('direction'), ['both', 'in', 'out'], 'both'),
      groups: words.has('kinds') ? groupsOf(get('kinds')) : FIRST_GROUPS,
      minSize: get('min'),
      maxSize: get('max'),
      text: get('text'),
      isPattern: get('pattern') === 'true',
      isCaseSensitive: get('case') === 'true',
      since: numberOf(get('since')),
      until: numberOf(get('until')),
    },
    times: oneOf(get('times'), STYLES, 'clock'),
    sort: sortOf(get('sort')),
    search: get('search'),
    status: oneOf(get('status'), ['all', 'open', 'ended'], 'all'),
  };
}

function sortOf(text: string): SessionSort {
  const column = oneOf(text.replace(/^-/, ''), SESSION_COLUMNS, null);
  return column === null ? FIRST_PLACE.sort : { column, isDescending: text.startsWith('-') };
}

function groupsOf(text: string): KindGroup[] {
  return GROUPS.filter((group) => text.split(' ').includes(group));
}

function oneOf<T extends string, U>(text: string, words: readonly T[], usual: U): T | U {
  return words.find((word) => word === text) ?? usual;
}

function numberText(value: number | null): string {
  return value === null ? '' : String(value);
}

function numberOf(text: string): number | null {
  const value = Number(text);
  return text === '' || !Number.isFinite(value) || value < 0 ? null : value;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
