import { z } from 'zod';
import type { AccessLine, LogSource } from './access-line.ts';

/** The content of a row in the journal's `counted` table: lines of one source, or a closed window. */
export type RowContent =
  | { readonly source: LogSource; readonly lines: readonly AccessLine[] }
  | { readonly source: LogSource; readonly closedMs: number };

/** time, id, class of status, flags, bytes, client, connection; missing values are 0 or ''. */
const lineFormat = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number(), z.string(), z.string()]);
type WrittenLine = z.infer<typeof lineFormat>;
const rowFormat = z.object({
  source: z.tuple([z.string(), z.string()]),
  closed: z.number().optional(),
  lines: z.array(lineFormat).optional(),
});

const BOT = 1;
const OPENS = 2;
const HAS_BYTES = 4;

/** The text of a row: JSON, about 80 bytes for each line of the log. */
export function writeRow(content: RowContent): string {
  const source = [content.source.instance, content.source.component];
  if ('closedMs' in content) return JSON.stringify({ source, closed: content.closedMs });
  return JSON.stringify({
    source,
    lines: content.lines.map(({ atMs, id, statusClass, isBot, opens, bytes, client = '', connection = '' }) => {
      const flags = (isBot ? BOT : 0) + (opens ? OPENS : 0) + (bytes === undefined ? 0 : HAS_BYTES);
      return [atMs, id, statusClass, flags, bytes ?? 0, client, connection];
    }),
  });
}

/** @throws Error if the text is not one of our rows */
export function readRow(text: string): RowContent {
  const { source, closed, lines = [] } = rowFormat.parse(JSON.parse(text));
  const [instance, component] = source;
  const from: LogSource = { instance, component };
  if (closed !== undefined) return { source: from, closedMs: closed };
  return {
    source: from,
    lines: lines.map((line) => toLine(line, from)),
  };
}

function toLine([atMs, id, statusClass, flags, bytes, client, connection]: WrittenLine, source: LogSource): AccessLine {
  return {
    source,
    atMs,
    id,
    statusClass,
    isBot: (flags & BOT) !== 0,
    opens: (flags & OPENS) !== 0,
    ...((flags & HAS_BYTES) !== 0 && { bytes }),
    ...(client !== '' && { client }),
    ...(connection !== '' && { connection }),
  };
}
