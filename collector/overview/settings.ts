import { valueOf } from '../../runtime/config/schema.ts';
import { entriesOf, httpUrl, list, parseHttpUrl } from '../../runtime/config/values.ts';

/** A program of ours whose `/readyz` the dashboard shows. */
export interface WatchedProgram {
  readonly name: string;
  readonly url: string;
}

const NAMED = /^([\w.-]{1,64})=(.+)$/;
const isProgram = (entry: string): boolean => parseHttpUrl(NAMED.exec(entry)?.[2] ?? '') !== undefined;

/** Settings of the dashboard. */
export const dashboardSettings = {
  WATCHED_PROGRAMS: valueOf(list(isProgram, 'names and addresses such as proxy=http://127.0.0.1:8001'))
    .optional()
    .describe('Proxies, monitors and sinks whose /readyz the dashboard shows: name=http://host:port, by commas'),
  TRACES_URL: valueOf(httpUrl)
    .optional()
    .describe('Where people look at traces, such as http://jaeger:16686: the dashboard links events to it'),
};

/** The programs that the setting names. */
export const watchedPrograms = (given: string | undefined): readonly WatchedProgram[] =>
  entriesOf(given).flatMap((entry) => {
    const match = NAMED.exec(entry);
    return match === null ? [] : [{ name: match[1] ?? '', url: match[2] ?? '' }];
  });
