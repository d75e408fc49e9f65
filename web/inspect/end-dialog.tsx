/** Ends a session with a Close, after it has asked. */
import { useState } from 'preact/hooks';
import type { SessionRow } from '../../src/inspect/page-protocol.js';
import { Dialog } from '../shared/dialog.js';
import type { Inspector } from './inspector.js';
import { CLOSE_CODES, closeFault } from './model/close-codes.js';

interface EndDialogProps {
  readonly inspector: Inspector;
  readonly session: SessionRow;
}

export function EndDialog({ inspector, session }: EndDialogProps) {
  const [code, setCode] = useState('1001');
  const [reason, setReason] = useState('');
  const [refusal, setRefusal] = useState('');
  const [isWaiting, setWaiting] = useState(false);
  const fault = closeFault(code, reason);
  const close = (): void => {
    inspector.show(null);
  };
  const end = async (): Promise<void> => {
    setWaiting(true);
    const why = await inspector.endSession(session.s, Number(code), reason);
    setWaiting(false);
    if (why !== null) {
      setRefusal(why);
      return;
    }
    close();
    inspector.tell(`Session #${session.id} gets a Close with ${code}.`);
  };
  return (
    <Dialog title={`End session #${session.id}?`} onClose={close}>
      <form
        class="end-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (fault === null) void end();
        }}
      >
        <p>
          The client <span class="mono">{session.remote}</span> on{' '}
          <span class="mono">{session.url}</span> gets a Close frame, and the connection ends.
        </p>
        <div class="field">
          <label for="end-code">Close code</label>
          <input
            id="end-code"
            class="input"
            list="end-codes"
            inputMode="numeric"
            value={code}
            aria-invalid={fault?.of === 'code'}
            aria-describedby="end-fault"
            onInput={(event) => {
              setCode(event.currentTarget.value);
            }}
          />
          <datalist id="end-codes">
            {CLOSE_CODES.map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </datalist>
          <span class="muted">{CLOSE_CODES.find(([value]) => String(value) === code)?.[1]}</span>
        </div>
        <div class="field">
          <label for="end-reason">Reason, which the client can read</label>
          <input
            id="end-reason"
            class="input"
            value={reason}
            aria-invalid={fault?.of === 'reason'}
            aria-describedby="end-fault"
            onInput={(event) => {
              setReason(event.currentTarget.value);
            }}
          />
        </div>
        <p id="end-fault" class="fault" role="alert">
          {fault?.sentence ?? refusal}
        </p>
        <div class="dialog-actions">
          <button type="button" class="button" onClick={close}>
            Let it live
          </button>
          <button type="submit" class="button is-danger" disabled={fault !== null || isWaiting}>
            End the session
          </button>
        </div>
      </form>
    </Dialog>
  );
}
