/** Where to connect, on which terms, and how to end it. */
import { useEffect, useState } from 'preact/hooks';
import type { Target } from './app.js';
import type { Bench } from './bench.js';
import type { Control, Facts } from './facts.js';
import { Field } from './field.js';
import { closeSentence } from './model/close-codes.js';
import {
  controlsIn,
  ownUrl,
  readClose,
  readSubprotocols,
  urlFault,
  withControls,
} from './model/target.js';

interface ConnectPanelProps {
  readonly bench: Bench;
  readonly facts: Facts;
  readonly onTarget: (target: Target) => void;
}

export function ConnectPanel({ bench, facts, onTarget }: ConnectPanelProps) {
  const [url, setUrl] = useState(() => ownUrl(location) + location.search);
  const [offer, setOffer] = useState('');
  const fault = urlFault(url, location);
  const subprotocols = readSubprotocols(offer);
  const isGood = fault === null && subprotocols.fault === null;
  useEffect(() => {
    if (isGood) onTarget({ url, subprotocols: subprotocols.names });
  }, [url, offer]);
  const isClosed = bench.state === 'closed';
  return (
    <section class="card" aria-labelledby="connect-title">
      <h2 id="connect-title">Connection</h2>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isGood && isClosed) bench.connect(url, subprotocols.names);
        }}
      >
        <Field
          label="URL"
          value={url}
          onValue={setUrl}
          fault={fault}
          isMono
          inputMode="url"
          isDisabled={!isClosed}
        />
        <Field
          label="Subprotocols to offer"
          value={offer}
          onValue={setOffer}
          fault={subprotocols.fault}
          placeholder="none, or such as: chat superchat"
          isMono
          isDisabled={!isClosed}
        />
        {facts.controls.length > 0 && (
          <Controls controls={facts.controls} url={url} onUrl={setUrl} isDisabled={!isClosed} />
        )}
        {isClosed && (
          <button type="submit" class="button is-primary" disabled={!isGood}>
            Connect
          </button>
        )}
      </form>
      {!isClosed && <CloseForm bench={bench} />}
    </section>
  );
}

function CloseForm({ bench }: { readonly bench: Bench }) {
  const [code, setCode] = useState('1000');
  const [reason, setReason] = useState('');
  const close = readClose({ code, reason });
  const isGood = close.codeFault === null && close.reasonFault === null;
  return (
    <form
      class="close-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (isGood) bench.close(close.code, reason);
      }}
    >
      <Field
        label="Close code"
        value={code}
        onValue={setCode}
        fault={close.codeFault}
        inputMode="numeric"
      />
      <Field
        label="Reason"
        value={reason}
        onValue={setReason}
        fault={close.reasonFault}
        placeholder="none"
      />
      {close.codeFault === null && <p class="hint muted meaning">{closeSentence(close.code)}</p>}
      <button
        type="submit"
        class="button is-danger"
        disabled={!isGood || bench.state === 'closing'}
      >
        Disconnect
      </button>
    </form>
  );
}

interface ControlsProps {
  readonly controls: readonly Control[];
  readonly url: string;
  readonly onUrl: (url: string) => void;
  readonly isDisabled: boolean;
}

/** What the server can be asked for in the query of the URL. */
function Controls({ controls, url, onUrl, isDisabled }: ControlsProps) {
  const [values, setValues] = useState(() =>
    controlsIn(
      url,
      controls.map(({ name }) => name),
    ),
  );
  const set = (name: string, value: string | null | undefined): void => {
    const next = new Map(values);
    if (value === undefined || value === '') next.delete(name);
    else next.set(name, value);
    setValues(next);
    onUrl(withControls(url, next));
  };
  return (
    <details class="controls">
      <summary>
        How the server behaves{' '}
        {values.size > 0 && <span class="tag is-warning">{values.size}</span>}
      </summary>
      <div class="control-grid">
        {controls.map(({ name, example, help, choices }) =>
          example === null ? (
            <label key={name} class="check" title={help}>
              <input
                type="checkbox"
                checked={values.has(name)}
                disabled={isDisabled}
                onChange={({ currentTarget }) => {
                  set(name, currentTarget.checked ? null : undefined);
                }}
              />
              <span>
                <code>{name}</code> <span class="muted">{help}</span>
              </span>
            </label>
          ) : (
            <Field
              key={name}
              label={
                <>
                  <code>{name}</code> {help}
                </>
              }
              value={values.get(name) ?? ''}
              onValue={(value) => {
                set(name, value);
              }}
              placeholder={example}
              choices={choices}
              isMono
              isDisabled={isDisabled}
            />
          ),
        )}
      </div>
    </details>
  );
}
