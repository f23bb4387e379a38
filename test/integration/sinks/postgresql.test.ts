import { chmod } from 'node:fs/promises';
import fc from 'fast-check';
import { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { postgresql } from '../../../sinks/services/postgresql/postgresql.ts';
import { COPIED } from '../../../runtime/event-table/columns.ts';
import { MIGRATIONS } from '../../../runtime/event-table/migrations/index.ts';
import type { FieldValue, Sink, SinkEvent } from '../../../sinks/sink.ts';
import { createAuthority } from '../../support/certificates.ts';
import { startPostgres } from '../../support/postgresql.ts';
import { tempDir } from '../../support/processes.ts';
import { anyEvents, eventOf } from '../../support/sinks/arbitrary-events.ts';
import { freshDatabase, postgresqlHarness } from '../../support/sinks/postgresql-server.ts';
import { waitFor } from '../../support/wait-for.ts';
import { sinkContract } from './contract.ts';
import { runs } from '../../support/form.ts';

sinkContract(postgresqlHarness);

interface Opened extends AsyncDisposable {
  readonly sink: Sink;
  readonly logged: readonly object[];
  send(...events: readonly SinkEvent[]): ReturnType<Sink['send']>;
}

async function open(url: string, settings: object = {}, now: () => number = Date.now): Promise<Opened> {
  const logged: object[] = [];
  const keep = (fields: object): void => void logged.push(fields);
  const config = postgresql.config.parse({ url, ...settings });
  const sink = await postgresql.open(config, { log: { info: keep, warn: keep }, now });
  return {
    sink,
    logged,
    send: (...events) => sink.send(events, AbortSignal.timeout(30_000)),
    [Symbol.asyncDispose]: () => sink.close(),
  };
}

const at = (iso: string): number => Date.parse(iso);
const event = (id: string, createdMs: number, fields: Record<string, FieldValue> = {}): SinkEvent =>
  eventOf('view.download', fields, { id, createdMs });

/** A database of its own, as seen by the superuser and by the sink's user. */
async function database() {
  const { server, name, url } = await freshDatabase();
  return {
    server,
    name,
    url,
    rows: <Row extends object>(sql: string, values: readonly unknown[] = []) => server.query<Row>(sql, values, name),
  };
}

describe('events in PostgreSQL', () => {
  test('are one row each, however often, in whatever batch and with whatever time they come', async () => {
    const { url, rows } = await database();
    await using one = await open(url);
    await using other = await open(url);
    const first = event('same', at('2026-10-31T23:59:59.999Z'), { bytes: 1 });
    const later = event('same', at('2026-11-01T00:00:00.000Z'), { bytes: 2 });
    expect(await one.send(first, later)).toEqual({ kind: 'accepted' });
    expect(await one.send(later)).toEqual({ kind: 'accepted' });
    expect(await other.send(event('b', at('2024-02-29T12:00:00Z')), first)).toEqual({ kind: 'accepted' });
    expect(await rows('SELECT event_id, bytes::int FROM clowder.events ORDER BY created_at')).toEqual([
      { event_id: 'b', bytes: null },
      { event_id: 'same', bytes: 1 },
    ]);
  });

  test('stored by several processes at once are there once, and no process ends in a deadlock', async () => {
    const { url, rows } = await database();
    const sinks = await Promise.all(Array.from({ length: 4 }, () => open(url)));
    const events = Array.from({ length: 400 }, (_, index) =>
      event(`e${index}`, at('2026-01-15T00:00:00Z') + (index % 12) * 31 * 86_400_000),
    );
    // All at once in an empty database: whoever comes first makes schema, partitions and rows.
    const outcomes = await Promise.all(
      sinks.flatMap((opened, turn) => [
        opened.send(...events.slice(0, 200 + turn)),
        opened.send(...events.toReversed().slice(0, 250)),
      ]),
    );
    await Promise.all(sinks.map((sink) => sink[Symbol.asyncDispose]()));
    expect(outcomes.filter(({ kind }) => kind !== 'accepted')).toEqual([]);
    expect(await rows('SELECT count(*)::int, count(DISTINCT event_id)::int AS ids FROM clowder.events')).toEqual([
      { count: 400, ids: 400 },
    ]);
  });

  test('come back unchanged, whatever is in them', async () => {
    const { url, rows } = await database();
    await using opened = await open(url);
    const years = { min: Date.UTC(2000, 0), max: Date.UTC(2099, 11, 31) };
    await fc.assert(
      fc.asyncProperty(anyEvents({ createdMs: years }, 12), async (events) => {
        await rows('DROP SCHEMA IF EXISTS clowder CASCADE');
        // The first call finds the schema gone.
        if (opened.logged.length > 0) expect((await opened.send(...events)).kind).toBe('misconfigured');
        expect(await opened.send(...events)).toEqual({ kind: 'accepted' });
        const stored = await rows<Record<string, unknown>>(
          'SELECT *, (extract(epoch FROM created_at) * 1000)::bigint::text AS ms FROM clowder.events ORDER BY substr(event_id, 7)::int',
        );
        expect(stored.map(readBack)).toEqual(events.map(({ fields }) => storable(fields)));
      }),
      runs(12),
    );
  });

  test('with an impossible time are refused by id, and the others are stored', async () => {
    const { url, rows } = await database();
    await using opened = await open(url);
    const good = event('good', at('2026-11-01T00:00:00Z'));
    const outcome = await opened.send(event('early', 12), good, event('never', Number.NaN), event('late', 1e17));
    expect(outcome.kind === 'partial' && [...outcome.rejected.keys()]).toEqual(['early', 'never', 'late']);
    expect(await rows('SELECT event_id FROM clowder.events')).toEqual([{ event_id: 'good' }]);
  });

  test('too long for an index are refused, and others are stored', async () => {
    const { url } = await database();
    await using opened = await open(url);
    // Random, so that compression does not shorten it.
    const long = Array.from({ length: 9000 }, () => String.fromCharCode(0x4e00 + Math.random() * 20_000)).join('');
    expect(await opened.send(event(long, at('2026-11-01T00:00:00Z')))).toMatchObject({ kind: 'rejected' });
    expect(await opened.send(event('good', at('2026-11-01T00:00:00Z')))).toEqual({ kind: 'accepted' });
  });
});

describe('the schema in PostgreSQL', () => {
  test('has exactly the columns that the sink fills', async () => {
    const { url, rows } = await database();
    await using opened = await open(url);
    await opened.send(event('a', at('2026-11-01T00:00:00Z')));
    const columns = await rows<{ name: string; type: string }>(
      `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
       WHERE attrelid = 'clowder.events'::regclass AND attnum > 0 ORDER BY attnum`,
    );
    const filled = COPIED.map(([name, type]) => ({
      name,
      type: type.replace('timestamptz', 'timestamp with time zone'),
    }));
    expect(columns.filter(({ name }) => name !== 'received_at')).toEqual(filled);
  });

  test('has a partition for each UTC month, and a query reads only those that it asks for', async () => {
    const { url, rows } = await database();
    await using opened = await open(url);
    await opened.send(event('a', at('2026-11-30T23:59:59.999Z')), event('b', at('2026-12-01T00:00:00Z')));
    expect(await rows('SELECT tableoid::regclass::text AS partition, event_id FROM clowder.events ORDER BY 2')).toEqual(
      [
        { partition: 'clowder.events_2026_11', event_id: 'a' },
        { partition: 'clowder.events_2026_12', event_id: 'b' },
      ],
    );
    const plan = await rows("EXPLAIN SELECT * FROM clowder.downloads WHERE created_at >= '2026-12-01 00:00+00'");
    // The view's search for repeats of a row is bound at run time: its partitions are in the plan as e_1, e_2.
    expect(JSON.stringify(plan)).not.toMatch(/events_2026_11 e\b/);
  });

  test('keeps the configured number of months, and forgets the ids of older ones', async () => {
    const { url, rows } = await database();
    const months = ['2026-07', '2026-08', '2026-09', '2026-10', '2026-11'];
    const events = months.map((month) => event(month, at(`${month}-15T00:00:00Z`)));
    {
      await using opened = await open(url);
      await opened.send(...events);
      expect(await rows('SELECT count(*)::int FROM clowder.events')).toEqual([{ count: 5 }]);
    }
    let now = at('2026-11-20T00:00:00Z');
    await using opened = await open(url, { retention_months: 2 }, () => now);
    await opened.send(event('new', now));
    const kept = ['2026-09', '2026-10', '2026-11', 'new'];
    const ids = async (table: string): Promise<unknown> =>
      (await rows<{ event_id: string }>(`SELECT event_id FROM clowder.${table} ORDER BY 1`)).map((row) => row.event_id);
    await waitFor(async () => (await ids('event_ids')) !== undefined && opened.logged.length > 0, {
      what: 'old months to be dropped',
    });
    await waitFor(async () => JSON.stringify(await ids('event_ids')) === JSON.stringify(kept), {
      what: 'the old ids to be dropped',
    });
    expect(await ids('events')).toEqual(kept);
    // An event of a dropped month makes the month again, until the next drop.
    now += 30 * 60_000;
    expect(await opened.send(...events)).toEqual({ kind: 'accepted' });
    expect(await ids('events')).toEqual(['2026-07', '2026-08', ...kept]);
    now += 31 * 60_000;
    await opened.send(event('newer', now));
    await waitFor(async () => JSON.stringify(await ids('events')) === JSON.stringify([...kept, 'newer']), {
      what: 'old months to be dropped again',
    });
  });

  test('is left alone if a newer version has migrated it', async () => {
    const { url, rows } = await database();
    {
      await using opened = await open(url);
      await opened.send(event('a', at('2026-11-01T00:00:00Z')));
    }
    await rows("INSERT INTO clowder.schema_migrations (version, name) VALUES (99, 'of the future')");
    await using opened = await open(url);
    expect(await opened.send(event('b', at('2026-11-01T00:00:00Z')))).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringContaining('version 99'),
    });
    await expect(opened.sink.check(AbortSignal.timeout(5000))).rejects.toMatchObject({ code: 'not_ready' });
  });

  test('is readable for a role that can do nothing else', async () => {
    const { server, name, url, rows } = await database();
    await rows(`ALTER ROLE ${name} CREATEROLE`);
    await using opened = await open(url, { reader_role: `${name}_reader` });
    await opened.send(event('a', at('2026-11-01T00:00:00Z')));
    await rows(`CREATE ROLE ${name}_analyst LOGIN IN ROLE ${name}_reader`);
    const analyst = new Client({ connectionString: server.url({ user: `${name}_analyst`, database: name }) });
    await analyst.connect();
    expect((await analyst.query('SELECT count(*)::int FROM clowder.downloads_per_month')).rows).toEqual([{ count: 1 }]);
    expect((await analyst.query('SELECT event_id FROM clowder.events')).rows).toEqual([{ event_id: 'a' }]);
    for (const statement of [
      'DELETE FROM clowder.events',
      'SELECT FROM clowder.event_ids',
      'CREATE TABLE clowder.mine (a int)',
    ])
      await expect(analyst.query(statement)).rejects.toMatchObject({ code: '42501' });
    await analyst.end();
  });

  test('is made even if the reader role cannot be made, and the log says what to run', async () => {
    const { name, url } = await database();
    await using opened = await open(url, { reader_role: `${name}_reader` });
    expect(await opened.send(event('a', at('2026-11-01T00:00:00Z')))).toEqual({ kind: 'accepted' });
    expect(JSON.stringify(opened.logged)).toContain(
      `CREATE ROLE ${name}_reader NOLOGIN; GRANT USAGE ON SCHEMA clowder`,
    );
  });
});

describe('the dry run', () => {
  const check = async (url: string, settings: object = {}): Promise<string> => {
    await using opened = await open(url, settings);
    return await opened.sink.check(AbortSignal.timeout(5000));
  };

  test('says what is pending, and changes nothing in the database', async () => {
    const { url, name, rows } = await database();
    expect(await check(url)).toMatch(
      new RegExp(
        `^PostgreSQL \\d+\\..*, database ${name} as ${name}, not encrypted; ${MIGRATIONS.length} migrations .* pending`,
      ),
    );
    expect(await rows("SELECT FROM pg_namespace WHERE nspname = 'clowder'")).toEqual([]);
  });

  test.each([
    ['has no such database', '', (url: string) => `${url}_not`, 'not_ready', 'does not exist'],
    [
      'does not let the user create a schema',
      'REVOKE CREATE ON DATABASE $1 FROM $1',
      undefined,
      'not_ready',
      'CREATE SCHEMA clowder',
    ],
    ['is read-only', 'ALTER DATABASE $1 SET default_transaction_read_only = on', undefined, 'not_ready', 'read-only'],
    ['has a schema that is not ours', 'CREATE SCHEMA clowder', undefined, 'not_ready', 'GRANT ALL ON SCHEMA clowder'],
  ])('says what to do if the server %s', async (_, prepared, other, code, text) => {
    const { url, name, rows } = await database();
    if (prepared !== '') await rows(prepared.replaceAll('$1', name));
    await expect(check(other?.(url) ?? url)).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
  });

  test('keeps events waiting if the server does not know the time zone', async () => {
    const { url } = await database();
    await using opened = await open(url, { time_zone: 'Clowder/Town' });
    expect(await opened.send(event('a', at('2026-11-01T00:00:00Z')))).toMatchObject({
      kind: 'misconfigured',
      reason: expect.stringContaining('Clowder/Town'),
    });
  });
});

test('over TLS, sslmode means what it means to psql', async () => {
  const temp = await tempDir('postgresql-tls');
  // The server's user must be able to reach its key.
  await chmod(temp.path, 0o711);
  const authority = await createAuthority(temp.path, 'authority');
  await using server = await startPostgres({ tls: await authority.issue('server') });
  const check = async (parameters: string): Promise<string> => {
    await using opened = await open(`${server.url()}?${parameters}`);
    return await opened.sink.check(AbortSignal.timeout(5000));
  };
  expect(await check('sslmode=disable')).toContain('not encrypted');
  expect(await check('sslmode=require')).toContain(', encrypted;');
  expect(await check(`sslmode=verify-full&sslrootcert=${authority.ca}`)).toContain(', encrypted;');
  await expect(check('sslmode=verify-full')).rejects.toMatchObject({ code: 'unreachable' });
  await temp.remove();
});

/** An event's fields, read from its row. */
function readBack({
  ms,
  data,
  received_at: _received,
  created_at: _created,
  ...columns
}: Record<string, unknown>): object {
  const integers = new Set(COPIED.flatMap(([name, type]) => (type === 'bigint' ? [name] : [])));
  const known = Object.entries(columns)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, integers.has(name) ? Number(value) : value]);
  return { ...Object.fromEntries(known), ...(data as object), created: Number(ms) };
}

function storable(fields: SinkEvent['fields']): object {
  const text = (value: string): string => value.toWellFormed().replaceAll('\0', '\u{FFFD}');
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [text(name), typeof value === 'string' ? text(value) : value]),
  );
}
