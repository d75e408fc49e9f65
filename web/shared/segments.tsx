/** One of a few, all of which are seen: radio buttons side by side. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

export interface Segment<T extends string> {
  readonly value: T;
  readonly label: ComponentChildren;
  /** Where the label is a sign. */
  readonly name?: string;
}

interface SegmentsProps<T extends string> {
  readonly legend: string;
  readonly options: readonly Segment<T>[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

export function Segments<T extends string>({ legend, options, value, onChange }: SegmentsProps<T>) {
  const group = useId();
  return (
    <div class="segments" role="radiogroup" aria-label={legend}>
      {options.map((option) => (
        <label key={option.value} title={option.name}>
          <input
            type="radio"
            name={group}
            checked={option.value === value}
            aria-label={option.name}
            onChange={() => {
              onChange(option.value);
            }}
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}
