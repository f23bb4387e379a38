/** A point read from a line. Integers are `bigint`, to distinguish them from floats. */
export interface ReadPoint {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, string | number | bigint | boolean>>;
  readonly timeNs: bigint;
}

/**
 * Reads one line by the line protocol's reference: `\` escapes comma, space and, except in the measurement, equals sign. In
 * quoted text it escapes `"` and itself. Before anything else it is literal.
 *
 * @throws Error worded like InfluxDB's if it is not a valid line
 */
export function readLine(line: string): ReadPoint {
  const fail = (why: string): never => {
    throw new Error(`unable to parse '${line}': ${why}`);
  };
  let at = 0;
  const until = (stops: string, escapable: string): string => {
    let text = '';
    while (at < line.length && !stops.includes(line.charAt(at))) {
      const next = line.charAt(at + 1);
      if (line.charAt(at) === '\\' && next !== '' && escapable.includes(next)) at += 1;
      text += line.charAt(at);
      at += 1;
    }
    return text;
  };
  const measurement = until(', ', ', ');
  if (measurement === '') fail('missing measurement');
  const tags: Record<string, string> = {};
  while (line.charAt(at) === ',') {
    at += 1;
    const key = until(',= ', ',= ');
    if (line.charAt(at) !== '=' || key === '') fail('missing tag key');
    at += 1;
    const value = until(',= ', ',= ');
    if (value === '' || line.charAt(at) === '=') fail('invalid tag format');
    if (Object.hasOwn(tags, key)) fail('duplicate tags');
    tags[key] = value;
  }
  const fields: Record<string, ReadPoint['fields'][string]> = {};
  do {
    at += 1;
    const key = until(',= ', ',= ');
    if (line.charAt(at) !== '=' || key === '') fail('missing field key');
    at += 1;
    const quoted = line.charAt(at) === '"';
    if (quoted) at += 1;
    const text = quoted ? until('"', '"\\') : until(', ', '');
    if (quoted && line.charAt(at) !== '"') fail('unbalanced quotes');
    if (quoted) at += 1;
    fields[key] = quoted ? text : (valueOf(text) ?? fail('invalid number'));
  } while (line.charAt(at) === ',');
  const time = line.slice(at + 1);
  if (line.charAt(at) !== ' ' || !/^-?\d+$/.test(time)) fail('bad timestamp');
  return { measurement, tags, fields, timeNs: BigInt(time) };
}

function valueOf(text: string): number | bigint | boolean | undefined {
  if (text === 'true' || text === 'false') return text === 'true';
  if (/^-?\d+i$/.test(text)) return BigInt(text.slice(0, -1));
  return /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
