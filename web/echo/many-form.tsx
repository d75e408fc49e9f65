/** Many messages, one after the other, as fast as asked for. */
import { useState } from 'preact/hooks';
import { Segments } from '../shared/segments.js';
import { formatCount, formatDuration } from '../shared/model/units.js';
import type { Bench, Run } from './bench.js';
import { Field } from './field.js';
import { type PlanText, readPlan } from './model/plan.js';

interface ManyFormProps {
  readonly bench: Bench;
  readonly maxMessage: number;
}

/** What was written stays when another tab is shown. */
let written: PlanText = { kind: 'text', count: '1000', size: '64', rate: '', inFlight: '10' };

export function ManyForm({ bench, maxMessage }: ManyFormProps) {
  const [text, setText] = useState(written);
  const { plan, faults } = readPlan(text, maxMessage);
  const set = (changes: Partial<PlanText>): void => {
    written = { ...text, ...changes };
    setText(written);
  };
  const { run } = bench;
  const isRunning = run !== null && !run.isOver;
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (plan !== null) bench.start(plan);
      }}
    >
      <div class="many-grid">
        <Field
          label="Messages"
          value={text.count}
          onValue={(count) => {
            set({ count });
          }}
          fault={faults.count ?? null}
          inputMode="numeric"
        />
        <Field
          label="Bytes of each"
          value={text.size}
          onValue={(size) => {
            set({ size });
          }}
          fault={faults.size ?? null}
        />
        <Field
          label="A second"
          value={text.rate}
          onValue={(rate) => {
            set({ rate });
          }}
          fault={faults.rate ?? null}
          placeholder="as it goes"
          inputMode="numeric"
        />
        <Field
          label="In flight at a time"
          value={text.inFlight}
          onValue={(inFlight) => {
            set({ inFlight });
          }}
          fault={faults.inFlight ?? null}
          inputMode="numeric"
        />
      </div>
      <div class="row">
        <Segments
          legend="Kind of message"
          options={[
            { value: 'text', label: 'Text' },
            { value: 'binary', label: 'Binary' },
          ]}
          value={text.kind}
          onChange={(kind) => {
            set({ kind });
          }}
        />
        {isRunning ? (
          <button
            type="button"
            class="button is-danger"
            onClick={() => {
              bench.stop();
            }}
          >
            Stop
          </button>
        ) : (
          <button
            type="submit"
            class="button is-primary"
            disabled={plan === null || bench.state !== 'open'}
          >
            Start
          </button>
        )}
      </div>
      {run !== null && <Progress run={run} />}
      {bench.state !== 'open' && <p class="hint muted">Connect first.</p>}
    </form>
  );
}

function Progress({ run: { plan, sent, echoes, isOver, ms } }: { readonly run: Run }) {
  const rate = ms > 0 ? Math.round((echoes * 1000) / ms) : 0;
  const words = `${formatCount(echoes)} of ${formatCount(plan.count)} came back in ${formatDuration(ms / 1000)}`;
  return (
    <div class="progress">
      <progress max={plan.count} value={echoes} aria-label="Echoes of all messages" />
      <p class="hint muted" role={isOver ? 'status' : undefined}>
        {words}, {formatCount(rate)} a second
        {isOver && sent < plan.count ? '; stopped' : ''}
      </p>
    </div>
  );
}
