import { routeRows, type RouteRow } from '../clowder/routes.ts';
import { pageView } from './scenarios/events.ts';
import { get, one, type Scenario, type Sent } from './scenarios/scenario.ts';
import { V1_CHANGES } from './scenarios/v1-changes.ts';
import { V1_DOWNLOADS } from './scenarios/v1-downloads.ts';
import { V1_PAGES } from './scenarios/v1-pages.ts';
import { V1_UPLOADS } from './scenarios/v1-uploads.ts';
import { V1_USERS } from './scenarios/v1-users.ts';
import { V2_FILES } from './scenarios/v2-files.ts';
import { V2_REST } from './scenarios/v2-rest.ts';
import { seedId, type Kind } from './seeds.ts';
import { USER } from './v1/users.ts';
import type { StandInVersion } from './server.ts';

const written: Readonly<Record<StandInVersion, readonly Scenario[]>> = {
  v1: [...V1_UPLOADS, ...V1_DOWNLOADS, ...V1_CHANGES, ...V1_PAGES, ...V1_USERS],
  v2: [...V2_FILES, ...V2_REST],
};

/** Routes that have an event in the table but no scenario here, with the reason. */
export const WITHOUT_SCENARIO: Readonly<Record<StandInVersion, Readonly<Record<string, string>>>> = {
  v1: {
    'DELETE /api/collections/emptyTrash': 'nobody knows which collections: no event',
    'DELETE /api/collections/clearOldCollectionsTrash': 'nobody knows which collections: no event',
    'DELETE /api/datasets/emptyTrash': 'nobody knows which datasets: no event',
    'DELETE /api/datasets/clearOldDatasetsTrash': 'nobody knows which datasets: no event',
    'DELETE /api/selected/files': "the server's own selection: nobody knows which datasets: no event",
  },
  v2: {
    'AMQP job in the queue of a listener': 'not HTTP: seen by the RabbitMQ observer',
    'AMQP status in the reply queue': 'not HTTP: seen by the RabbitMQ observer',
    'AMQP exchange extractors': 'not HTTP: a heartbeat, and no event',
    'AMQP queue error.{listener}': 'not HTTP: seen by the RabbitMQ observer',
  },
};

/** A path with plausible values for its parameters. */
export function examplePath(path: string): string {
  return path
    .replaceAll(/:ex\w*Name|\{extractor_?name\}/g, 'ncsa.wordcount')
    .replaceAll(/:token/g, 'canary-token')
    .replaceAll(/(?<=\/users\/):id/g, USER.id)
    .replaceAll(/(?<=(file|collection|space)s\/)(?::\w+|\{[^}]*\})/g, (_, kind: Kind) => seedId(kind, 900))
    .replaceAll(/:\w+|\{[^}]*\}\}?/g, seedId('dataset', 900))
    .replaceAll(/\/\*\w*/g, '/some/where');
}

const isWritten = (version: StandInVersion, row: RouteRow): boolean =>
  written[version].some(({ covers = [] }) => covers.includes(row.key));

/** Every page in the table without its own scenario: showing it once is one view.page. */
const pages = (version: StandInVersion): readonly Scenario[] =>
  routeRows(version)
    .filter((row) => row.event === 'view.page' && !isWritten(version, row))
    .map(
      (row) =>
      one(`the page ${row.path}`, get(examplePath(row.path), { agent: 'browser', headers: { accept: 'text/html' } }), 200, [pageView()], [row.key]), // prettier-ignore
    );

/** What is sent to a Clowder of this version, and exactly the events that must result. */
export const scenariosOf = (version: StandInVersion): readonly Scenario[] => [...written[version], ...pages(version)];

/** A request to every other route without an event; together they must make none, whatever the answers. */
export const quietRequests = (version: StandInVersion): readonly Sent[] =>
  routeRows(version)
    .filter((row) => row.event === 'none' && !isWritten(version, row))
    .map(({ method, path }) => ({ method, path: examplePath(path).replace('*', 'main'), agent: 'browser' }));
