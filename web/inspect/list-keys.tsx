/** Keys of a list: the arrows and their like, and those that it has beside them. */

interface ListMoves {
  /** Asked for each key: two may come in one frame. */
  readonly at: () => number;
  readonly count: number;
  /** How far a page is. */
  readonly page: number;
  readonly moveTo: (place: number, event: KeyboardEvent) => void;
  /** By `event.key`. */
  readonly keys: Readonly<Record<string, (event: KeyboardEvent) => void>>;
}

export function listMoves({ at: findPlace, count, page, moveTo, keys }: ListMoves) {
  const placesFrom = (at: number): Readonly<Record<string, number>> => ({
    ArrowDown: at + 1,
    j: at + 1,
    ArrowUp: at - 1,
    k: at - 1,
    PageDown: at + page,
    PageUp: at - page,
    Home: 0,
    End: count - 1,
  });
  return (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Buttons within it have keys of their own.
    if (event.target instanceof HTMLButtonElement && (event.key === 'Enter' || event.key === ' '))
      return;
    const place = placesFrom(findPlace())[event.key];
    const run = keys[event.key];
    if (place === undefined && run === undefined) return;
    event.preventDefault();
    if (run !== undefined) run(event);
    else if (place !== undefined && count > 0)
      moveTo(Math.min(Math.max(place, 0), count - 1), event);
  };
}
