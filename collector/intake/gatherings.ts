import type { EventType } from '../../taxonomy/event-types.ts';
import { toFlatBody, type FlatBody } from '../../taxonomy/flat-body.ts';
import type { Gathered } from '../../taxonomy/folding/folding.ts';

/** An event that is held because further observations may add to it. Immutable: a change makes a new one. */
export interface Gathering {
  readonly key: string;
  /** What is gathered, under the id of its first observation. */
  readonly gathered: Gathered;
  /** When the first observation arrived. */
  readonly firstMs: number;
  readonly dueMs: number;
  /** Its row in the journal; undefined until committed. */
  readonly heldId?: number;
  /** Keys that the event restores after a restart, besides those in its line. */
  readonly keys?: readonly string[];
}

/** The part of a held line that is not a field of the event. */
const KEPT = 'gathering';
/** Fields that are computed from others. */
const DERIVED = new Set(['category', 'type', 'size', 'service_name']);

export const idOfGathering = ({ gathered }: Gathering): string => String(gathered.fields['event_id']);
export const typeOf = ({ gathered }: Gathering): EventType => gathered.fields['event'] as EventType;
export const createdOf = ({ gathered }: Gathering): number => Number(gathered.fields['created']);

/** When the latest observation began, by the clock of its observer. */
export const lastOf = (gathering: Gathering): number => gathering.gathered.state.lastMs ?? createdOf(gathering);

/** The event as known so far. */
export function eventOf({ gathered }: Gathering): FlatBody {
  const fields = Object.fromEntries(Object.entries(gathered.fields).filter(([name]) => !DERIVED.has(name)));
  return toFlatBody(fields as FlatBody);
}

export function lineOfGathering(gathering: Gathering): string {
  const { key, gathered, firstMs, keys = [] } = gathering;
  const kept = { key, state: gathered.state, firstMs, ...(keys.length > 0 && { keys }) };
  return JSON.stringify({ ...eventOf(gathering), [KEPT]: JSON.stringify(kept) });
}

export function gatheringOf(line: string, dueMs: number, heldId: number): Gathering {
  const { [KEPT]: kept, ...fields } = JSON.parse(line) as FlatBody;
  const { state, ...rest } = JSON.parse(String(kept)) as Pick<Gathering, 'key' | 'firstMs' | 'keys'> & Pick<Gathered, 'state'>; // prettier-ignore
  return { ...rest, gathered: { fields, state }, dueMs, heldId };
}

/** Held events that further observations may add to: an index of the journal's rows, by key and by id. */
export class Gatherings {
  readonly #byId = new Map<string, Gathering>();
  readonly #byKey = new Map<string, readonly string[]>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): Gathering | undefined {
    return this.#byId.get(id);
  }

  /** Held events with this key, in the order in which they began. */
  of(key: string): readonly Gathering[] {
    return (this.#byKey.get(key) ?? []).flatMap((id) => this.#byId.get(id) ?? []);
  }

  /** The oldest first. */
  all(): Iterable<Gathering> {
    return this.#byId.values();
  }

  set(gathering: Gathering): void {
    const id = idOfGathering(gathering);
    if (!this.#byId.has(id)) this.#byKey.set(gathering.key, [...(this.#byKey.get(gathering.key) ?? []), id]);
    this.#byId.set(id, gathering);
  }

  delete(gathering: Gathering): void {
    const { key } = gathering;
    const id = idOfGathering(gathering);
    this.#byId.delete(id);
    const left = (this.#byKey.get(key) ?? []).filter((one) => one !== id);
    if (left.length === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, left);
  }
}
