import { asId, field } from '../../taxonomy/http/facts.ts';
import type { ClowderVersion, Json } from '../../taxonomy/http/types.ts';

export type ResourceKind = 'file' | 'dataset' | 'collection' | 'space';

/** What Clowder tells about a resource. */
export interface Facts {
  readonly name?: string;
  readonly datasetId?: string;
  readonly folderId?: string;
  readonly spaceId?: string;
  readonly authorId?: string;
  readonly authorName?: string;
}

/** A user as Clowder knows them; the name is the e-mail address if there is one. */
export interface User {
  readonly userId?: string;
  readonly userName?: string;
}

type Fact = keyof Facts | keyof User;

/** Where an answer has each fact: paths of nested fields. The first that has a value counts. */
type Places = { readonly [F in Fact]?: readonly string[] };

/** A read-only request to Clowder that Clowder counts neither as a view nor as a download. */
export interface Lookup {
  /** `:id` stands for the resource's id. */
  readonly path: string;
  /** The route for callers without a login, if it differs. */
  readonly publicPath?: string;
  /** The facts worth a request; others are taken if the answer has them. */
  readonly asks: readonly Fact[];
  readonly places: Places;
}

export type Lookups = { readonly [K in ResourceKind]?: Lookup } & { readonly user: Lookup };

const V2_FILE: Places = {
  name: ['name'],
  datasetId: ['dataset_id'],
  folderId: ['folder_id'],
  authorId: ['creator.id'],
  authorName: ['creator.email'],
};
const V2_DATASET: Places = { name: ['name'], authorId: ['creator.id'], authorName: ['creator.email'] };

/**
 * v1's `GET /api/files/:id` is a download, not a look-up, and v1 has no route from a file to its dataset. v2 has neither spaces
 * nor collections.
 */
export const LOOKUPS: Readonly<Record<Exclude<ClowderVersion, 'auto'>, Lookups>> = {
  v1: {
    file: { path: '/api/files/:id/metadata', asks: ['name'], places: { name: ['filename'], authorId: ['authorId'] } },
    dataset: { path: '/api/datasets/:id', asks: ['name', 'spaceId'], places: { name: ['name'], spaceId: ['spaces'], authorId: ['authorId'] } },
    collection: { path: '/api/collections/:id', asks: ['name', 'spaceId'], places: { name: ['name'], spaceId: ['spaces'] } },
    space: { path: '/api/spaces/:id', asks: ['name'], places: { name: ['name'] } },
    user: { path: '/api/me', asks: ['userId', 'userName'], places: { userId: ['id'], userName: ['email', 'fullName'] } },
  },
  v2: {
    file: { path: '/api/v2/files/:id/summary', publicPath: '/api/v2/public_files/:id/summary', asks: ['name', 'datasetId'], places: V2_FILE },
    dataset: { path: '/api/v2/datasets/:id', publicPath: '/api/v2/public_datasets/:id', asks: ['name'], places: V2_DATASET },
    user: { path: '/api/v2/users/profile', asks: ['userId', 'userName'], places: { userId: ['id'], userName: ['email'] } },
  },
}; // prettier-ignore

/** The facts in an answer; undefined if there are none. */
export function readAnswer(answer: Json | undefined, places: Places): (Facts & User) | undefined {
  const facts: { -readonly [F in Fact]?: string } = {};
  for (const fact of Object.keys(places) as Fact[]) {
    const value = places[fact]?.map((place) => valueOf(fact, at(answer, place))).find((found) => found !== undefined);
    if (value !== undefined) facts[fact] = value;
  }
  return Object.keys(facts).length === 0 ? undefined : facts;
}

const at = (answer: Json | undefined, place: string): Json | undefined =>
  place.split('.').reduce((value, name) => field(value, name), answer);

const LONGEST_NAME = 1024;
/** v1's id for anonymous users. */
const NOBODY = /^0+$/;

function valueOf(fact: Fact, value: Json | undefined): string | undefined {
  if (fact.endsWith('Id')) {
    const id = firstId(value);
    return id === undefined || NOBODY.test(id) ? undefined : id;
  }
  return typeof value === 'string' && value !== '' ? value.slice(0, LONGEST_NAME) : undefined;
}

/** An id, the first in a list of ids, or the first in the text that v1 makes of a list: `List(5a…, 5b…)`. */
function firstId(value: Json | undefined): string | undefined {
  if (Array.isArray(value)) return firstId(value[0]);
  return typeof value === 'string' ? asId(/^List\(([^,)]*)/.exec(value)?.[1] ?? value) : undefined;
}
