/** What the tag of a page says. */
export interface TagOptions {
  /** Of the script and of what it posts to, on Clowder's own site: `/c/`. */
  readonly path: string;
  /** Of the browser; everybody can read it. */
  readonly key: string | undefined;
}

/** What a tag says of the page that it is in. */
export interface PageFacts {
  /** Of the page's policy; '' if it asks for none. */
  readonly nonce: string;
  /** Id of the request that brought the page: over plain http browsers hide `Server-Timing` from its script. */
  readonly request: string | undefined;
}

/** The tag of the script, for each page. */
export function tagOf({ path, key }: TagOptions): (facts: PageFacts) => string {
  const ofAll = `defer src="${escaped(path)}v.js"${attribute('data-key', key)}`;
  return ({ nonce, request }) =>
    `<script ${ofAll}${attribute('data-request', request)}${attribute('nonce', nonce || undefined)}></script>`;
}

const attribute = (name: string, value: string | undefined): string =>
  value === undefined ? '' : ` ${name}="${escaped(value)}"`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
