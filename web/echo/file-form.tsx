/** A file as one binary message. */
import { useId, useState } from 'preact/hooks';
import { formatBytes } from '../shared/model/units.js';
import type { Bench } from './bench.js';

interface FileFormProps {
  readonly bench: Bench;
  readonly maxMessage: number;
}

export function FileForm({ bench, maxMessage }: FileFormProps) {
  const id = useId();
  const [file, setFile] = useState<File | null>(null);
  const [failure, setFailure] = useState<string | null>(null);
  const isTooBig = file !== null && file.size > maxMessage;
  const fault = isTooBig
    ? `${formatBytes(file.size)}; the server takes ${formatBytes(maxMessage)} at most.`
    : failure;
  const send = async (): Promise<void> => {
    if (file === null || isTooBig) return;
    try {
      bench.send(new Uint8Array(await file.arrayBuffer()));
    } catch (error) {
      setFailure(`It cannot be read: ${String(error)}`);
    }
  };
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label class="label" for={id}>
        A file, sent as one binary message
      </label>
      <input
        id={id}
        type="file"
        class="file"
        aria-invalid={fault !== null}
        aria-describedby={`${id}-said`}
        onChange={({ currentTarget }) => {
          setFailure(null);
          setFile(currentTarget.files?.[0] ?? null);
        }}
      />
      <div class="row">
        <button
          type="submit"
          class="button is-primary"
          disabled={bench.state !== 'open' || file === null || fault !== null}
        >
          Send
        </button>
        <p id={`${id}-said`} class={fault === null ? 'hint muted' : 'fault'}>
          {fault ?? (file === null ? 'None chosen.' : formatBytes(file.size))}
        </p>
      </div>
      {bench.state !== 'open' && <p class="hint muted">Connect first.</p>}
    </form>
  );
}
