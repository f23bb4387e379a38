/** A field's value with its type in line protocol. */
export type LineValue =
  | { readonly kind: 'integer' | 'float'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean };

export interface Point {
  readonly measurement: string;
  /** In any order; empty tags are left out, because the protocol has none. */
  readonly tags: readonly (readonly [string, string])[];
  /** At least one. */
  readonly fields: readonly (readonly [string, LineValue])[];
  /** Unix nanoseconds. */
  readonly timeNs: bigint;
}

/**
 * A line break would end the line. InfluxDB 1 also repeats names in a response header, where any other control character makes
 * the response invalid HTTP.
 */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001F\u007F]+/g;
/** Backslashes that would be read as escapes, before an escaped character or at the end. The protocol cannot express them. */
const READ_AS_ESCAPE = /\\+(?=[,= ]|$)/g;

/** Writes a point as one line, without a line break (InfluxDB, "Line protocol"). */
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

/** Escapes a key or a tag's value. */
function escaped(text: string): string {
  return plain(text).replaceAll(/[,= ]/g, (char) => `\\${char}`);
}

/**
 * Makes text fit for a line: control characters become a space, and backslashes that would be read as escapes become slashes.
 */
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
