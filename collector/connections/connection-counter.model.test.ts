import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { MemoryJournal } from '../../test/support/memory-journal.ts';
import { toAccessLine, type AccessLine } from './access-line.ts';
import { ConnectionCounter } from './connection-counter.ts';
import { runs } from '../../test/support/form.ts';

const START = Date.UTC(2026, 10, 24, 12);
const WINDOW = 10_000;
const LATENESS = 5000;

interface Request {
  readonly at: number;
  readonly client: number;
  readonly connection: number;
  readonly status: number;
  readonly bytes: number;
  readonly bot: boolean;
  readonly server: number;
}

const requests = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 4 * WINDOW }),
    client: fc.nat(2),
    connection: fc.nat(3),
    status: fc.constantFrom(200, 304, 404, 503),
    bytes: fc.nat(100),
    bot: fc.boolean(),
    server: fc.nat(1),
  }),
  { minLength: 1, maxLength: 20 },
);

/** What happens to the collector: batches of some of the requests come again and again, with everything that can go wrong. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('send' as const), of: fc.array(fc.nat(19), { maxLength: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('refuse' as const), of: fc.array(fc.nat(19), { maxLength: 6 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), of: fc.array(fc.nat(19), { maxLength: 6 }), committed: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: LATENESS - 1 }) }) },
  ),
  { maxLength: 20 },
); // prettier-ignore

const context = createMapContext({ now: () => START, dayKey: () => 'secret' });

function lineOf(request: Request, index: number): AccessLine {
  const record = {
    timeUnixNano: BigInt(START + request.at) * 1_000_000n,
    observedTimeUnixNano: 0n,
    traceId: '',
    resource: { 'service.name': `nginx-${request.server}` },
    attributes: {
      'http.response.status_code': BigInt(request.status),
      'http.response.body.size': BigInt(request.bytes),
      'client.address': `192.0.2.${request.client}`,
      'user_agent.original': request.bot ? 'Googlebot/2.1' : 'curl/8',
      'nginx.connection': BigInt(request.connection),
      'nginx.upstream.address': '127.0.0.1:9000',
      'log.file.record_offset': BigInt(index),
    },
  };
  const line = toAccessLine(record, context);
  if (line === undefined) throw new Error('it is not a line of an access log');
  return line;
}

/** What each window must say, counted from all requests. */
function expected(all: readonly Request[]): Record<string, unknown>[] {
  const windows = Map.groupBy(all, ({ at, server }) => `${Math.floor(at / WINDOW)}|${server}`);
  return [...windows.entries()].map(([key, inside]) => {
    const [index = 0, server = 0] = key.split('|').map(Number);
    const people = inside.filter(({ bot }) => !bot);
    const bots = inside.filter(({ bot }) => bot);
    const distinct = (of: Request[], field: 'client' | 'connection') =>
      of.length === 0 ? undefined : new Set(of.map((one) => one[field])).size;
    const sum = (of: Request[]) => (of.length === 0 ? undefined : of.reduce((total, { bytes }) => total + bytes, 0));
    const answers = (first: number, of = people) =>
      of.filter(({ status }) => Math.floor(status / 100) === first).length;
    return {
      component: `nginx-${server}`,
      window_start: START + index * WINDOW,
      window_end: START + (index + 1) * WINDOW,
      requests: people.length,
      connections: distinct(people, 'connection'),
      unique_clients: distinct(people, 'client'),
      bytes: sum(people),
      responses_2xx: answers(2),
      responses_3xx: answers(3),
      responses_4xx: answers(4),
      responses_5xx: answers(5),
      bot_requests: bots.length,
      bot_connections: distinct(bots, 'connection'),
      bot_clients: distinct(bots, 'client'),
      bot_responses_2xx: answers(2, bots),
      bot_responses_3xx: answers(3, bots),
      bot_responses_4xx: answers(4, bots),
      bot_responses_5xx: answers(5, bots),
      bot_bytes: sum(bots),
    };
  });
}

test('whatever is sent again, refused or cut off, each request counts once, and each window is one event', async () => {
  await fc.assert(
    fc.asyncProperty(requests, steps, async (all, what) => {
      let now = START + 4 * WINDOW;
      const journal = new MemoryJournal(() => now);
      const open = () =>
        new ConnectionCounter({
          journal,
          windowMs: WINDOW,
          latenessMs: LATENESS,
          context,
          now: () => now,
          observer: { lines: () => {}, closed: () => {} },
        });
      let counter = open();
      const batch = (of: readonly number[]) =>
        of.flatMap((index) => {
          const request = all[index];
          return request === undefined ? [] : [lineOf(request, index)];
        });
      // Everything comes at least once before lateness has passed, whatever else happens.
      for (const step of what) {
        if (step.kind === 'send') await counter.count(batch(step.of));
        else if (step.kind === 'refuse') {
          journal.failures = 1;
          await counter.count(batch(step.of)).catch(() => undefined);
          journal.failures = 0;
        } else if (step.kind === 'crash') {
          journal.manual = true;
          void counter.count(batch(step.of)).catch(() => undefined);
          journal.crash(step.committed);
          journal.manual = false;
          counter = open();
        } else if (step.kind === 'restart') counter = open();
      }
      await counter.count(all.map(lineOf));
      for (const step of what) if (step.kind === 'restart') counter = open();
      now += WINDOW + LATENESS;
      for (const step of what) if (step.kind === 'pass') now += step.ms;
      // The event of a window may itself be refused or cut off.
      journal.failures = 1;
      await counter.closeDue().catch(() => undefined);
      journal.failures = 0;
      journal.manual = true;
      void counter.closeDue().catch(() => undefined);
      journal.crash(what.length % 2 === 0);
      journal.manual = false;
      counter = open();
      now += WINDOW + LATENESS;
      await counter.closeDue();
      await counter.count(all.map(lineOf));
      now += WINDOW + LATENESS;
      await counter.closeDue();
      const found = journal.lines.map((line) => JSON.parse(line) as FlatBody);
      const order = (one: Record<string, unknown>): string =>
        `${String(one['window_start'])}${String(one['component'])}`;
      const byWindow = (a: Record<string, unknown>, b: Record<string, unknown>) => (order(a) < order(b) ? -1 : 1);
      const wanted = expected(all).toSorted(byWindow);
      expect(found).toHaveLength(wanted.length);
      found.toSorted(byWindow).forEach((event, index) => {
        const one = wanted[index] ?? {};
        expect(Object.fromEntries(Object.keys(one).map((field) => [field, event[field]]))).toEqual(one);
      });
      expect(journal.counted()).toHaveLength(wanted.length);
    }),
    runs(200),
  );
});
