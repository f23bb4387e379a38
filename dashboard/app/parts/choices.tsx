import type { ComponentChildren } from 'preact';

export interface Choice<Name extends string> {
  readonly name: Name;
  readonly text: ComponentChildren;
  /** Explains a short text. */
  readonly title?: string;
}

interface ChoicesProps<Name extends string> {
  /** Names the group for screen readers. */
  readonly label: string;
  readonly choices: readonly Choice<Name>[];
  readonly chosen: string;
  readonly onChoose: (name: Name) => void;
}

/** Buttons of which one is pressed. */
export function Choices<Name extends string>({ label, choices, chosen, onChoose }: ChoicesProps<Name>) {
  return (
    <div class="choices" role="group" aria-label={label}>
      {choices.map(({ name, text, title }) => (
        <button
          key={name}
          type="button"
          aria-pressed={chosen === name}
          {...(title !== undefined && { title, 'aria-label': `${name}: ${title}` })}
          onClick={() => onChoose(name)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
