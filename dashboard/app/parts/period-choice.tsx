import { PRESETS } from '../period.ts';
import { useApp } from '../state.ts';
import { Choices } from './choices.tsx';

/** Choice of a period that ends now. @param preset '' if the address has dates of its own */
export function PeriodChoice({ preset }: { readonly preset: string }) {
  const { filter } = useApp();
  return (
    <Choices
      label="Period"
      choices={Object.entries(PRESETS).map(([name, title]) => ({ name, text: name, title }))}
      chosen={preset}
      onChoose={(name) => filter({ period: name, from: undefined, to: undefined })}
    />
  );
}
