import { fileURLToPath } from 'node:url';
import { ERRORS } from '../collector/errors.ts';

export const EVENTS_API_PAGE = fileURLToPath(new URL('../docs/events-api.md', import.meta.url));

const BEGIN = '<!-- Generated from collector/errors.ts by `npm run docs`: do not edit down to the end mark. -->';
const END = '<!-- end of the generated part -->';

/**
 * The page with the collector's table of errors; the rest is unchanged.
 *
 * @throws Error if the page lacks the marks of the generated part
 */
export function withErrors(page: string): string {
  const [before, rest, ...more] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`docs/events-api.md must have these lines once each: ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${table()}\n\n${END}${after}`;
}

function table(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, sentence, remedy }]) => `| ${status} | \`${code}\` | ${sentence} | ${remedy} |`,
  );
  return ['| status | code | what is wrong | what to do |', '|---|---|---|---|', ...rows].join('\n');
}
