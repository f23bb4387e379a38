/** What the tag of a page says. */
export interface TagOptions {
  /** Of the script and of what it posts to, on Clowder's own site: `/c/`. */
  readonly path: string;
  /** Of the browser; everybody can read it. */
  readonly key: string | undefined;
}

/** The tag of the script. @returns the tag for a page whose policy asks for a nonce, '' for one that does not */
export function tagOf({ path, key }: TagOptions): (nonce: string) => string {
  const attributes = key === undefined ? '' : ` data-key="${escaped(key)}"`;
  return (nonce) =>
    `<script defer src="${escaped(path)}v.js"${attributes}${nonce === '' ? '' : ` nonce="${escaped(nonce)}"`}></script>`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
