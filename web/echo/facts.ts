/** What the page asks its server beside the connection itself. */

/** A word that the query of a URL may have; without an example it stands alone. */
export interface Control {
  readonly name: string;
  readonly example: string | null;
  readonly help: string;
  /** All values that it can have, where they are few; else empty. */
  readonly choices: readonly string[];
}

export interface Facts {
  readonly version: string;
  /** The largest message that the server takes, in bytes. */
  readonly maxMessage: number;
  /** Empty unless the server was started so that clients can tell it how to behave. */
  readonly controls: readonly Control[];
}

/** Until they are known. */
export const NO_FACTS: Facts = { version: '', maxMessage: 16 * 1024 * 1024, controls: [] };

/** The server says them on its own path, told apart by the query. */
export async function loadFacts(): Promise<Facts> {
  try {
    const response = await fetch('?page.json');
    return response.ok ? ((await response.json()) as Facts) : NO_FACTS;
  } catch {
    // The page works without them, and one sees by other things that the server has gone.
    return NO_FACTS;
  }
}

/** What the server sees of a request of this browser. */
export async function loadRequest(): Promise<string | null> {
  try {
    const response = await fetch(location.href, { headers: { accept: 'application/json' } });
    return response.ok ? await response.text() : null;
  } catch {
    return null;
  }
}
