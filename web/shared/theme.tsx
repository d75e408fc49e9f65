/** Light or dark: what the system says, until somebody chooses. */
import { useState } from 'preact/hooks';

type Theme = 'system' | 'light' | 'dark';

const KEY = 'twist-theme';

const NEXT = { system: 'light', light: 'dark', dark: 'system' } as const;
const SIGNS = { system: '◐', light: '☀', dark: '☾' } as const;
const NAMES = { system: 'as the system', light: 'light', dark: 'dark' } as const;

/** Fires on `window` when colors have changed: what draws on a canvas draws again. */
export const COLORS_EVENT = 'twist-colors';

/** To be called before the page is drawn. */
export function applyStoredTheme(): void {
  apply(storedTheme());
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tellColors);
}

export function ThemeToggle() {
  const [theme, setTheme] = useState(storedTheme);
  const label = `Colors: ${NAMES[theme]}`;
  const choose = (): void => {
    const next = NEXT[theme];
    store(next);
    apply(next);
    setTheme(next);
  };
  return (
    <button
      type="button"
      class="button is-quiet is-icon"
      aria-label={label}
      title={label}
      onClick={choose}
    >
      <span aria-hidden="true">{SIGNS[theme]}</span>
    </button>
  );
}

/** The color that a property of `tokens.css` has now, as a canvas takes it. */
export function colorOf(property: string): string {
  // The property itself still says `light-dark(...)`; a color that is in use does not.
  const probe = document.createElement('span');
  probe.style.color = `var(${property})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function apply(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  tellColors();
}

function tellColors(): void {
  window.dispatchEvent(new Event(COLORS_EVENT));
}

function storedTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === 'light' || stored === 'dark' ? stored : 'system';
  } catch {
    // A browser may refuse to keep anything.
    return 'system';
  }
}

function store(theme: Theme): void {
  try {
    if (theme === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Then it holds as long as the page is open.
  }
}
