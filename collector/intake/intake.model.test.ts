import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryJournal } from '../../test/support/memory-journal.ts';
import type { FlatBody } from '../../taxonomy/flat-body.ts';
import { requestKeyOf } from '../../taxonomy/map/keys.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { Intake } from './intake.ts';
import { SeenIds } from './seen-ids.ts';
import { runs } from '../../test/support/form.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const WAIT_MS = 60_000;
const WINDOW_MS = 3_600_000;

const body = (event_id: string, fields: object = {}): FlatBody => ({
  event_id,
  event: 'file.uploaded',
  created: 1,
  trace_id: TRACE,
  ...fields,
});
const requestKey = requestKeyOf(TRACE, 'file.uploaded');
const strong = (file: string): Candidate => ({
  body: body(`id of ${file}`, { source: 'proxy', resource_id: file }),
  waits: false,
  strong: true,
  requestKey,
});
/** A backend's span or an access log, whose request the proxy has marked, with or without a resource in the path. */
const marked = (source: string, file?: string): Candidate =>
  file === undefined
    ? { body: body('id without file', { source }), waits: true, strong: false, requestKey }
    : { body: body(`id of ${file}`, { source, resource_id: file }), waits: true, strong: false };
const unmarked = (source: string): Candidate => ({
  body: body('id of f1', { source, resource_id: 'f1' }),
  waits: false,
  strong: false,
});

const REQUEST = 'b7ad6b7169203331';
/** The same from observers that have the request's id. */
const ofRequest = (candidate: Candidate): Candidate => ({
  ...candidate,
  body: { ...candidate.body, ...(candidate.strong && { span_id: REQUEST }) },
  requestKey: requestKeyOf(REQUEST, 'file.uploaded'),
});

const JOB = '66f00000000000000000000a';
/** One job, as reported by the capture of its submission, the broker, and whoever works on it, each with an id of its own. */
const queued = (event_id: string, fields: object = {}): FlatBody =>
  body(event_id, { event: 'extraction.queued', resource_id: 'f1', job_id: JOB, ...fields });
const jobByProxy: Candidate = {
  body: queued('id of f1', { source: 'proxy' }),
  waits: false,
  strong: true,
  requestKey: requestKeyOf(TRACE, 'extraction.queued'),
};
const jobBy = (source: string, fields: object = {}): Candidate => ({
  body: queued(`id by ${source}`, { source, trace_id: undefined, ...fields }),
  waits: false,
  strong: false,
});
/** Clowder's own span of the submission, which does not show the job. */
const jobUnseen: Candidate = {
  body: queued('id of f1', { source: 'sdk', job_id: undefined }),
  waits: true,
  strong: false,
};

/** All possible observations of one request. */
const REQUESTS: Readonly<Record<string, readonly Candidate[]>> = {
  'the resource is in the path': [strong('f1'), marked('sdk', 'f1'), marked('nginx', 'f1'), marked('sdk', 'f1')],
  'only the proxy knows the resource': [strong('f1'), marked('sdk'), marked('nginx')],
  'each has the id of the request': [strong('f1'), marked('sdk', 'f1'), marked('nginx')].map(ofRequest),
  'the proxy was killed, and only the backend knows the resource': [
    marked('sdk', 'f1'),
    marked('nginx'),
    marked('sdk', 'f1'),
  ].map(ofRequest),
  'there is no proxy, and only the backend knows the resource': [
    unmarked('sdk'),
    { ...marked('nginx'), waits: false },
    unmarked('sdk'),
  ].map(ofRequest),
  'there is no proxy': [unmarked('sdk'), unmarked('sdk'), unmarked('nginx')],
  'several report the job': [jobByProxy, jobBy('rabbitmq'), jobBy('sdk', { clowder_instance: 'main' })],
};

type Step =
  | { readonly do: 'observe'; readonly which: readonly number[] }
  | { readonly do: 'commit' }
  | { readonly do: 'refuse' }
  | { readonly do: 'wait' }
  | { readonly do: 'crash'; readonly committed: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('observe' as const),
      which: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ do: 'commit' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'refuse' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'wait' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), committed: fc.boolean() }) },
);

/** A collector over its restarts, with producers that send again what was not acknowledged. */
class World {
  now = 0;
  readonly journal = new MemoryJournal(() => this.now);
  readonly #unacknowledged = new Set<readonly Candidate[]>();
  #intake = this.#open();

  constructor() {
    this.journal.manual = true;
  }

  #open(): Intake {
    return new Intake({
      journal: this.journal,
      seen: new SeenIds({ windowMs: WINDOW_MS }),
      waitMs: WAIT_MS,
      windowMs: WINDOW_MS,
      now: () => this.now,
      observer: { accepted: noop, duplicate: noop, waiting: noop, recovered: noop, rejected: noop },
    });
  }

  observe(batch: readonly Candidate[]): void {
    this.#unacknowledged.add(batch);
    const acknowledge = (): void => void this.#unacknowledged.delete(batch);
    this.#intake.submit(batch).then(acknowledge, noop);
  }

  wait(): void {
    this.now += WAIT_MS + 1;
    this.#intake.recoverDue().catch(noop);
  }

  crash(committed: boolean): void {
    this.journal.crash(committed);
    this.#intake = this.#open();
  }

  /** Runs until every producer has its answer and the wait of all waiting observations is over. */
  async end(): Promise<void> {
    await this.commit();
    for (let tries = 0; this.#unacknowledged.size > 0; tries += 1) {
      if (tries === 10) throw new Error('a producer never got its answer');
      for (const batch of this.#unacknowledged) this.observe(batch);
      await this.commit();
    }
    for (let turn = 0; turn < 2; turn += 1) {
      this.wait();
      await this.commit();
    }
  }

  async commit(): Promise<void> {
    this.journal.flush();
    await new Promise(setImmediate);
  }

  get waiting(): number {
    return this.#intake.waitingCount;
  }
}

const noop = (): void => undefined;

async function play(world: World, observations: readonly Candidate[], steps: readonly Step[]): Promise<void> {
  for (const one of steps) {
    if (one.do === 'observe') {
      const batch = one.which.flatMap((index) => observations[index % observations.length] ?? []);
      world.observe(batch);
    } else if (one.do === 'commit') await world.commit();
    else if (one.do === 'refuse') world.journal.failures = 1;
    else if (one.do === 'wait') world.wait();
    else world.crash(one.committed);
  }
  world.journal.failures = 0;
  await world.end();
}

test.each(Object.keys(REQUESTS))(
  'any interleaving of observations, refused writes, restarts and time gives exactly one event: %s',
  async (name) => {
    const observations = REQUESTS[name] ?? [];
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        fc.pre(steps.some((one) => one.do === 'observe'));
        const world = new World();
        await play(world, observations, steps);
        expect(world.journal.lines).toHaveLength(1);
        expect(world.journal.held('waiting')).toEqual([]);
        expect(world.waiting).toBe(0);
      }),
      runs(600),
    );
  },
);

test("an upload of several files gives the proxy's events or the recovered one, never both", async () => {
  const observations = [strong('f1'), strong('f2'), marked('sdk'), marked('nginx')];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const world = new World();
      await play(world, observations, steps);
      const ids = world.journal.lines.map((line) => (JSON.parse(line) as FlatBody).event_id);
      expect(new Set(ids).size).toBe(ids.length);
      if (ids.includes('id without file')) expect(ids).toEqual(['id without file']);
      expect(world.journal.heldLines).toEqual([]);
    }),
    runs(600),
  );
});

test('a job reported by several is one event, even if a waiting observation does not know its job', async () => {
  const observations = [jobByProxy, jobBy('rabbitmq'), jobUnseen];
  const withoutWaiting = fc.array(
    step.filter((one) => one.do !== 'wait'),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(withoutWaiting, async (steps) => {
      // The capture of the submission comes at some time.
      fc.pre(steps.some((one) => one.do === 'observe' && one.which.some((index) => index % observations.length === 0)));
      const world = new World();
      await play(world, observations, steps);
      expect(world.journal.lines).toHaveLength(1);
      expect(world.journal.held('waiting')).toEqual([]);
    }),
    runs(600),
  );
});

test('a job with a recovered submission is at most one event more', async () => {
  const observations = [jobByProxy, jobBy('rabbitmq'), jobUnseen];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const world = new World();
      await play(world, observations, steps);
      const bodies = world.journal.lines.map((line) => JSON.parse(line) as FlatBody);
      expect(bodies.filter((one) => one['job_id'] === JOB).length).toBeLessThanOrEqual(1);
      expect(bodies.filter((one) => one['recovered'] === true).length).toBeLessThanOrEqual(1);
      expect(world.journal.held('waiting')).toEqual([]);
    }),
    runs(600),
  );
});
