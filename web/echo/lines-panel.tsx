/** The same from a terminal or a program, to be copied. */
import { useState } from 'preact/hooks';
import { copyText } from '../shared/copy-text.js';
import type { Target } from './app.js';
import { readyLines } from './model/ready-lines.js';
import { Tabs } from './tabs.js';

const COPIED_MS = 1500;

/** Lines break between words only, not at each hyphen of an option. */
function wordsOf(code: string) {
  return code.split(/(\s+)/).map((word, index) => (
    <span key={index} class={index % 2 === 0 ? 'word' : ''}>
      {word}
    </span>
  ));
}

export function LinesPanel({ target: { url, subprotocols } }: { readonly target: Target }) {
  const lines = readyLines(url, subprotocols);
  const [shown, setShown] = useState('wscat');
  const [said, setSaid] = useState('');
  const line = lines.find(({ id }) => id === shown);
  const copy = async (): Promise<void> => {
    if (line === undefined) return;
    setSaid((await copyText(line.code)) ? 'Copied' : 'The browser lets nobody copy');
    setTimeout(() => {
      setSaid('');
    }, COPIED_MS);
  };
  return (
    <section class="card" aria-labelledby="lines-title">
      <h2 id="lines-title">From elsewhere</h2>
      <Tabs label="Programs" tabs={lines} value={shown} onChange={setShown}>
        {line !== undefined && (
          <>
            <pre class="code" tabIndex={0} aria-label={`For ${line.name}`}>
              {wordsOf(line.code)}
            </pre>
            <div class="row">
              <button
                type="button"
                class="button"
                onClick={() => {
                  void copy();
                }}
              >
                Copy
              </button>
              <p class="hint muted" role="status">
                {said === '' ? line.about : said}
              </p>
            </div>
          </>
        )}
      </Tabs>
    </section>
  );
}
