type Value = string | number | boolean | undefined;

/** An event's fields by name. */
export interface Fields {
  readonly [field: string]: Value;
}

/** The part that one observation contributes to an event: a piece of a file, a page, or a call that a page makes. */
export type Part = 'piece' | 'page' | 'call';

/** First and last byte, both inclusive. */
export type Span = readonly [first: number, last: number];

/** What is gathered about an event besides its fields; saved to disk with them. */
export interface GatheredState {
  /** The call by which the page gets its content has not been seen yet. */
  readonly awaitsCall?: boolean;
  /** A call was seen; other observations may know more. */
  readonly called?: boolean;
  /** When the latest piece began, by the observer's clock. */
  readonly lastMs?: number;
  /** The bytes that were sent, as separate spans in ascending order. */
  readonly spans?: readonly Span[];
  /** The whole file's size, if known. */
  readonly size?: number;
  /** For some piece, no observation stated how much was sent. */
  readonly assumed?: boolean;
}

/** An event, as far as observed. */
export interface Gathered {
  readonly fields: Fields;
  readonly state: GatheredState;
}

/** How observations become one event. Pure; the order of observations does not matter. */
export interface Folding {
  readonly begin: (fields: Fields, part: Part, awaitsCall: boolean) => Gathered;
  /** Adds an observation; adding it again changes nothing. */
  readonly add: (gathered: Gathered, fields: Fields, part: Part) => Gathered;
  /** Whether another observation may still add something; if so, the event is held. */
  readonly mayGain: (gathered: Gathered) => boolean;
  /**
   * How long an event is held after its latest observation (`quietMs`), and after its first at most (`mostMs`), in
   * milliseconds.
   */
  readonly quietMs: number;
  readonly mostMs: number;
}

/** Adds the names that only a weaker observer of the same request may know; its view of what was sent is ignored. */
export function filledByWeaker({ fields, state }: Gathered, other: Fields): Gathered {
  return { fields: filledFrom(fields, other, ['resource_name', 'file_name']), state };
}

/** Fields that identify a user; they are copied together from one observation. */
const WHO = ['user_id', 'user_name'] as const;

/** Fills unknown fields from the other observation. */
export function filledFrom(fields: Fields, other: Fields, names: readonly string[]): Fields {
  const filled: Record<string, Value> = { ...fields };
  for (const name of names) if (other[name] !== other['resource_id']) filled[name] ??= other[name];
  const isNobody = WHO.every((name) => fields[name] === undefined);
  const isSomebody = WHO.some((name) => other[name] !== undefined);
  if (isNobody && isSomebody) for (const name of [...WHO, 'auth_method']) filled[name] = other[name] ?? filled[name];
  return filled;
}
