import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { DASHBOARDS } from '../../../tools/grafana/dashboards.ts';
import { postgresql } from '../../../sinks/services/postgresql/postgresql.ts';
import type { FieldValue, SinkEvent } from '../../../sinks/sink.ts';
import { freshDatabase } from '../../support/sinks/postgresql-server.ts';
import { tempDir } from '../../support/processes.ts';

const DOCUMENT = new URL('../../../docs/sinks/postgresql.md', import.meta.url);

type Fields = Readonly<Record<string, FieldValue>>;
const ADA: Fields = { user_id: 'ada', user_name: 'Ada', client_kind: 'browser', client_id: 'c-ada' };
const BOB: Fields = { user_id: 'bob', user_name: 'Bob', client_kind: 'api', client_id: 'c-bob' };
const GUEST: Fields = { client_kind: 'browser', client_id: 'c-guest' };
const EXTRACTOR: Fields = { user_id: 'ada', user_name: 'Ada', client_kind: 'extractor' };
const BOT: Fields = { client_kind: 'bot', client_id: 'c-bot' };

const file = (id: string, more: Fields = {}): Fields => ({
  resource_type: 'file',
  resource_id: id,
  resource_name: `${id}.csv`,
  ...more,
});

/** Events in order: time (UTC), type, by whom, and about what. */
const HAPPENED: readonly (readonly [string, string, Fields, Fields])[] = [
  // Uploads, and what became of them.
  ['2025-10-31 23:30:00', 'file.uploaded', ADA, file('f1', { bytes: 1000 })],
  ['2025-11-02 09:00:00', 'file.uploaded', ADA, file('f2', { bytes: 500 })],
  ['2025-11-02 10:00:00', 'file.uploaded', BOB, file('f3', { bytes: 70 })],
  ['2025-11-03 10:00:00', 'file.uploaded', BOB, file('f3', { bytes: 80 })],
  ['2025-11-04 10:00:00', 'file.deleted', BOB, file('f3')],
  ['2025-11-04 11:00:00', 'file.deleted', ADA, file('f2', { bytes: 501 })],
  // Downloads of f1: two that count, and one for each reason not to count.
  ['2025-11-05 08:00:00', 'view.download', ADA, file('f1', { bytes: 1000, complete: true })],
  ['2025-11-05 08:00:20', 'view.download', ADA, file('f1', { bytes: 1000 })],
  ['2025-11-05 08:00:10', 'view.download', BOB, file('f1', { bytes: 1000 })],
  ['2025-11-05 09:00:00', 'view.download', EXTRACTOR, file('f1', { bytes: 1000 })],
  ['2025-11-05 09:00:01', 'view.download', EXTRACTOR, file('f1', { bytes: 1000 })],
  ['2025-11-05 09:10:00', 'view.download', BOT, file('f1', { bytes: 1000 })],
  ['2025-11-05 09:20:00', 'view.download', BOB, file('f1', { bytes: 1000, tracked: false })],
  ['2025-11-05 09:30:00', 'view.download', GUEST, file('f1', { bytes: 300, complete: false })],
  // The guest's second attempt follows at once and counts for both.
  ['2025-11-05 09:30:05', 'view.download', GUEST, file('f1', { bytes: 1000 })],
  ['2025-12-01 00:00:00', 'view.download', ADA, file('f1', { bytes: 1000 })],
  // Views of f1: the first, two refreshes of it, one after a while, one in another visit.
  ['2025-11-06 12:00:00', 'view.resource', ADA, file('f1')],
  ['2025-11-06 12:00:01', 'view.resource', ADA, file('f1')],
  ['2025-11-06 12:00:30', 'view.resource', ADA, file('f1')],
  ['2025-11-06 12:05:00', 'view.resource', ADA, file('f1')],
  ['2025-11-06 13:00:00', 'view.resource', ADA, file('f1')],
  ['2025-11-06 12:00:00', 'view.resource', GUEST, file('f1')],
  ['2025-11-06 12:00:02', 'view.resource', BOT, file('f1')],
  ['2025-11-06 12:00:03', 'view.resource', EXTRACTOR, file('f1')],
  // Each view without any sign of its viewer counts separately.
  ['2025-11-06 12:00:00', 'view.resource', {}, file('f2')],
  ['2025-11-06 12:00:00', 'view.resource', {}, file('f2')],
  // Two files viewed by one person in the same second are two views.
  ['2025-11-07 12:00:00', 'view.resource', BOB, file('f1')],
  ['2025-11-07 12:00:00', 'view.resource', BOB, file('f2')],
  ['2025-11-07 12:01:00', 'view.page', BOB, { url: 'https://clowder.example.org/datasets' }],
  // Users.
  ['2025-11-05 07:59:00', 'user.login', ADA, {}],
  ['2025-11-08 07:00:00', 'user.signup', { user_id: 'cleo', user_name: 'Cleo' }, {}],
  ['2025-11-08 08:00:00', 'dataset.created', BOB, { resource_type: 'dataset', resource_id: 'd1' }],
  // Jobs: one from Clowder with its times, one with its duration, one that fails, one that goes on, one without a job id.
  // Messages with numbers of their own count no job twice.
  [
    '2025-11-09 10:00:00',
    'extraction.queued',
    ADA,
    file('f1', { extractor_name: 'ocr', job_id: '65a000000000000000000001' }),
  ],
  [
    '2025-11-09 10:00:10',
    'extraction.working',
    {},
    file('f1', { extractor_name: 'ocr', job_id: '65a000000000000000000001' }),
  ],
  [
    '2025-11-09 10:00:40',
    'extraction.done',
    {},
    file('f1', { extractor_name: 'ocr', job_id: '65a000000000000000000001' }),
  ],
  [
    '2025-11-09 11:00:00',
    'extraction.done',
    {},
    file('f2', { extractor_name: 'ocr', job_id: '1', duration_ms: 10_000 }),
  ],
  [
    '2025-11-09 12:00:00',
    'extraction.failed',
    {},
    file('f3', { extractor_name: 'ocr', job_id: '1', duration_ms: 500 }),
  ],
  ['2025-11-09 13:00:00', 'extraction.queued', {}, file('f1', { extractor_name: 'ocr', job_id: '2' })],
  ['2025-11-09 14:00:00', 'extraction.done', {}, file('f1', { extractor_name: 'exif', duration_ms: 5 })],
  // Health: three of four readings are good.
  ...['00', '01', '02', '03'].map(
    (minute) =>
      [
        `2025-11-10 10:${minute}:00`,
        'health.ping',
        {},
        {
          component: 'api',
          target: 'http://c/healthz',
          healthy: minute !== '02',
          response_time_ms: Number(minute) * 10,
        },
      ] as const,
  ),
];

const EVENTS: readonly SinkEvent[] = HAPPENED.map(([time, type, who, what], index) => {
  const createdMs = Date.parse(`${time.replace(' ', 'T')}Z`);
  const id = `event-${String(index).padStart(3, '0')}`;
  return {
    id,
    type,
    createdMs,
    resource: '',
    fields: { event_id: id, event: type, created: createdMs, ...who, ...what },
  };
});

describe('usage reports', () => {
  let url: string;
  let rows: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

  const sendAll = async (settings: object = {}): Promise<void> => {
    const log = { info: () => undefined, warn: () => undefined };
    const sink = await postgresql.open(postgresql.config.parse({ url, ...settings }), { log, now: Date.now });
    // Out of order and all of it twice, as a broker may deliver it.
    const shuffled = EVENTS.toSorted((one, other) => (one.id.slice(-1) < other.id.slice(-1) ? -1 : 1));
    for (const batch of [shuffled.slice(0, 20), shuffled.slice(10), shuffled])
      expect(await sink.send(batch, AbortSignal.timeout(30_000))).toEqual({ kind: 'accepted' });
    await sink.close();
  };
  const dated = (sql: string): Promise<readonly object[]> =>
    rows(sql.replaceAll(/\b(month|day)\b(?=,| FROM)/g, '$1::text'));

  beforeAll(async () => {
    const { server, name, url: database } = await freshDatabase();
    url = database;
    rows = (sql) => server.query(sql, [], name);
    await sendAll();
  });

  test('count downloads by people, and each other kind separately; the kinds add up to the total', async () => {
    const sql = `SELECT month, resource_id, downloads::int, downloaders::int, bytes::int, repeated::int, untracked::int,
      incomplete::int, by_extractors::int, by_bots::int FROM clowder.downloads_per_month ORDER BY 1, 2`;
    const november = { resource_id: 'f1', downloads: 3, downloaders: 3, bytes: 3000, repeated: 2, untracked: 1 };
    const none = { repeated: 0, untracked: 0, incomplete: 0, by_extractors: 0, by_bots: 0 };
    expect(await dated(sql)).toEqual([
      { month: '2025-11-01', ...november, incomplete: 0, by_extractors: 2, by_bots: 1 },
      { month: '2025-12-01', resource_id: 'f1', downloads: 1, downloaders: 1, bytes: 1000, ...none },
    ]);
    const all = EVENTS.filter(({ type }) => type === 'view.download').length;
    expect(await rows('SELECT count(*)::int FROM clowder.downloads')).toEqual([{ count: all }]);
  });

  test("fold one viewer's views within 30 seconds, and count sessions as visits", async () => {
    const columns =
      'resource_id, views::int, visits::int, viewers::int, repeated::int, by_extractors::int, by_bots::int';
    expect(await dated(`SELECT day, ${columns} FROM clowder.views_per_day ORDER BY 1, 2`)).toEqual([
      {
        day: '2025-11-06',
        resource_id: 'f1',
        views: 4,
        visits: 3,
        viewers: 2,
        repeated: 2,
        by_extractors: 1,
        by_bots: 1,
      },
      {
        day: '2025-11-06',
        resource_id: 'f2',
        views: 2,
        visits: 2,
        viewers: 2,
        repeated: 0,
        by_extractors: 0,
        by_bots: 0,
      },
      {
        day: '2025-11-07',
        resource_id: 'f1',
        views: 1,
        visits: 1,
        viewers: 1,
        repeated: 0,
        by_extractors: 0,
        by_bots: 0,
      },
      {
        day: '2025-11-07',
        resource_id: 'f2',
        views: 1,
        visits: 1,
        viewers: 1,
        repeated: 0,
        by_extractors: 0,
        by_bots: 0,
      },
    ]);
    expect(await rows('SELECT resource_id, views::int, viewers::int FROM clowder.views_per_month ORDER BY 1')).toEqual([
      { resource_id: 'f1', views: 5, viewers: 3 },
      { resource_id: 'f2', views: 3, viewers: 3 },
    ]);
    expect(await rows('SELECT resource_id, views::int, downloads::int FROM clowder.resource_usage ORDER BY 1')).toEqual(
      [
        { resource_id: 'f1', views: 5, downloads: 4 },
        { resource_id: 'f2', views: 3, downloads: 0 },
      ],
    );
  });

  test('sum up what each user moved; a deleted file counts with the size of its last upload', async () => {
    const sql = `SELECT month, user_id, files_uploaded::int, bytes_uploaded::int, bytes_downloaded::int,
      bytes_downloaded_by_extractors::int AS by_extractors, files_deleted::int, bytes_deleted::int
      FROM clowder.bytes_per_user ORDER BY 1, 2 NULLS LAST`;
    const row = (
      month: string,
      user: string | null,
      ...[files, up, down, extractors, deleted, gone]: number[]
    ): object => ({
      month,
      user_id: user,
      files_uploaded: files,
      bytes_uploaded: up,
      bytes_downloaded: down,
      by_extractors: extractors,
      files_deleted: deleted,
      bytes_deleted: gone,
    });
    expect(await dated(sql)).toEqual([
      row('2025-10-01', 'ada', 1, 1000, 0, 0, 0, 0),
      row('2025-11-01', 'ada', 1, 500, 2000, 2000, 1, 501),
      row('2025-11-01', 'bob', 2, 150, 2000, 0, 1, 80),
      row('2025-11-01', null, 0, 0, 1300, 0, 0, 0),
      row('2025-12-01', 'ada', 0, 0, 1000, 0, 0, 0),
    ]);
  });

  test('report extractors: jobs, failures, durations and waiting', async () => {
    const sql = `SELECT extractor_name, jobs::int, done::int, failed::int, open::int, failed_percent::float8,
      duration_ms_avg::int AS avg, duration_ms_median::int AS median, duration_ms_max::int AS max, wait_ms_avg::int AS wait
      FROM clowder.extractor_metrics ORDER BY 1`;
    const ocr = { extractor_name: 'ocr', jobs: 4, done: 2, failed: 1, open: 1, failed_percent: 33.33 };
    expect(await rows(sql)).toEqual([
      {
        extractor_name: 'exif',
        jobs: 1,
        done: 1,
        failed: 0,
        open: 0,
        failed_percent: 0,
        avg: 5,
        median: 5,
        max: 5,
        wait: null,
      },
      { ...ocr, avg: 13_500, median: 10_000, max: 30_000, wait: 10_000 },
    ]);
  });

  test('list active users and what they did, without extractors', async () => {
    const sql = `SELECT day, user_id, logins::int, views::int, downloads::int, uploads::int, created::int, deleted::int
      FROM clowder.user_activity WHERE user_id <> 'bob' ORDER BY 1, 2`;
    const nothing = { logins: 0, views: 0, downloads: 0, uploads: 0, created: 0, deleted: 0 };
    expect(await dated(sql)).toEqual([
      { day: '2025-10-31', user_id: 'ada', ...nothing, uploads: 1 },
      { day: '2025-11-02', user_id: 'ada', ...nothing, uploads: 1 },
      { day: '2025-11-04', user_id: 'ada', ...nothing, deleted: 1 },
      { day: '2025-11-05', user_id: 'ada', ...nothing, logins: 1, downloads: 2 },
      { day: '2025-11-06', user_id: 'ada', ...nothing, views: 5 },
      { day: '2025-11-08', user_id: 'cleo', ...nothing },
      { day: '2025-12-01', user_id: 'ada', ...nothing, downloads: 1 },
    ]);
    expect(await dated('SELECT month, active_users::int FROM clowder.active_users_per_month ORDER BY 1')).toEqual([
      { month: '2025-10-01', active_users: 1 },
      { month: '2025-11-01', active_users: 3 },
      { month: '2025-12-01', active_users: 1 },
    ]);
    expect(await rows("SELECT active_users::int FROM clowder.active_users_per_day WHERE day = '2025-11-08'")).toEqual([
      { active_users: 2 },
    ]);
  });

  test('give uptime as the share of good readings', async () => {
    const sql = `SELECT day, component, readings::int, healthy::int, uptime_percent::float8 AS uptime,
      response_time_ms_avg::int AS avg, response_time_ms_max::int AS max FROM clowder.health_uptime`;
    expect(await dated(sql)).toEqual([
      { day: '2025-11-10', component: 'api', readings: 4, healthy: 3, uptime: 75, avg: 15, max: 30 },
    ]);
  });

  test('are one table by month', async () => {
    const numbers =
      'files_uploaded bytes_uploaded downloads bytes_downloaded views datasets_created signups active_users extractions_done extractions_failed';
    const columns = numbers.split(' ').map((name) => `${name}::int`);
    const table = await dated(`SELECT month, ${columns.join(', ')} FROM clowder.usage_per_month ORDER BY 1`);
    expect(table.map((row) => Object.values(row))).toEqual([
      ['2025-10-01', 1, 1000, 0, 0, 0, 0, 0, 1, 0, 0],
      ['2025-11-01', 3, 650, 3, 3000, 8, 1, 1, 3, 3, 1],
      ['2025-12-01', 0, 0, 1, 1000, 0, 0, 0, 1, 0, 0],
    ]);
  });

  test("give Grafana's usage dashboard the same numbers", async () => {
    const [from, to] = ["'2025-11-01T00:00:00Z'", "'2025-11-30T23:59:59Z'"];
    const answers = new Map<string, readonly Readonly<Record<string, unknown>>[]>();
    for (const { title, kind, queries } of DASHBOARDS.usage.panels)
      for (const query of Object.values(queries)) {
        const sql = query
          .replaceAll('$schema', 'clowder')
          .replaceAll(/\$__timeFilter\((\w+)\)/g, `$1 BETWEEN ${from} AND ${to}`)
          .replaceAll('$__timeFrom()', from)
          .replaceAll('$__timeTo()', to);
        const answer = await rows(sql);
        answers.set(title, answer);
        for (const { time } of kind === 'table' ? [] : answer) expect(time).toBeInstanceOf(Date);
      }
    const sum = (title: string, column: string): number => {
      expect([...answers.keys()]).toContain(title);
      return (answers.get(title) ?? []).reduce((total, row) => total + Number(row[column] ?? 0), 0);
    };
    expect(sum('Views and downloads', 'views')).toBe(8);
    expect(sum('Views and downloads', 'downloads')).toBe(3);
    expect(sum('Bytes downloaded', 'bytes')).toBe(3000);
    expect(sum('Bytes uploaded', 'bytes')).toBe(650);
    expect(sum('Most used files', 'views')).toBe(8);
    expect(sum('Month by month', 'downloads')).toBe(3);
    expect(sum('By kind of client, counted or not', 'uses')).toBe(11 + sum('What was not counted, and why', 'uses'));
    expect([...answers].filter(([, answer]) => answer.length === 0).map(([title]) => title)).toEqual([
      // None of these files has a dataset.
      'Most used datasets',
    ]);
  });

  test('count days and months in the configured time zone', async () => {
    await sendAll({ time_zone: 'America/Chicago' });
    const months = (): Promise<readonly object[]> =>
      dated('SELECT month, downloads::int FROM clowder.downloads_per_month ORDER BY 1');
    // Midnight of 1 December in UTC is still November there.
    expect(await months()).toEqual([{ month: '2025-11-01', downloads: 4 }]);
    await sendAll();
    expect(await months()).toHaveLength(2);
  });

  test('can be read with any numbers: an absurd one counts as unknown, a sum too large as the largest number', async () => {
    const { server, name, url: database } = await freshDatabase();
    const sink = await postgresql.open(postgresql.config.parse({ url: database }), {
      log: { info: () => undefined, warn: () => undefined },
      now: Date.now,
    });
    const createdMs = Date.UTC(2026, 10, 24);
    const event = (id: string, type: string, fields: Fields): SinkEvent => {
      return {
        id,
        type,
        createdMs,
        resource: '',
        fields: { event_id: id, event: type, created: createdMs, ...fields },
      };
    };
    const absurd = [1.7e22, 1e308, 1.5e308, -1e300, 3_155_760_000_001, 250];
    const pair = [0, 1];
    const batch = [
      ...absurd.map((duration, index) =>
        event(`job-${index}`, 'extraction.done', { file_id: 'f1', extractor_name: 'ocr', duration_ms: duration }),
      ),
      ...absurd.map((time, index) =>
        event(`ping-${index}`, 'health.ping', { component: 'c', target: 't', healthy: true, response_time_ms: time }),
      ),
      ...pair.flatMap((index) =>
        ['file.uploaded', 'view.download', 'file.deleted'].map((type) =>
          event(`${type}-${index}`, type, { ...file('f1'), client_id: `c${index}`, bytes: Number.MAX_SAFE_INTEGER }),
        ),
      ),
    ];
    expect(await sink.send(batch, AbortSignal.timeout(60_000))).toEqual({ kind: 'accepted' });
    await sink.close();
    // The largest value of the column: the sum of two is out of range.
    await server.query('UPDATE clowder.events SET bytes = 9223372036854775807 WHERE bytes IS NOT NULL', [], name);
    const views = (await server.query(
      "SELECT viewname FROM pg_views WHERE schemaname = 'clowder' ORDER BY 1",
      [],
      name,
    )) as readonly { readonly viewname: string }[];
    expect(views.length).toBeGreaterThan(12);
    for (const { viewname } of views) await server.query(`SELECT * FROM clowder.${viewname}`, [], name);
    const LARGEST = '9223372036854775807';
    expect(
      await server.query(
        `SELECT duration_ms_max::int, duration_ms_avg::int, (SELECT response_time_ms_max::int FROM clowder.health_uptime),
           (SELECT bytes::text FROM clowder.downloads_per_month), (SELECT bytes_uploaded::text FROM clowder.usage_per_month)
         FROM clowder.extractor_metrics`,
        [],
        name,
      ),
    ).toEqual([
      {
        duration_ms_max: 250,
        duration_ms_avg: 250,
        response_time_ms_max: 250,
        bytes: LARGEST,
        bytes_uploaded: LARGEST,
      },
    ]);
  });

  test('are exported by the documented commands, each of which runs', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const statements = [...text.matchAll(/^```sql report\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? '');
    expect(statements.length).toBeGreaterThan(5);
    for (const sql of statements) expect({ sql, rows: await rows(sql) }).not.toEqual({ sql, rows: [] });
    const temp = await tempDir('reports');
    const exports = [...text.matchAll(/\\copy \((.*)\) TO '([\w.-]+)' WITH \(FORMAT csv, HEADER\)/g)];
    expect(exports.length).toBeGreaterThan(0);
    for (const [command, , name = ''] of exports) {
      await promisify(execFile)('psql', [url, '-v', 'ON_ERROR_STOP=1', '-c', command], { cwd: temp.path });
      const [header, ...lines] = (await readFile(`${temp.path}/${name}`, 'utf8')).trimEnd().split('\n');
      expect(header).toMatch(/^month,/);
      expect(lines.length).toBeGreaterThan(0);
    }
    await temp.remove();
  });

  test('are documented: every view and every column', async () => {
    const text = await readFile(DOCUMENT, 'utf8');
    const documented = [...text.matchAll(/^\| `([a-z_]+)` \| .* \| (`.*`) \|$/gm)].map(([, view, columns]) => ({
      view,
      columns: [...(columns ?? '').matchAll(/`(\w+)`/g)].map((match) => match[1]),
    }));
    const there = await rows(`SELECT c.relname AS view, array_agg(a.attname::text ORDER BY a.attnum) AS columns
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
      WHERE c.relkind = 'v' AND c.relnamespace = 'clowder'::regnamespace GROUP BY c.relname ORDER BY c.relname`);
    expect(documented.toSorted((one, other) => String(one.view).localeCompare(String(other.view)))).toEqual(there);
  });
});
