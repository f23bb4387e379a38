/** A kind of setting value. */
export interface Value<T> {
  /** What is allowed, for messages: `a duration above 0, such as …`. */
  readonly mayBe: string;
  /**
   * Reads the text of a variable, or a value from a file, which may be a number or a flag; undefined if it is invalid.
   */
  readonly parse: (given: unknown) => T | undefined;
}

/** Bounds of a number; `above` excludes the bound itself. */
export interface Range {
  readonly above?: number;
  readonly least?: number;
  readonly most?: number;
}

/** @param what its unit or meaning @param range the allowed range @param whole no fractions */
export function number(what: string, range: Range, whole = false): Value<number> {
  return {
    mayBe: what + rangeInWords(range, String),
    parse: (given) => {
      const value = parseNumber(given);
      return value !== undefined && isWithin(value, range) && (!whole || Number.isSafeInteger(value))
        ? value
        : undefined;
    },
  };
}

export const integer = (range: Range): Value<number> => number('an integer', range, true);
export const seconds = (range: Range): Value<number> => number('a number of seconds', range);
/** Port to listen on; 0 for any free one. */
export const port = integer({ least: 0, most: 65_535 });

/** A number or its text. Text that only starts with a number is invalid. */
function parseNumber(given: unknown): number | undefined {
  const text = typeof given === 'number' || typeof given === 'string' ? String(given).trim() : '';
  const value = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  return Number.isFinite(value) ? value : undefined;
}

/** IEC 80000-13: KB, MB, GB are powers of 10, KiB, MiB, GiB powers of 2. A bare K, M, G, T is the SI prefix: a power of 10. */
const UNIT_BYTES: Readonly<Record<string, number>> = {
  ti: 2 ** 40, t: 1e12, gi: 2 ** 30, g: 1e9, mi: 2 ** 20, m: 1e6, ki: 2 ** 10, k: 1e3, '': 1,
}; // prettier-ignore

/** Bytes, whole: `65536`, `500MiB`, `10 GB`. */
export function size(range: Range): Value<number> {
  return {
    mayBe: `a number of bytes${rangeInWords(range, printSize)}, or a number with a unit, e.g. 500MiB or 10GB`,
    parse: (given) => {
      const value = parseSize(given);
      return value !== undefined && isWithin(value, range) ? value : undefined;
    },
  };
}

function parseSize(given: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]i?|)b?$/i.exec(String(given).trim());
  const unit = UNIT_BYTES[match?.[2]?.toLowerCase() ?? 'none'];
  return unit === undefined ? undefined : atMost(Math.round(Number(match?.[1]) * unit));
}

/** In the largest power of 2 that divides it, otherwise in bytes: `64MiB`, `1000`. */
export function printSize(bytes: number): string {
  for (const [unit, name] of [
    [2 ** 40, 'TiB'],
    [2 ** 30, 'GiB'],
    [2 ** 20, 'MiB'],
    [2 ** 10, 'KiB'],
  ] as const)
    // prettier-ignore
    if (bytes >= unit && bytes % unit === 0) return `${bytes / unit}${name}`;
  return String(bytes);
}

const UNIT_MS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const DURATIONS = 'such as 500ms, 30s, 5m, 6h or 7d';

/** Milliseconds. */
export const duration: Value<number> = {
  mayBe: `a duration above 0, ${DURATIONS}`,
  parse: (given) => aboveZero(parseDuration(given)),
};

/** A duration that may also be 0, for none. Milliseconds. */
export const pause: Value<number> = {
  mayBe: `0, or a duration, ${DURATIONS}`,
  parse: (given) => (parseNumber(given) === 0 ? 0 : parseDuration(given)),
};

function parseDuration(given: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/i.exec(String(given).trim());
  const unit = UNIT_MS[match?.[2]?.toLowerCase() ?? 'none'];
  return unit === undefined ? undefined : atMost(Number(match?.[1]) * unit);
}

/** In the largest unit that divides it: `90s`, `5m`, `1h`. */
export function printDuration(ms: number): string {
  for (const [name, unit] of Object.entries(UNIT_MS)) if (ms >= unit && ms % unit === 0) return `${ms / unit}${name}`;
  return `${ms}ms`;
}

const FLAGS: Readonly<Record<string, boolean>> = {
  true: true, 1: true, yes: true, on: true, false: false, 0: false, no: false, off: false,
}; // prettier-ignore

/** In any case; a file may also hold `true` and `1` as such. */
export const flag: Value<boolean> = {
  mayBe: 'true, 1, yes or on, or false, 0, no or off',
  parse: (given) => {
    const word = String(given).trim().toLowerCase();
    return Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
  },
};

export interface Address {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8000`, `[::1]:8000`. @param hostByDefault host for a bare port, which is invalid without this */
export function address(hostByDefault?: string): Value<Address> {
  return {
    mayBe: `an address and a port, such as 127.0.0.1:9465 or [::1]:9465${hostByDefault === undefined ? '' : `, or a port of ${hostByDefault}`}`,
    parse: (given) => {
      const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^\s:[\]/]+)):)?(\d{1,5})$/i.exec(String(given).trim());
      const host = match?.[1] ?? match?.[2] ?? hostByDefault;
      const portNumber = port.parse(match?.[3]);
      return host === undefined || portNumber === undefined ? undefined : { host, port: portNumber };
    },
  };
}

/** An address as `address` reads it, and as in a URL. */
export function printAddress(one: Address): string {
  return `${one.host.includes(':') ? `[${one.host}]` : one.host}:${one.port}`;
}

/** The text of an HTTP URL, as given. */
export const httpUrl: Value<string> = {
  mayBe: 'a URL that begins with http:// or https://, such as http://127.0.0.1:4318',
  parse: (given) => (typeof given === 'string' && parseHttpUrl(given) !== undefined ? given : undefined),
};

/** An HTTP URL; undefined if the text is not one. */
export function parseHttpUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined;
}

/** The path that precedes every route of Clowder: with a leading slash, or empty. */
export const contextPath: Value<string> = {
  mayBe: 'a path such as /clowder',
  parse: (given) => (typeof given === 'string' && /^\/?$|^\/[^?#]*$/.test(given) ? given : undefined),
};

/**
 * The entries of a list: separated by commas in a variable, a list in a file. Blanks around entries and empty entries
 * are dropped.
 */
export function entriesOf(given: string | undefined): readonly string[] {
  return (given ?? '').split(',').flatMap((entry) => (entry.trim() === '' ? [] : [entry.trim()]));
}

/** A comma-separated list, as given, whose entries are all valid. @param mayBe e.g. `origins such as …` */
export function list(isRight: (entry: string) => boolean, mayBe: string): Value<string> {
  return {
    mayBe: `${mayBe}, separated by commas`,
    parse: (given) => (typeof given === 'string' && entriesOf(given).every(isRight) ? given : undefined),
  };
}

function isOrigin(entry: string): boolean {
  return URL.canParse(entry) && new URL(entry).origin === entry;
}

/** Origins of pages: scheme, host and port, and nothing after them. */
export const origins = list(isOrigin, 'origins such as https://clowder.example.org');

/** One of these words. */
export function oneOf<const W extends string>(words: readonly W[]): Value<W> {
  return {
    mayBe: `one of ${words.join(', ')}`,
    parse: (given) => words.find((word) => word === (typeof given === 'string' ? given.trim() : given)),
  };
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
/** The format of a log; `auto`: for people on a terminal, JSON elsewhere. */
export const LOG_FORMATS = ['auto', 'json', 'pretty'] as const;

function isWithin(value: number, { above, least, most }: Range): boolean {
  return value > (above ?? -Infinity) && value >= (least ?? -Infinity) && value <= (most ?? Infinity);
}

function rangeInWords({ above, least, most }: Range, print: (bound: number) => string): string {
  if (above !== undefined) return ` above ${print(above)}${most === undefined ? '' : `, ${print(most)} at most`}`;
  if (least !== undefined && most !== undefined) return ` from ${print(least)} to ${print(most)}`;
  if (least !== undefined) return `, ${print(least)} or more`;
  return most === undefined ? '' : `, ${print(most)} at most`;
}

function aboveZero(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

/** A number too large to be exact is invalid. */
function atMost(value: number): number | undefined {
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}
