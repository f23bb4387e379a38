/** What an answer must contain. */
export interface BodyRules {
  readonly equals?: string | undefined;
  readonly contains?: string | undefined;
  readonly matches?: string | undefined;
  readonly json?: JsonRule | undefined;
}

export interface JsonRule {
  /** Names and indices, separated by dots. */
  readonly path: string;
  readonly equals?: string | number | boolean | undefined;
}

const SHOWN = 80;

/** Why the body is wrong, or undefined. */
export function bodyError(body: string, { equals, contains, matches, json }: BodyRules): string | undefined {
  if (equals !== undefined && body.trim() !== equals.trim())
    return `the answer is ${shown(body)}, not ${shown(equals)}`;
  if (contains !== undefined && !body.includes(contains)) return `the answer does not contain ${shown(contains)}`;
  if (matches !== undefined && !new RegExp(matches, 'u').test(body))
    return `the answer does not match ${shown(matches)}`;
  if (json === undefined) return undefined;
  const value = jsonValue(body, json.path);
  if (value === undefined) return `the answer has no ${json.path}`;
  if (json.equals !== undefined && value !== json.equals)
    return `${json.path} is ${shown(JSON.stringify(value))}, not ${shown(JSON.stringify(json.equals))}`;
  return undefined;
}

/** The value at a path of a JSON text; undefined if it is missing, or the text is not JSON. */
export function jsonValue(body: string, path: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

function shown(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, ' ');
  return `"${line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line}"`;
}
