import type { Answer, Meaning, Method, RouteFacts } from './route-facts.ts';
import { V1_ROUTES } from './v1-routes.ts';
import { V2_ROUTES } from './v2-routes.ts';

export interface RouteRow {
  readonly method: Method;
  readonly path: string;
  readonly event: Meaning;
  readonly answer: Answer;
  /** Name of the row: method and path, and who answers if another row has the same. */
  readonly key: string;
}

const FACTS = { v1: V1_ROUTES, v2: V2_ROUTES } as const satisfies Record<string, readonly RouteFacts[]>;

/** The versions of Clowder whose routes are known. */
export type RoutesVersion = keyof typeof FACTS;

/** Every HTTP route of a Clowder version, in the order in which they are tried. */
export const routeRows = (version: RoutesVersion): readonly RouteRow[] =>
  (FACTS[version] as readonly RouteFacts[]).flatMap((facts) => {
    if (facts[0] === 'AMQP') return [];
    const [method, path, event, answer, by] = facts;
    return [{ method, path, event, answer, key: by === undefined ? `${method} ${path}` : `${method} ${path} [${by}]` }];
  });

/** Names of a version's routes and messages that bear on an event; some make none. */
export const keysWithMeaning = (version: RoutesVersion): readonly string[] => [
  ...routeRows(version)
    .filter(({ event }) => event !== 'none')
    .map(({ key }) => key),
  ...(FACTS[version] as readonly RouteFacts[]).flatMap(([method, place]) =>
    method === 'AMQP' ? [`${method} ${place}`] : [],
  ),
];
