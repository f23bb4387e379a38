/** A long text that shows only its beginning until opened. */
export function Folded({ text }: { readonly text: string }) {
  return (
    <details class="folded">
      <summary>{text.slice(0, 60)}</summary>
      <pre>{pretty(text)}</pre>
    </details>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}
