/** What all script tags contain. */
export interface TagOptions {
  /** Path of the script, and of what it posts to, on Clowder's own site: `/c/`. */
  readonly path: string;
  /** Key with scope browser; anyone can read it. */
  readonly key: string | undefined;
}

/** What a tag says about its page. */
export interface PageFacts {
  /** From the page's policy; '' if it requires none. */
  readonly nonce: string;
  /** Id of the request for the page; over plain http, browsers hide `Server-Timing` from scripts. */
  readonly request: string | undefined;
}

/** Makes the script tag for each page. */
export function tagOf({ path, key }: TagOptions): (facts: PageFacts) => string {
  const ofAll = `defer src="${escaped(path)}v.js"${attribute('data-key', key)}`;
  return ({ nonce, request }) =>
    `<script ${ofAll}${attribute('data-request', request)}${attribute('nonce', nonce || undefined)}></script>`;
}

const attribute = (name: string, value: string | undefined): string =>
  value === undefined ? '' : ` ${name}="${escaped(value)}"`;

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
