import { Marked } from 'marked';

/** The anchor of a heading, as GitHub makes it. */
export const anchorOf = (heading: string): string =>
  heading
    .replaceAll(/<[^>]+>|&[#\w]+;/g, '')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');

/** A page of docs/ as the collector serves it. The other pages are missing there, so links to them become text. */
export function guidePage(markdown: string): string {
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const text = this.parser.parseInline(tokens);
        return `<h${depth} id="${anchorOf(text)}">${text}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        return /^(?:#|https?:)/.test(href) ? `<a href="${href}">${text}</a>` : text;
      },
      // Removes HTML, which is only comments of the generator.
      html: () => '',
    },
  });
  // Wide tables scroll on their own, by keyboard too.
  const body = marked
    .parse(markdown, { async: false })
    .replaceAll('<table>', '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>')
    .replaceAll('</table>', '</table></div>');
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Guide · clowder-otel</title>
<link rel="icon" href="/dashboard/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/dashboard/app.css"><script defer src="/dashboard/app.js"></script></head>
<body>
<main class="guide">
<p><a href="/">Back to the dashboard</a></p>
${body}</main>
</body>
</html>
`;
}
