import { isUtf8 } from 'node:buffer';

/** What a form part says about itself; `fileName` as the client sent it. */
export interface PartDisposition {
  readonly name?: string;
  readonly fileName?: string;
}

/** The disposition type, then each parameter's name and its quoted or bare value, in one pass over the text. */
const TYPE = /\s*[^\s;"=]+\s*(?=;|$)/y;
const NAME = /(?:;\s*)+([^\s;"=]+)\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"\s*/sy;
const TOKEN = /[^;"][^;]*|(?=;|$)/y;

/**
 * `form-data; name="…"; filename="…"` (RFC 7578, section 4.2). Browsers write a quote in a name as `%22`, others as `\"`. Any
 * other backslash belongs to the name, so a Windows path keeps its backslashes. Parsing stops at the first malformed parameter.
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
  const take = (pattern: RegExp, at: number): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(value);
  };
  let at = take(TYPE, 0) === null ? value.length : TYPE.lastIndex;
  for (let match = take(NAME, at); match !== null; match = take(NAME, at)) {
    const quoted = take(QUOTED, NAME.lastIndex);
    const bare = quoted === null ? take(TOKEN, NAME.lastIndex) : null;
    if (quoted === null && bare === null) break;
    at = quoted === null ? TOKEN.lastIndex : QUOTED.lastIndex;
    const text = quoted === null ? (bare?.[0] ?? '').trim() : (quoted[1] ?? '').replace(/\\(["\\])/g, '$1');
    found.push([(match[1] ?? '').toLowerCase(), text]);
  }
  return found;
}

/** `UTF-8''na%C3%AFve.txt`, `ISO-8859-1'en'na%EFve.txt`: the charsets that RFC 8187 names. */
const CHARSETS: ReadonlyMap<string, 'utf8' | 'latin1'> = new Map([
  ['utf-8', 'utf8'],
  ['iso-8859-1', 'latin1'],
]);

function fromExtended(text: string): string | undefined {
  const [, charset = '', encoded = ''] = /^([\w-]+)'[^']*'(.*)$/s.exec(text) ?? [];
  const coding = CHARSETS.get(charset.toLowerCase());
  if (coding === undefined || /%(?![0-9a-f]{2})/i.test(encoded)) return undefined;
  const pieces = encoded.split(/((?:%[0-9a-f]{2})+)/i);
  const bytes = Buffer.concat(
    pieces.map((piece) =>
      piece.startsWith('%') ? Buffer.from(piece.replaceAll('%', ''), 'hex') : Buffer.from(piece, coding),
    ),
  );
  return coding === 'latin1' || isUtf8(bytes) ? bytes.toString(coding) : undefined;
}

/** Old browsers send the path on the user's disk: keep only the file's name. */
function baseName(name: string | undefined): string | undefined {
  return name !== undefined && /^[a-z]:\\/i.test(name) ? name.slice(name.lastIndexOf('\\') + 1) : name;
}
