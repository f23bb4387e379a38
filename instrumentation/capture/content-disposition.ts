/** What a part of a form says of itself; `fileName` as the client gave it. */
export interface PartDisposition {
  readonly name?: string;
  readonly fileName?: string;
}

/** A parameter's name; then its value, quoted or not. Each is tried where the last one ended: one pass over the text. */
const NAME = /;\s*([\w*-]+)\s*=\s*/g;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;
const TOKEN = /[^;]*/y;

/**
 * `form-data; name="…"; filename="…"` (RFC 7578, section 4.2). Browsers write a quote in a name as `%22`, others as `\"`;
 * any other backslash is part of the name, so that a Windows path keeps its own.
 */
export function contentDisposition(value: string): PartDisposition {
  let name: string | undefined;
  let plain: string | undefined;
  let extended: string | undefined;
  for (const [key, text] of parametersOf(value)) {
    if (key === 'name') name ??= text;
    else if (key === 'filename') plain ??= text;
    else if (key === 'filename*') extended ??= fromExtended(text);
  }
  const fileName = baseName(extended ?? plain);
  return { ...(name !== undefined && { name }), ...(fileName !== undefined && { fileName }) };
}

function parametersOf(value: string): [name: string, value: string][] {
  const found: [string, string][] = [];
  NAME.lastIndex = 0;
  for (let match = NAME.exec(value); match !== null; match = NAME.exec(value)) {
    const name = (match[1] ?? '').toLowerCase();
    QUOTED.lastIndex = TOKEN.lastIndex = NAME.lastIndex;
    const quoted = QUOTED.exec(value)?.[1];
    if (quoted === undefined) {
      // A quote that nothing closes: the rest of the text is no parameter.
      if (value[TOKEN.lastIndex] === '"') break;
      found.push([name, TOKEN.exec(value)?.[0].trim() ?? '']);
      NAME.lastIndex = TOKEN.lastIndex;
    } else {
      found.push([name, quoted.replace(/\\(["\\])/g, '$1')]);
      NAME.lastIndex = QUOTED.lastIndex;
    }
  }
  return found;
}

/** `UTF-8''na%C3%AFve.txt` (RFC 8187). */
function fromExtended(text: string): string | undefined {
  const encoded = /^[\w-]*'[^']*'(.*)$/.exec(text)?.[1];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

/** Old browsers send the path on the user's disk: only the name is the file's. */
function baseName(name: string | undefined): string | undefined {
  return name !== undefined && /^[a-z]:\\/i.test(name) ? name.slice(name.lastIndexOf('\\') + 1) : name;
}
