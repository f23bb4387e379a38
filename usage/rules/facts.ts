import { AGENT_CLASSES } from './agents.ts';
import { ACCESS, type Code } from './access.ts';
import { behaviourDay, behaviourSql, wholeDays } from './behaviour.ts';
import { literal, literals, type Dialect, type Period } from './dialect.ts';
import type { Policy } from './policy.ts';
import { typesOf } from './roles.ts';

/** The latest that a double click may follow, in milliseconds: at 30.000 s it still is one. */
export const DOUBLE_CLICK_MS = 30_000;
/** Clowder v1's user for visitors who are not logged in, so not one person. */
const GUEST = '0'.repeat(24);
/**
 * Sources that observe requests: if they report no user agent, none was sent. Instrumented servers share their source with
 * other programs; `auth_method`, which only an observer of the request's headers knows, identifies them.
 */
const OBSERVED = ['proxy', 'nginx'];

/** Types of what people, programs and extractors do. */
export const FACT_TYPES = typesOf('view', 'download', 'page', 'upload', 'action');
const FOLDED_TYPES = typesOf('view', 'download');
const FOREVER = Number.MAX_SAFE_INTEGER;

/** Columns of a fact from its event and from what is known about the event. */
const JUDGED = [
  'event_id', 'created', 'event', 'resource_type', 'resource_id', 'file_id', 'dataset_id', 'attribution', 'space_id',
  'collection_id', 'content_type', 'bytes', 'complete', 'client', 'client_reason', 'known', 'user_id', 'user_key', 'by_client',
  'session_base', 'hourly', 'out_reason', 'referrer_host', 'country',
]; // prettier-ignore

/** Columns of a fact that figures are split by and that hold any text. */
export const KEYED = [
  'resource_type', 'resource_id', 'dataset_id', 'space_id', 'collection_id', 'content_type', 'user_id', 'referrer_host', 'country',
] as const; // prettier-ignore

/**
 * The rules' verdict on the events of people, bots and extractors in a period, one row each: what happened, to which dataset,
 * by whom, and why it is not counted. It depends on neither time zone nor Code: `verdict.ts` adds those.
 *
 * Columns: those of `JUDGED`; `behaviour` (of `BEHAVIOURS`); `next_ms`, the time of the next request for the same;
 * `r51_reason`, why Release 5.1 does not count it (of `REASONS`); and `visitor` and `session_key`, which distinguish users and
 * sessions.
 */
export function factsSql(dialect: Dialect, period: Period, policy: Policy): string {
  // A repeat may follow within 30 s after the end of the period; a flag needs the whole day.
  const read = wholeDays({ fromMs: period.fromMs, toMs: period.toMs + DOUBLE_CLICK_MS + 1 });
  return `
WITH placed AS MATERIALIZED (${whoAndWhat(dialect, read)}),
judged AS MATERIALIZED (${judged(dialect, policy)}),
flags AS (${behaviourSql(dialect, 'judged', policy.behaviour)})
SELECT f.*, ${reasonSql('r51', isRepeat('f'))} AS r51_reason, ${dialect.identity('coalesce(f.user_key, f.session_base)')} AS visitor,
  ${dialect.identity('f.session_base')} AS session_key
FROM (SELECT ${JUDGED.map((name) => `j.${name}`).join(', ')},
  CASE WHEN j.out_reason IS NULL THEN coalesce(b.behaviour, 'ordinary') ELSE 'ordinary' END AS behaviour,
  CASE WHEN j.out_reason IS NULL AND j.user_key IS NOT NULL AND j.event IN (${literals(FOLDED_TYPES)})
    THEN lead(j.created) OVER (
      PARTITION BY j.out_reason, j.unknown_tool, j.user_key, j.event, j.resource_id ORDER BY j.created, j.event_id)
  END AS next_ms
FROM judged j LEFT JOIN flags b ON b.user_key = j.user_key AND b.day = ${behaviourDay(dialect, 'j.created')}) f`;
}

/** Whether the same fact follows again within the time of a double click. */
export const isRepeat = (fact: string): string =>
  `(${fact}.next_ms IS NOT NULL AND ${fact}.next_ms - ${fact}.created <= ${DOUBLE_CLICK_MS})`;

/** Why a Code does not count a fact, `f`, or `counted`. */
export const reasonSql = (code: Code, repeat: string): string =>
  `CASE WHEN f.out_reason IS NOT NULL THEN f.out_reason WHEN ${accessSql(code)} = 'out' THEN 'tool' WHEN ${repeat} THEN 'repeat' ELSE 'counted' END`;

/** Why an event is out under both Codes, and where its dataset was. */
function judged(dialect: Dialect, { users, agents }: Policy): string {
  const named = literals(users);
  const isAgent = agents.map((agent) => `strpos(lower(w.user_agent), ${literal(agent)}) > 0`).join(' OR ');
  return `
  SELECT w.*, (w.client = 'tool' AND NOT w.known) AS unknown_tool,
    CASE WHEN w.resource_type = 'space' THEN w.resource_id ELSE coalesce(w.own_space_id, s.space_id, d.space_id) END AS space_id,
    CASE WHEN w.resource_type = 'collection' THEN w.resource_id ELSE d.collection_id END AS collection_id,
    CASE
      WHEN w.client IN ('extractor', 'bot', 'ai_agent') THEN w.client
      ${users.length === 0 ? '' : `WHEN w.user_id IN (${named}) OR w.user_name IN (${named}) THEN 'excluded_user'`}
      WHEN w.of_excluded_network THEN 'excluded_network'
      ${agents.length === 0 ? '' : `WHEN ${isAgent} THEN 'excluded_agent'`}
      WHEN w.preview THEN 'preview'
      WHEN NOT w.tracked THEN 'untracked'
    END AS out_reason
  FROM placed w
  LEFT JOIN (${placements(dialect, 'space_placements', ['dataset_id', 'space_id'])}) s
    ON s.dataset_id = CASE WHEN w.own_space_id IS NULL THEN w.dataset_id END AND s.from_ms <= w.created AND w.created < s.to_ms
  LEFT JOIN ${dialect.table('catalog_datasets')} d ON d.dataset_id = w.dataset_id`;
}

/**
 * Each event with its dataset, user and client.
 *
 * Each join condition names both sides: otherwise DuckDB compares every pair instead of hashing.
 */
function whoAndWhat(dialect: Dialect, period: Period): string {
  return `
    SELECT b.event_id, b.created, b.event, b.resource_type, b.resource_id, b.file_id, b.space_id AS own_space_id,
      b.content_type, b.bytes, b.known, b.user_id, b.user_name,
      ${dialect.hostOf('b.referrer')} AS referrer_host, b.user_agent, x.country, coalesce(x.excluded, FALSE) AS of_excluded_network,
      coalesce(b.complete, TRUE) AS complete, coalesce(b.tracked, TRUE) AS tracked, coalesce(b.preview, FALSE) AS preview,
      CASE
        WHEN b.resource_type = 'dataset' THEN b.resource_id
        WHEN b.file_id IS NOT NULL THEN coalesce(b.own_dataset_id, p.dataset_id, c.dataset_id)
      END AS dataset_id,
      CASE
        WHEN b.resource_type = 'dataset' THEN 'event'
        WHEN b.file_id IS NULL THEN 'no_item'
        WHEN b.own_dataset_id IS NOT NULL THEN 'event'
        WHEN p.dataset_id IS NOT NULL THEN 'seen'
        WHEN c.dataset_id IS NOT NULL THEN 'catalog'
        ELSE 'unattributed'
      END AS attribution,
      ${CLIENT} AS client,
      CASE
        WHEN b.client_kind = 'extractor' THEN 'told apart by the collector'
        WHEN a.reason IS NOT NULL AND NOT (b.client_kind IS NOT DISTINCT FROM 'bot' AND a.agent IN ('browser', 'program')) THEN a.reason
        WHEN b.client_kind IS NOT NULL THEN 'told apart by the collector'
        ELSE 'no user agent'
      END AS client_reason,
      CASE
        WHEN b.user_id IS NOT NULL THEN 'u ' || b.user_id
        WHEN b.session_id IS NOT NULL THEN 's ' || b.session_id
        ELSE b.client_key
      END AS user_key,
      (b.user_id IS NULL AND b.session_id IS NULL AND b.client_key IS NOT NULL) AS by_client,
      CASE
        WHEN b.session_id IS NOT NULL THEN 's ' || b.session_id
        WHEN b.user_id IS NOT NULL THEN 'u ' || b.user_id
        ELSE coalesce(b.client_key, 'e ' || b.event_id)
      END AS session_base,
      (b.session_id IS NULL) AS hourly
    FROM (${base(dialect, period)}) b
    LEFT JOIN ${dialect.table('agents')} a ON a.user_agent = b.user_agent
    LEFT JOIN ${dialect.table('addresses')} x ON x.client_address = b.client_address
    LEFT JOIN (${placements(dialect, 'placements', ['file_id', 'dataset_id'])}) p
      ON p.file_id = b.stray_file_id AND p.from_ms <= b.created AND b.created < p.to_ms
    LEFT JOIN ${dialect.table('catalog_files')} c ON c.file_id = b.stray_file_id`;
}

/** Class of the client: by its user agent, or, if it sent none, by the collector's verdict. */
const CLIENT = `CASE
        WHEN b.client_kind = 'extractor' OR a.agent = 'extractor' THEN 'extractor'
        WHEN a.agent IN ('tool', 'ai_agent') THEN a.agent
        WHEN a.agent = 'bot' OR b.client_kind = 'bot' THEN 'bot'
        WHEN a.agent IS NOT NULL THEN a.agent
        WHEN b.client_kind = 'browser' THEN 'browser'
        WHEN b.client_kind IS NULL AND (b.source IN (${literals(OBSERVED)}) OR b.auth_method IS NOT NULL) AND NOT b.known THEN 'bot'
        ELSE 'program'
      END`;

function base(dialect: Dialect, period: Period): string {
  return `
      SELECT e.event_id, e.created, e.event, e.source, e.client_kind, e.auth_method, e.user_agent, e.session_id,
        e.resource_type, e.resource_id, e.space_id, e.content_type, e.bytes, e.complete, e.tracked,
        e.preview, e.user_name, e.referrer, e.client_address,
        coalesce(e.file_id, CASE WHEN e.resource_type = 'file' THEN e.resource_id END) AS file_id,
        e.dataset_id AS own_dataset_id,
        CASE WHEN e.dataset_id IS NULL THEN coalesce(e.file_id, CASE WHEN e.resource_type = 'file' THEN e.resource_id END) END AS stray_file_id,
        nullif(e.user_id, ${literal(GUEST)}) AS user_id,
        (nullif(e.user_id, ${literal(GUEST)}) IS NOT NULL OR coalesce(e.auth_method, 'none') <> 'none') AS known,
        CASE
          WHEN e.client_id IS NOT NULL THEN 'c ' || e.client_id
          WHEN e.client_address IS NOT NULL THEN 'a ' || e.client_address || ' ' || coalesce(e.user_agent, '')
        END AS client_key
      FROM ${dialect.events(period)} e
      WHERE e.event IN (${literals(FACT_TYPES)})`;
}

/**
 * Which dataset a file was in, or which space a dataset, and when: from its first time there to its first time elsewhere.
 * Before its very first time, it counts to the first place.
 */
function placements(
  dialect: Dialect,
  table: 'placements' | 'space_placements',
  [what, where]: readonly [string, string],
): string {
  return `
      SELECT q.${what}, q.${where},
        CASE WHEN row_number() OVER w = 1 THEN 0 ELSE q.from_ms END AS from_ms,
        coalesce(lead(q.from_ms) OVER w, ${FOREVER}) AS to_ms
      FROM ${dialect.table(table)} q
      WINDOW w AS (PARTITION BY q.${what} ORDER BY q.from_ms, q.${where})`;
}

/** Access method of a fact, `f`, by a Code. */
export function accessSql(code: Code): string {
  const cases = AGENT_CLASSES.map((agent) => {
    const { known, unknown } = ACCESS[agent][code];
    return known === unknown
      ? `WHEN f.client = ${literal(agent)} THEN ${literal(known)}`
      : `WHEN f.client = ${literal(agent)} THEN CASE WHEN f.known THEN ${literal(known)} ELSE ${literal(unknown)} END`;
  });
  return `CASE ${cases.join(' ')} ELSE 'out' END`;
}
