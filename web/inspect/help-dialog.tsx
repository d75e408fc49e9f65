import { Dialog } from '../shared/dialog.js';
import type { Inspector } from './inspector.js';
import { KEYS } from './keys.js';

export function HelpDialog({ inspector }: { readonly inspector: Inspector }) {
  const close = (): void => {
    inspector.show(null);
  };
  return (
    <Dialog title="Keys" onClose={close}>
      <dl class="facts keys">
        {KEYS.map(([keys, what]) => (
          <>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </>
        ))}
      </dl>
      <p class="muted">
        <span class="is-in">▲</span> comes from the client, <span class="is-out">▼</span> goes to
        it.
      </p>
      <div class="dialog-actions">
        <button type="button" class="button is-primary" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
