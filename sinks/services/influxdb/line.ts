/** A value of a field, with its type as line protocol has it. */
export type LineValue =
  | { readonly kind: 'integer' | 'float'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean };

export interface Point {
  readonly measurement: string;
  /** In any order; empty ones are left out, as the protocol has none. */
  readonly tags: readonly (readonly [string, string])[];
  /** At least one. */
  readonly fields: readonly (readonly [string, LineValue])[];
  /** Unix nanoseconds. */
  readonly timeNs: bigint;
}

/**
 * Line ends would end the line. InfluxDB 1 also repeats names in a header of its answer, which is not HTTP any more with
 * another control character in it.
 */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001F\u007F]+/g;
/** A backslash before what is escaped, or at the end, would be read as an escape itself: the protocol has no way to say it. */
const READ_AS_ESCAPE = /\\+(?=[,= ]|$)/g;

/** A point as one line, without its end (InfluxDB, "Line protocol"). */
export function toLine({ measurement, tags, fields, timeNs }: Point): string {
  const tagSet = tags
    .filter(([key, value]) => key !== '' && value !== '')
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([key, value]) => `,${escaped(key)}=${escaped(value)}`)
    .join('');
  const fieldSet = fields
    .filter(([key]) => key !== '')
    .map(([key, value]) => `${escaped(key)}=${written(value)}`)
    .join(',');
  return `${plain(measurement).replaceAll(/[, ]/g, (char) => `\\${char}`)}${tagSet} ${fieldSet} ${timeNs}`;
}

/** A key or a tag's value. */
function escaped(text: string): string {
  return plain(text).replaceAll(/[,= ]/g, (char) => `\\${char}`);
}

/** The protocol is a line of UTF-8: a space for control characters, a slash for a backslash that would be read as an escape. */
function plain(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(CONTROLS, ' ')
    .replaceAll(READ_AS_ESCAPE, (backslashes) => '/'.repeat(backslashes.length));
}

function written(value: LineValue): string {
  switch (value.kind) {
    case 'integer':
      return `${value.value}i`;
    case 'float':
    case 'boolean':
      return String(value.value);
    case 'text':
      return `"${value.value
        .toWellFormed()
        .replaceAll(CONTROLS, ' ')
        .replaceAll(/["\\]/g, (char) => `\\${char}`)}"`;
    default:
      return value satisfies never;
  }
}
