/** How much room there is. */
import { useEffect, useState } from 'preact/hooks';

/** One pane at a time. */
export const NARROW = '(max-width: 759px)';

/** All three of them. */
export const WIDE = '(min-width: 1200px)';

export function isNarrow(): boolean {
  return matchMedia(NARROW).matches;
}

export function useMedia(query: string): boolean {
  const [isMet, setMet] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const tell = (): void => {
      setMet(media.matches);
    };
    media.addEventListener('change', tell);
    tell();
    return () => {
      media.removeEventListener('change', tell);
    };
  }, [query]);
  return isMet;
}
