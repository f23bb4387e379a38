import { filledFrom, type Fields, type Folding, type Gathered, type GatheredState, type Span } from './folding.ts';

/** Pieces that one viewer fetches of one file within this time of each other are one download. */
export const PIECES_WITHIN_MS = 300_000;
/** A download is reported as it is after this long without another piece. */
const QUIET_MS = 30_000;
/** A download is reported at the latest after this time, even if pieces keep coming. */
const HELD_MOST_MS = 3_600_000;
/** Most separate spans tracked. Programs that fetch pieces fill the gaps. */
const SPANS_MAX = 1000;
const RANGE_LENGTH = 256;

const FILLED = [
  'session_id',
  'file_name',
  'content_type',
  'resource_name',
  'dataset_id',
  'folder_id',
  'author_id',
  'author_name',
];

/** `bytes 0-99/1000` in a response; `bytes=0-99`, `bytes=0-9,20-29`, `bytes=100-` or `bytes=-100` in a request. */
const RANGES = /^\s*bytes\s*[ =]\s*([\d\s,-]*?)\s*(?:\/\s*(\d+|\*))?\s*$/i;

/** What an observation says about the bytes sent. */
export function piecesOf(
  fields: Fields,
): Required<Pick<GatheredState, 'spans' | 'assumed'>> & { readonly size?: number } {
  const sent = typeof fields['bytes'] === 'number' ? fields['bytes'] : undefined;
  const range = typeof fields['range'] === 'string' ? RANGES.exec(fields['range']) : undefined;
  if (range === undefined || range === null)
    return { spans: sent === undefined || sent === 0 ? [] : [[0, sent - 1]], assumed: false };
  const size = range[2] === undefined || range[2] === '*' ? undefined : Number(range[2]);
  let left = sent ?? Number.POSITIVE_INFINITY;
  const spans: Span[] = [];
  for (const [, from = '', to = ''] of (range[1] ?? '').matchAll(/(\d*)\s*-\s*(\d*)/g)) {
    const asked = spanOf(from, to, size);
    if (asked === undefined) continue;
    const last = Math.min(asked[1], asked[0] + left - 1);
    // If neither range nor byte count gives an end, the end is unknown.
    if (last < asked[0] || !Number.isSafeInteger(last)) continue;
    spans.push([asked[0], last]);
    left -= last - asked[0] + 1;
  }
  return { spans: united([], spans), assumed: sent === undefined, ...(size !== undefined && { size }) };
}

/** The end is infinite if the span runs to the end of a file of unknown size. */
function spanOf(from: string, to: string, size: number | undefined): Span | undefined {
  if (from !== '')
    return [Number(from), to === '' ? (size ?? Number.POSITIVE_INFINITY) - (size === undefined ? 0 : 1) : Number(to)];
  if (to === '' || size === undefined) return undefined;
  return [Math.max(0, size - Number(to)), size - 1];
}

/** Merges both lists into separate spans in ascending order. */
export function united(some: readonly Span[], others: readonly Span[]): readonly Span[] {
  const all = [...some, ...others].toSorted(([one], [other]) => one - other);
  const spans: [number, number][] = [];
  for (const [first, last] of all) {
    const before = spans.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else spans.push([first, last]);
  }
  return spans;
}

const bytesIn = (spans: readonly Span[]): number => spans.reduce((sum, [first, last]) => sum + last - first + 1, 0);

const isAllThere = ({ spans = [], size }: GatheredState): boolean =>
  size !== undefined && spans.length === 1 && spans[0]?.[0] === 0 && spans[0][1] >= size - 1;

function add({ fields, state }: Gathered, other: Fields): Gathered {
  const known = filledFrom(fields, other, FILLED);
  const more = piecesOf(other);
  const both = united(state.spans ?? [], more.spans);
  const spans = both.length > SPANS_MAX ? (state.spans ?? []) : both;
  const size = Math.max(state.size ?? 0, more.size ?? 0);
  const gathered: GatheredState = {
    spans,
    ...(size > 0 && { size }),
    ...((state.assumed === true || more.assumed) && { assumed: true }),
  };
  const created = Math.min(Number(fields['created']), Number(other['created']));
  const lastMs = Math.max(state.lastMs ?? 0, Number(other['created']));
  // Bytes at unknown positions cannot be added up, so the largest count is used.
  const bytes = Math.max(bytesIn(spans), Number(fields['bytes'] ?? 0), Number(other['bytes'] ?? 0));
  const { lastMs: _lastMs, ...before } = state;
  const addsNothing = JSON.stringify([gathered, bytes]) === JSON.stringify([before, fields['bytes'] ?? 0]);
  if (addsNothing) return { fields: { ...known, created }, state: { ...gathered, lastMs } };
  const filled: Record<string, Fields[string]> = { ...known, created, complete: completeOf(gathered) };
  if (bytes > 0) filled['bytes'] = bytes;
  filled['range'] = rangeOf(gathered);
  return { fields: filled, state: { ...gathered, lastMs } };
}

function completeOf(gathered: GatheredState): boolean | undefined {
  if (!isAllThere(gathered)) return false;
  return gathered.assumed === true ? undefined : true;
}

/** Returns undefined if there is no span, or if the text would be too long. */
function rangeOf({ spans = [], size }: GatheredState): string | undefined {
  if (spans.length === 0) return undefined;
  const text = `bytes ${spans.map((span) => span.join('-')).join(',')}/${size ?? '*'}`;
  return text.length > RANGE_LENGTH ? undefined : text;
}

/** A download in pieces. Its byte count includes each sent byte of the file once. It is complete when every byte was sent. */
export const pieces: Folding = {
  quietMs: QUIET_MS,
  mostMs: HELD_MOST_MS,
  begin: (fields) => {
    const { spans, size, assumed } = piecesOf(fields);
    const lastMs = Number(fields['created']);
    return { fields, state: { spans, ...(size !== undefined && { size }), ...(assumed && { assumed }), lastMs } };
  },
  add,
  mayGain: ({ fields, state }) => fields['complete'] === false && !isAllThere(state),
};
