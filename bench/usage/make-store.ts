import { openDuckdbStore } from '../../usage/store/duckdb/store.ts';

/**
 * `node bench/usage/make-store.ts FILE EVENTS`: makes the store of a busy site, 36 months until the end of November 2026. At
 * least a tenth of all events are in October 2026.
 */
const [path = '', events = '0'] = process.argv.slice(2);

const DAY_MS = 86_400_000;
const OCTOBER_MS = Date.UTC(2026, 9, 1);
const OCTOBER_DAYS = 31;
const FIRST_MS = Date.UTC(2023, 11, 1);
const DAYS = (Date.UTC(2026, 11, 1) - FIRST_MS) / DAY_MS;

const BROWSERS = ['X11; Linux x86_64', 'Macintosh; Intel Mac OS X 10.15', 'Windows NT 10.0; Win64; x64'].flatMap(
  (os) =>
  Array.from({ length: 30 }, (_, version) => `Mozilla/5.0 (${os}; rv:${100 + version}.0) Gecko/20100101 Firefox/${100 + version}.0`), // prettier-ignore
);
const ROBOTS = ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'Mozilla/5.0 (compatible; bingbot/2.0)', 'AhrefsBot/7.0']; // prettier-ignore
const TOOLS = ['python-requests/2.32.3', 'curl/8.5.0', 'Wget/1.21'];
const list = (names: readonly string[]): string => `[${names.map((name) => `'${name}'`).join(', ')}]`;
const pick = (names: readonly string[], random: string): string => `${list(names)}[1 + floor(${random} * ${names.length})::BIGINT]`; // prettier-ignore
/** A number from 0 to below 1, always the same for the same event. */
const random = (nth: number): string => `((hash(i * 16 + ${nth}) % 1000003) / 1000003.0)`;

const COLUMNS = 'event_id, id_key, created, event, source, client_kind, auth_method, user_id, user_name, session_id, client_id, client_address, user_agent, resource_type, resource_id, resource_name, file_id, dataset_id, dataset_name, space_id, bytes, content_type, complete, referrer, extractor_name, job_id, component, healthy, response_time_ms'; // prettier-ignore

const SQL = `
INSERT INTO events (${COLUMNS})
WITH drawn AS (
  SELECT i, ${random(1)} AS r1, ${random(2)} AS r2, ${random(3)} AS r3, ${random(4)} AS r4, ${random(5)} AS r5, ${random(6)} AS r6,
    ${random(7)} AS r7, ${random(8)} AS r8
  FROM range(${Number(events)}) t(i)
), placed AS (
  SELECT *,
    CASE WHEN i % 10 = 0 THEN ${OCTOBER_MS} + floor(r1 * ${OCTOBER_DAYS * DAY_MS})::BIGINT ELSE ${FIRST_MS} + floor(r1 * ${DAYS * DAY_MS})::BIGINT END AS created,
    floor(2000 * pow(r2, 3))::BIGINT AS dataset,
    floor(25 * r3 * r3)::BIGINT AS part,
    CASE WHEN r4 < 0.55 THEN 'page' WHEN r4 < 0.75 THEN 'file' WHEN r4 < 0.93 THEN 'download' WHEN r4 < 0.95 THEN 'upload' WHEN r4 < 0.98 THEN 'job' ELSE 'ping' END AS what,
    CASE WHEN r5 < 0.3 THEN 'user' WHEN r5 < 0.8 THEN 'guest' WHEN r5 < 0.95 THEN 'robot' ELSE 'tool' END AS who,
    floor(800 * r6 * r6)::BIGINT AS user_nth, floor(40000 * r6)::BIGINT AS client_nth
  FROM drawn
)
SELECT 'event-' || i, hash('event-' || i), created,
  CASE what WHEN 'page' THEN 'view.resource' WHEN 'file' THEN 'view.resource' WHEN 'download' THEN 'view.download' WHEN 'upload' THEN 'file.uploaded'
    WHEN 'job' THEN ${pick(['extraction.queued', 'extraction.working', 'extraction.done'], 'r7')} ELSE 'health.ping' END,
  CASE WHEN what = 'ping' THEN 'monitor' WHEN what = 'job' THEN 'rabbitmq' ELSE 'proxy' END,
  CASE who WHEN 'robot' THEN 'bot' WHEN 'tool' THEN 'api' ELSE 'browser' END,
  CASE WHEN who = 'user' THEN 'session' ELSE 'none' END,
  CASE WHEN who = 'user' THEN 'user-' || user_nth END,
  CASE WHEN who = 'user' THEN 'Somebody of number ' || user_nth END,
  CASE WHEN who = 'user' THEN 'session-' || user_nth || '-' || (created // ${DAY_MS}) END,
  'client-' || hash(client_nth, created // ${DAY_MS}),
  '10.' || (client_nth % 250) || '.' || (client_nth // 250) || '.0',
  CASE who WHEN 'robot' THEN ${pick(ROBOTS, 'r7')} WHEN 'tool' THEN ${pick(TOOLS, 'r7')} ELSE ${pick(BROWSERS, '((client_nth % 90) / 90.0)')} END,
  CASE WHEN what IN ('page') THEN 'dataset' WHEN what = 'ping' THEN NULL ELSE 'file' END,
  CASE WHEN what = 'page' THEN 'dataset-' || dataset WHEN what = 'ping' THEN NULL ELSE 'file-' || dataset || '-' || part END,
  CASE WHEN what = 'page' THEN 'Measurements of site ' || dataset WHEN what IN ('file', 'download', 'upload') THEN 'part ' || part || '.csv' END,
  CASE WHEN what IN ('upload', 'job') THEN 'file-' || dataset || '-' || part END,
  CASE WHEN what IN ('file', 'download', 'upload') AND r8 < 0.8 THEN 'dataset-' || dataset END,
  CASE WHEN what IN ('file', 'download', 'upload') AND r8 < 0.8 THEN 'Measurements of site ' || dataset END,
  CASE WHEN what = 'upload' THEN 'space-' || (dataset % 40) END,
  CASE WHEN what IN ('download', 'upload') THEN floor(1e8 * r8 * r8)::BIGINT END,
  CASE WHEN what IN ('file', 'download', 'upload') THEN ${pick(['text/csv', 'image/tiff', 'application/zip', 'application/x-hdf5'], 'r3')} END,
  CASE WHEN what = 'download' AND r8 > 0.97 THEN FALSE END,
  CASE WHEN what IN ('page', 'file') AND r8 < 0.4 THEN ${pick(['https://doi.org/10.5/x', 'https://scholar.google.com/', 'https://clowder.example.org/datasets'], 'r7')} END,
  CASE WHEN what = 'job' THEN ${pick(['ncsa.image', 'ncsa.csv', 'ncsa.video'], 'r2')} END,
  CASE WHEN what = 'job' THEN printf('%024x', i // 100) END,
  CASE WHEN what = 'ping' THEN ${pick(['clowder', 'rabbitmq', 'mongo'], 'r2')} END,
  CASE WHEN what = 'ping' THEN r8 < 0.995 END,
  CASE WHEN what = 'ping' THEN 1000 * r8 * r8 END
FROM placed ORDER BY created`;

const store = await openDuckdbStore({ path, memoryBytes: 2 * 1024 ** 3 });
await store.engine.run(SQL);
await store.rebuild();
// The first question computes the facts.
await store.verdicts({ period: { fromMs: 0, toMs: 1 }, zone: 'UTC', code: 'r51' });
await store.close();
