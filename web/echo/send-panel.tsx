/** What to send: text, JSON, bytes, a file, or many messages at once. */
import { useId, useState } from 'preact/hooks';
import { parseHex } from '../shared/model/hex.js';
import { formatBytes } from '../shared/model/units.js';
import type { Bench } from './bench.js';
import { FileForm } from './file-form.js';
import { ManyForm } from './many-form.js';
import { sizeOf, type Payload } from './model/payload.js';
import { Tabs } from './tabs.js';

interface SendPanelProps {
  readonly bench: Bench;
  readonly maxMessage: number;
}

const KINDS = [
  { id: 'text', name: 'Text' },
  { id: 'json', name: 'JSON' },
  { id: 'hex', name: 'Hex' },
  { id: 'file', name: 'File' },
  { id: 'many', name: 'Many' },
] as const;

type Kind = (typeof KINDS)[number]['id'];

const FIRST_JSON = '{\n  "hello": "twist",\n  "list": [1, 2, 3]\n}';

export function SendPanel({ bench, maxMessage }: SendPanelProps) {
  const [kind, setKind] = useState<Kind>('text');
  const [text, setText] = useState('hello');
  const [json, setJson] = useState(FIRST_JSON);
  const [hex, setHex] = useState('00 01 02 ff');
  return (
    <section class="card" aria-labelledby="send-title">
      <h2 id="send-title">Send</h2>
      <Tabs label="What to send" tabs={KINDS} value={kind} onChange={setKind}>
        {kind === 'text' && (
          <Writer
            bench={bench}
            label="Text"
            value={text}
            onValue={setText}
            read={(value) => ({ payload: value, fault: null })}
            maxMessage={maxMessage}
          />
        )}
        {kind === 'json' && (
          <Writer
            bench={bench}
            label="JSON"
            value={json}
            onValue={setJson}
            read={readJson}
            format={(value) => JSON.stringify(JSON.parse(value), null, 2)}
            maxMessage={maxMessage}
          />
        )}
        {kind === 'hex' && (
          <Writer
            bench={bench}
            label="Bytes, as pairs of hex digits"
            value={hex}
            onValue={setHex}
            read={readHex}
            maxMessage={maxMessage}
          />
        )}
        {kind === 'file' && <FileForm bench={bench} maxMessage={maxMessage} />}
        {kind === 'many' && <ManyForm bench={bench} maxMessage={maxMessage} />}
      </Tabs>
    </section>
  );
}

type Read = { readonly payload: Payload; readonly fault: null } | { readonly fault: string };

function readJson(text: string): Read {
  try {
    JSON.parse(text);
    return { payload: text, fault: null };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) };
  }
}

function readHex(text: string): Read {
  const payload = parseHex(text);
  return payload === null
    ? { fault: 'Pairs of hex digits, such as 00 01 ff' }
    : { payload, fault: null };
}

interface WriterProps {
  readonly bench: Bench;
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly read: (value: string) => Read;
  readonly format?: (value: string) => string;
  readonly maxMessage: number;
}

function Writer({ bench, label, value, onValue, read, format, maxMessage }: WriterProps) {
  const id = useId();
  const said = read(value);
  const size = said.fault === null ? sizeOf(said.payload) : null;
  const isTooBig = size !== null && size > maxMessage;
  const fault = isTooBig ? `The server takes ${formatBytes(maxMessage)} at most.` : said.fault;
  const send = (): void => {
    if (said.fault === null && !isTooBig) bench.send(said.payload);
  };
  const isOpen = bench.state === 'open';
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label class="unseen" for={id}>
        {label}
      </label>
      <textarea
        id={id}
        class="input writer"
        rows={6}
        spellcheck={false}
        value={value}
        aria-invalid={fault !== null}
        aria-describedby={`${id}-said`}
        onInput={({ currentTarget }) => {
          onValue(currentTarget.value);
        }}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          send();
        }}
      />
      <div class="row">
        <button type="submit" class="button is-primary" disabled={!isOpen || fault !== null}>
          Send
        </button>
        {format !== undefined && (
          <button
            type="button"
            class="button"
            disabled={fault !== null}
            onClick={() => {
              onValue(format(value));
            }}
          >
            Format
          </button>
        )}
        <p id={`${id}-said`} class={fault === null ? 'hint muted' : 'fault'}>
          {fault ?? (
            <>
              {formatBytes(size ?? 0)} <span class="keys">· Ctrl+Enter sends</span>
            </>
          )}
        </p>
      </div>
      {!isOpen && <p class="hint muted">Connect first.</p>}
    </form>
  );
}
