/** A labeled input of one line, which says what is wrong with it. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  readonly label: ComponentChildren;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly fault?: string | null;
  readonly hint?: string;
  readonly placeholder?: string;
  readonly isMono?: boolean;
  readonly inputMode?: 'url' | 'numeric';
  readonly isDisabled?: boolean;
  /** Values to choose from. */
  readonly choices?: readonly string[];
}

export function Field({
  label,
  value,
  onValue,
  fault = null,
  hint,
  placeholder,
  isMono = false,
  inputMode,
  isDisabled = false,
  choices = [],
}: FieldProps) {
  const id = useId();
  const said = fault ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        class={isMono ? 'input mono' : 'input'}
        value={value}
        placeholder={placeholder}
        inputMode={inputMode}
        list={choices.length > 0 ? `${id}-list` : undefined}
        disabled={isDisabled}
        spellcheck={false}
        autocomplete="off"
        aria-invalid={fault !== null}
        aria-describedby={said === undefined ? undefined : `${id}-said`}
        onInput={({ currentTarget }) => {
          onValue(currentTarget.value);
        }}
      />
      {choices.length > 0 && (
        <datalist id={`${id}-list`}>
          {choices.map((choice) => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
      {said !== undefined && (
        <p id={`${id}-said`} class={fault === null ? 'hint muted' : 'fault'}>
          {said}
        </p>
      )}
    </div>
  );
}
