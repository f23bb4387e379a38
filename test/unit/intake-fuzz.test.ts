import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { answerErrors } from '../../collector/answer-error.ts';
import { browserRoutes } from '../../collector/api/browser-routes.ts';
import { eventsRoutes } from '../../collector/api/events-routes.ts';
import { createLiveEvents } from '../../collector/api/live-events.ts';
import { rejectedRoutes } from '../../collector/api/rejected-routes.ts';
import { Intake } from '../../collector/intake/intake.ts';
import { SeenIds } from '../../collector/intake/seen-ids.ts';
import { acceptBrowser } from '../../collector/intake/browser-intake.ts';
import { acceptStated } from '../../collector/intake/stated-intake.ts';
import { createScreen, openBatch } from '../../collector/intake/telemetry-batch.ts';
import type { JournalChange } from '../../collector/journal/types.ts';
import { CollectorMetrics } from '../../collector/self-telemetry/metrics.ts';
import { createReceiver } from '../../collector/otlp/receiver.ts';
import { otlpRoutes } from '../../collector/otlp/routes.ts';
import { faultOf, toMessageFromLine } from '../../exporter/message.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { runs } from '../support/form.ts';
import { MemoryJournal } from '../support/memory-journal.ts';
import { chanceOf, inputOf, ORIGIN } from '../support/intake-inputs.ts';
import { everySinkTakes } from '../support/sinks/encodings.ts';

// Structured and corrupted OTLP and API bodies. FAST_CHECK_RUNS sets how many.

/** Keeps the last accepted events, and a few rejected records, for a replay. */
class ForgetfulJournal extends MemoryJournal {
  readonly accepted: string[] = [];

  override async write(change: JournalChange): Promise<{ readonly heldIds: readonly number[] }> {
    const written = await super.write(change);
    this.accepted.push(...this.rows.splice(0).flatMap(({ lines }) => lines));
    this.rejectedRecords.splice(0, this.rejectedRecords.length - 10);
    return written;
  }
}

/** A collector's intake whose journal keeps nothing: anything that grows then is kept by mistake. */
function intake() {
  const faults: unknown[] = [];
  const context = createMapContext();
  const journal = new ForgetfulJournal(Date.now);
  const live = createLiveEvents();
  const frames: string[] = [];
  live.listen(({ frame }) => void frames.push(Buffer.from(frame).toString()));
  const observer = {
    accepted: (body: FlatBody) => live.publish(body),
    duplicate: none,
    waiting: none,
    recovered: none,
    rejected: none,
  };
  const options = {
    seen: new SeenIds({ windowMs: 1, maxIds: 10_000 }),
    waitMs: 1,
    windowMs: 1,
    now: Date.now,
    observer,
  };
  const decide = new Intake({ ...options, journal });
  const parts = {
    context,
    intake: decide,
    metrics: new CollectorMetrics(),
    onFault: (fault: unknown) => void faults.push(fault),
  };
  const app = new Hono();
  answerErrors(app, { error: (fault: unknown) => void faults.push(fault) });
  const open = { maxBodyBytes: 2 ** 22, maxInflightBytes: 2 ** 24, screen: createScreen(context, true) };
  app.route('/', otlpRoutes(createReceiver({ ...open, open: (signal, lease) => openBatch(signal, parts, lease) })));
  app.route(
    '/',
    eventsRoutes({
      submit: (events) => acceptStated(events, { source: 'api' }, context, decide, none),
      history: { scan: () => [] },
      live: (listener) => live.listen(listener),
    }),
  );
  app.route('/', rejectedRoutes({ journal, intake: decide, context }));
  app.route(
    '/',
    browserRoutes({
      keys: { isEmpty: () => true } as never,
      allowedOrigins: [ORIGIN],
      clientAddress: () => '192.0.2.1',
      submit: (said, poster) => acceptBrowser(said, poster, context, decide),
      onRefused: none,
    }),
  );
  return { app, faults, accepted: journal.accepted, frames, decide };
}
const none = (): void => undefined;

const STATUSES = new Set([200, 202, 400, 404, 413, 415, 422]);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const { numRuns } = runs(20_000);
/** Limit for an answer, whatever was sent. */
const ANSWER_MAX = 64 * 1024;
const LOOK_EVERY = 10_000;
/** Encoding for every sink takes most of the time. */
const SINKS_EVERY = numRuns > 100_000 ? 10 : 1;

test(
  `of ${numRuns} valid, invalid and corrupted requests none fails, hangs or is kept, and what is accepted can go everywhere`,
  { timeout: 0 },
  async () => {
    const { app, faults, accepted, frames, decide } = intake();
    const chance = chanceOf(SEED);
    const statuses = new Map<number, number>();
    let slowest = 0;
    for (let number = 0; number < numRuns; number += 1) {
      const { path, headers, body } = inputOf(chance);
      const told = `input ${number} of seed ${SEED}: ${path} ${body.toString('base64').slice(0, 4000)}`;
      const began = process.cpuUsage();
      const answer = await app.request(path, { method: 'POST', headers, body });
      const text = await answer.text();
      const { user, system } = process.cpuUsage(began);
      slowest = Math.max(slowest, (user + system) / 1000);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (!STATUSES.has(answer.status) || text.length > ANSWER_MAX || faults.length > 0)
        expect.fail(`${answer.status}, ${text.length} characters, ${String(faults[0])}: ${told}`);
      for (const line of accepted.splice(0)) checkLine(line, told, number % SINKS_EVERY === 0);
      for (const frame of frames.splice(0))
        if (!/^event: [a-z.]+\ndata: [^\n\r]+\nid: \P{Cc}+\n\n$/u.test(frame)) expect.fail(`${frame}: ${told}`);
      if (number % LOOK_EVERY === 0) {
        await decide.recoverDue();
        globalThis.gc?.();
        if (numRuns >= 100_000)
          process.stderr.write(
            `${number} inputs, ${JSON.stringify(Object.fromEntries(statuses))}, slowest ${Math.round(slowest)} ms of CPU, heap ${Math.round(process.memoryUsage().heapUsed / 2 ** 20)} MiB\n`,
          );
      }
    }
    await decide.recoverDue();
    expect(decide.waitingCount).toBeLessThan(numRuns / 10 + 100);
    expect([...statuses.keys()].toSorted((a, b) => a - b)).toEqual(expect.arrayContaining([200, 202, 400, 422]));
  },
);

/** Every accepted event can become a message, and every sink can encode it. */
function checkLine(line: string, told: string, bySinks: boolean): void {
  try {
    const message = toMessageFromLine(line);
    expect(faultOf(message)).toBeUndefined();
    const body = JSON.parse(line) as FlatBody;
    expect(message.messageId).toBe(body.event_id);
    for (const value of Object.values(body))
      if (typeof value === 'string' && !value.isWellFormed()) expect.fail('half a surrogate pair');
    if (bySinks) everySinkTakes(message.content, message.messageId);
  } catch (error) {
    throw new Error(`${String(error)}: ${line.slice(0, 2000)} of ${told}`, { cause: error });
  }
}
