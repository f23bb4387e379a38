type Value = string | number | boolean | undefined;

/** Fields of an event, by name. */
export interface Fields {
  readonly [field: string]: Value;
}

/** What an observation is of the event that it may share with others: a piece of a file; a page, or a call that one makes. */
export type Part = 'piece' | 'page' | 'call';

/** First and last byte. */
export type Span = readonly [first: number, last: number];

/** What is gathered of an event beside its fields: it goes to disk with them. */
export interface GatheredState {
  /** The page's own call, by which it gets what it shows, has not been seen. */
  readonly awaitsCall?: boolean;
  /** A call was seen: others may know more. */
  readonly called?: boolean;
  /** When the latest piece began, by its own clock. */
  readonly lastMs?: number;
  /** Which bytes were sent: in order, with a gap between any two. */
  readonly spans?: readonly Span[];
  /** Of the whole file, where somebody said so. */
  readonly size?: number;
  /** Of a piece, nobody said how much of it was sent. */
  readonly assumed?: boolean;
}

/** An event as far as it was observed. */
export interface Gathered {
  readonly fields: Fields;
  readonly state: GatheredState;
}

/** How observations of one event become one: pure, and the same in whatever order they come. */
export interface Folding {
  readonly begin: (fields: Fields, part: Part, awaitsCall: boolean) => Gathered;
  /** Adding the same observation again changes nothing. */
  readonly add: (gathered: Gathered, fields: Fields, part: Part) => Gathered;
  /** Whether another observation may still add to it: then it is held. */
  readonly mayGain: (gathered: Gathered) => boolean;
  /** It is held for so long after its latest observation, in milliseconds; and after its first, at most. */
  readonly quietMs: number;
  readonly mostMs: number;
}

/** What a weaker observer of the same request may know alone: nothing of what was sent. */
export function filledByWeaker({ fields, state }: Gathered, other: Fields): Gathered {
  return { fields: filledFrom(fields, other, ['resource_name', 'file_name']), state };
}

/** Fields that say who it was: they go together, as one observation has them. */
const WHO = ['user_id', 'user_name'] as const;

/** What is not known is taken from the other observation. */
export function filledFrom(fields: Fields, other: Fields, names: readonly string[]): Fields {
  const filled: Record<string, Value> = { ...fields };
  for (const name of names) if (other[name] !== other['resource_id']) filled[name] ??= other[name];
  const isNobody = WHO.every((name) => fields[name] === undefined);
  const isSomebody = WHO.some((name) => other[name] !== undefined);
  if (isNobody && isSomebody) for (const name of [...WHO, 'auth_method']) filled[name] = other[name] ?? filled[name];
  return filled;
}
