import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadSettings } from '../../collector/config.ts';
import { lockDataDir } from '../../collector/journal/data-dir.ts';
import { openJournal } from '../../collector/journal/journal.ts';
import { openKeyStore } from '../../collector/keys/store.ts';
import { CHECKS } from './checks.ts';
import type { Answer, Site } from './site.ts';

const NOW = Date.UTC(2026, 10, 29, 12);
const NOBODY: Answer = { problem: 'connect ECONNREFUSED' };
const answer = (body: unknown, status = 200, dateMs = NOW): Answer => ({ status, body, dateMs });
const readiness = (checks: Readonly<Record<string, object>> = {}, status = 'ready'): Answer =>
  answer({ status, checks: { journal: { ok: true }, ...checks } });

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'clowder-otel-doctor-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A site that gives these answers at these paths, and no others. */
function siteOf(answers: Readonly<Record<string, Answer>>, more: Partial<Site> & { env?: object } = {}): Site {
  const { env = {}, ...rest } = more;
  return {
    settings: loadSettings({ DATA_DIR: dir, AMQP_URL: 'amqp://u:secret@127.0.0.1:1/site', ...env }),
    management: new URL('http://u:secret@127.0.0.1:15672'),
    proxy: undefined,
    key: undefined,
    now: () => NOW,
    ask: (url) => Promise.resolve(answers[url.pathname] ?? NOBODY),
    ...rest,
  };
}

const states = async (check: keyof typeof CHECKS, site: Site): Promise<readonly string[]> =>
  (await CHECKS[check](site)).map(
    ({ state, found, do: todo }) => `${state}: ${found}${todo === undefined ? '' : ` → ${todo}`}`,
  );

test('a broker that is down is reported, with the consequences for events', async () => {
  const [said] = await states('broker', siteOf({}));
  expect(said).toMatch(
    /^failed: Nobody listens at amqp:\/\/.*127\.0\.0\.1:1\/site.*→ Start or repair RabbitMQ, or correct AMQP_URL\. Events wait in the journal/,
  );
});

describe('bindings', () => {
  const path = (exchange: string): string => `/api/exchanges/site/${exchange}/bindings/source`;
  const both = (events: object[], metrics: object[]): Record<string, Answer> => ({
    [path('clowder.events')]: answer(events),
    [path('clowder.metrics')]: answer(metrics),
  });
  const inner = { destination: 'clowder.metrics', destination_type: 'exchange' };

  test('that lead to no queue are reported, as nobody gets the events', async () => {
    const [said] = await states('bindings', siteOf(both([inner], [])));
    expect(said).toMatch(/^failed: No queue is bound.*→ Bind a queue to clowder\.events/);
  });

  test('that lead to a queue are fine', async () => {
    const queue = { destination: 'eventsink', destination_type: 'queue' };
    const alone = { '/api/nodes': answer([{ name: 'rabbit@one' }]) };
    expect(await states('bindings', siteOf({ ...both([inner], [queue]), ...alone }))).toEqual([
      'ok: Queues that get events: eventsink',
    ]);
  });

  describe('in a cluster', () => {
    const to = (destination: string): object => ({ destination, destination_type: 'queue' });
    const nodes = { '/api/nodes': answer(['one', 'two', 'three'].map((name) => ({ name: `rabbit@${name}` }))) };
    const site = (queue: object): Site =>
      siteOf({ ...both([inner], [to('old sink')]), ...nodes, '/api/queues/site/old%20sink': answer(queue) });

    test('that lead to a classic queue cause a warning, as it loses its events while its node is down', async () => {
      const [, said] = await states('bindings', site({ type: 'classic', node: 'rabbit@two' }));
      expect(said).toMatch(
        /^warning: Queue old sink is a classic queue, on only the node rabbit@two of a cluster of 3: .* → Replace it by a quorum queue/,
      );
    });

    test.each([
      ['a quorum queue', { type: 'quorum', node: 'rabbit@two' }],
      ['a stream', { type: 'stream' }],
      ['a classic queue with mirrors', { type: 'classic', effective_policy_definition: { 'ha-mode': 'exactly' } }],
    ])('that lead to %s are fine', async (_what, queue) => {
      expect(await states('bindings', site(queue))).toEqual(['ok: Queues that get events: old sink']);
    });

    test('about which the user may not ask are called unknown', async () => {
      const asked = siteOf({ ...both([inner], [to('q')]), '/api/nodes': answer({}, 401) });
      const [, said] = await states('bindings', asked);
      expect(said).toMatch(/^skipped: RabbitMQ does not say whether it is a cluster \(it answered 401\)/);
    });
  });

  test('that no program reports are skipped, unless the collector holds events', async () => {
    expect((await states('bindings', siteOf({})))[0]).toMatch(
      /^skipped: RabbitMQ's management API .*connect ECONNREFUSED/,
    );
    const held = readiness({ unroutable: { ok: false, reason: 'Events are held: 3' } }, 'degraded');
    expect((await states('bindings', siteOf({ '/readyz': held })))[0]).toMatch(/^failed: Events are held: 3 →/);
  });
});

describe('the clock', () => {
  test("of a machine that is an hour ahead is reported, with the machine's name", async () => {
    const site = siteOf({ '/': answer('', 200, NOW + 3_600_000), '/healthz': answer({}) });
    expect((await states('clock', site))[0]).toMatch(
      /^failed: The clock of RabbitMQ is 3600 s ahead of this machine's → /,
    );
  });

  test('is compared with the journal, which may have entries from the future', async () => {
    const own = mkdtempSync(join(dir, 'future-'));
    const journal = await openJournal({ dir: own, maxBytes: 10_000_000 });
    await journal.write({ append: [JSON.stringify({ event_id: 'e', event: 'view.page', created: NOW })] });
    await journal.close();
    // The clock has gone back by ten minutes since.
    const now = Date.now() - 600_000;
    const site = siteOf({ '/healthz': answer({}, 200, now) }, { now: () => now, env: { DATA_DIR: own } });
    expect((await states('clock', site))[0]).toMatch(
      /^failed: The clock of the latest event of the journal is \d+ s ahead/,
    );
  });

  test('is skipped if there is nothing to compare it with', async () => {
    expect((await states('clock', siteOf({})))[0]).toMatch(/^skipped/);
  });
});

describe('the collector', () => {
  test.each([
    ['is down', {}, /^failed: No collector answers at http:\/\/127\.0\.0\.1:4318 \(connect ECONNREFUSED\) → Start it/],
    ['has a port that another program uses', { '/readyz': answer('<h1>It works</h1>', 404) }, /^failed: Another program listens.* → Stop that one, or set PORT/],
    ['cannot take events', { '/readyz': readiness({ journal: { ok: false, reason: 'The disk is full' } }, 'unavailable') }, /^failed: journal: The disk is full/],
    ['is well', { '/readyz': readiness() }, /^ok: The collector at http:\/\/127\.0\.0\.1:4318 is ready$/],
  ])('%s', async (_what, answers: Readonly<Record<string, Answer>>, said) => {
    expect((await states('collector', siteOf(answers)))[0]).toMatch(said);
  }); // prettier-ignore
});

test('a collector with the same DATA_DIR at another address is distinguished from one that is down', async () => {
  const own = mkdtempSync(join(dir, 'elsewhere-'));
  const lock = lockDataDir(own);
  const [said] = await states('collector', siteOf({}, { env: { DATA_DIR: own } }));
  lock.release();
  expect(said).toMatch(
    /^failed: A collector runs with DATA_DIR .* none answers at .* → Run this with the same HOST, PORT/,
  );
});

describe('keys', () => {
  test("that are refused are reported in the collector's words", async () => {
    const site = siteOf(
      { '/v1/logs': answer({ code: 16, message: 'The API key is not known' }, 401) },
      { key: 'clo_wrong' },
    );
    expect((await states('keys', site))[0]).toMatch(
      /^failed: The given key is refused: The API key is not known → Make one/,
    );
  });

  test('of senders that were refused are counted', async () => {
    const metrics =
      'clowder_otel_refused_keys_total{reason="unknown"} 4\nclowder_otel_refused_keys_total{reason="missing"} 1\n';
    expect((await states('keys', siteOf({ '/metrics': answer(metrics) })))[0]).toMatch(/^warning: .*: 5 → /);
  });

  test('in use are counted', async () => {
    const own = mkdtempSync(join(dir, 'keys-'));
    const store = openKeyStore(own);
    store.add({ name: 'n', scopes: ['ingest'], ratePerS: 1 });
    store.close();
    expect(await states('keys', siteOf({}, { env: { DATA_DIR: own } }))).toEqual(['ok: Keys in use: 1']);
  });
});

describe('the proxy', () => {
  const proxy = new URL('http://127.0.0.1:8001');

  test('is reported if it cannot reach Clowder, with the setting to change', async () => {
    const body = {
      status: 'unavailable',
      checks: { clowder: { ok: false, reason: 'ECONNREFUSED' }, collector: { ok: true } },
    };
    const [said] = await states('proxy', siteOf({ '/readyz': answer(body, 503) }, { proxy }));
    expect(said).toBe('failed: clowder: ECONNREFUSED → Start Clowder, or set PROXY_TARGET to where it is');
  });

  test('is skipped if it is not named', async () => {
    expect((await states('proxy', siteOf({})))[0]).toMatch(/^skipped: PROXY_ADMIN is not set/);
  });
});

test('a disk is compared with what the journal may still add', async () => {
  const [said] = await states('disk', siteOf({}, { env: { JOURNAL_MAX_BYTES: '4000TiB' } }));
  expect(said).toMatch(/ has [\d,]+ MiB free; the journal may grow by [\d,]+ MiB → Free some space there/);
});

test('settings that a start would refuse are reported, each with what to do', async () => {
  const site = siteOf({}, { env: { HOST: '0.0.0.0', CLOWDER_OTEL_FIRST_KEY: 'short' } });
  expect((await states('settings', site))[0]).toMatch(/^failed: CLOWDER_OTEL_FIRST_KEY holds no key/);
  expect((await states('settings', siteOf({}, { env: { HOST: '0.0.0.0' } })))[0]).toMatch(
    /^failed: HOST was 0\.0\.0\.0 and no API key is made/,
  );
});

test.each([
  [readiness({ usage: { ok: true } }), /^ok: Usage is counted/],
  [
    readiness({ usage: { ok: false, reason: 'Counting is 20 minutes behind' } }, 'degraded'),
    /^warning: Counting is 20 minutes behind/,
  ],
  [NOBODY, /^skipped: The collector does not answer, so counting cannot be checked/],
])('usage is what the collector reports about it', async (ready, said) => {
  expect((await states('usage', siteOf({ '/readyz': ready })))[0]).toMatch(said);
});
