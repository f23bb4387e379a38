import { PRESETS } from '../period.ts';
import { useApp } from '../state.ts';

/** Periods that end now, one of them chosen. @param preset '' where the address has dates of its own */
export function PeriodChoice({ preset }: { readonly preset: string }) {
  const { filter } = useApp();
  return (
    <div class="choices" role="group" aria-label="Period">
      {Object.entries(PRESETS).map(([name, title]) => (
        <button
          key={name}
          type="button"
          aria-pressed={preset === name}
          aria-label={`${name}: ${title}`}
          title={title}
          onClick={() => filter({ period: name, from: undefined, to: undefined })}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
