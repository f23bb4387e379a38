import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../../runtime/sending/clock.ts';
import { Delivery, prefetchFor, type DeliverySettings } from '../../../sinks/delivery/delivery.ts';
import { createPreparer } from '../../../sinks/event/prepare.ts';
import { SinkError, type Sink, type SinkContext } from '../../../sinks/sink.ts';
import type { FlatBody } from '../../../taxonomy/flat-body.ts';
import { canaryIn, disorderIn, makeEvents } from '../../support/sinks/events.ts';
import type { FaultName, SinkHarness, TestService } from '../../support/sinks/harness.ts';
import { MemoryQueue } from '../../support/sinks/memory-queue.ts';
import { waitFor } from '../../support/wait-for.ts';

/**
 * Time-out of a batch if the service answers. It is long because a batch may be hundreds of requests, and a sink rightly
 * resends what a busy machine does not answer in time.
 */
const TIMEOUT_MS = 60_000;
/** Time-out for services that do not answer, or answer too slowly. */
const IMPATIENT_MS = 2000;
const SETTINGS: DeliverySettings = {
  lingerMs: 20,
  timeoutMs: TIMEOUT_MS,
  ratePerS: Number.POSITIVE_INFINITY,
  retry: { firstMs: 10, longestMs: 50, retryAfterMaxMs: 1200, openAfter: 4, openMs: 60 },
};
const DONE_MS = 100_000;
const EVENTS = 120;

/** Temporary faults, and whether the service has stored a batch before each shows. */
const PASSING: readonly {
  readonly fault: FaultName;
  readonly title: string;
  readonly stored: boolean;
  readonly timeoutMs?: number;
}[] = [
  { fault: 'throttled', title: 'asks for patience', stored: false },
  { fault: 'failing', title: 'fails for a while', stored: false },
  { fault: 'silent', title: 'takes a request and never answers', stored: false, timeoutMs: IMPATIENT_MS },
  { fault: 'cut', title: 'is cut off within its answer', stored: true },
  { fault: 'drip', title: 'answers too slowly', stored: true, timeoutMs: IMPATIENT_MS },
  { fault: 'half_stored', title: 'stores half of a batch and fails', stored: true },
];

/** An open sink with its delivery and its queue. */
interface Running extends AsyncDisposable {
  readonly sink: Sink;
  readonly delivery: Delivery;
  readonly queue: MemoryQueue;
  /** As on SIGTERM: resolves when nothing is in flight. */
  stop(): Promise<void>;
}

async function run({ definition }: SinkHarness, service: TestService, timeoutMs = TIMEOUT_MS): Promise<Running> {
  const config = definition.config.parse(service.settings);
  const sink = await definition.open(config, CONTEXT);
  const limits = definition.limits(config);
  const delivery = new Delivery({
    sink,
    limits,
    prepare: createPreparer({ filter: {}, mapping: {}, policy: {}, thirdParty: definition.thirdParty }),
    settings: { ...SETTINGS, timeoutMs },
    clock: systemClock,
    random: Math.random,
    observer: { sent: ignore, accepted: ignore, dead: ignore, filtered: ignore, duplicate: ignore },
  });
  const queue = new MemoryQueue(delivery, prefetchFor(limits));
  queue.connect();
  const ended = delivery.run();
  const stop = async (): Promise<void> => {
    delivery.stop();
    await ended;
  };
  return {
    sink,
    delivery,
    queue,
    stop,
    [Symbol.asyncDispose]: async () => {
      delivery.stop();
      delivery.giveUp();
      await ended;
      await sink.close();
    },
  };
}

const ignore = (): void => undefined;
const CONTEXT: SinkContext = { log: { info: ignore, warn: ignore }, now: () => Date.now() };

const emptied = (queue: MemoryQueue): Promise<boolean> =>
  waitFor(() => queue.size === 0, { timeoutMs: DONE_MS, what: 'the queue to be empty' });

const idsOf = (events: readonly FlatBody[]): readonly string[] => events.map((event) => event.event_id);

/** The contract that every sink keeps, whatever its service does. Call it once in each sink's own test file. */
export function sinkContract(harness: SinkHarness): void {
  const { definition, faults, refuses } = harness;

  describe(`the contract of the sink ${definition.name}`, () => {
    let service: TestService;
    beforeEach(async () => {
      service = await harness.start();
    });
    afterEach(async () => {
      const complaints = service.complaints?.() ?? [];
      await service[Symbol.asyncDispose]();
      expect(complaints).toEqual([]);
    });

    /**
     * Every event is stored exactly once, or at least once if neither service nor sink deduplicates; those of a resource are in
     * order.
     */
    async function expectStored(ids: readonly string[], { resent = false } = {}): Promise<void> {
      const stored = await service.storedIds();
      expect([...new Set(stored)].toSorted()).toEqual([...ids].toSorted());
      if (!resent || definition.dedupes) expect(stored).toHaveLength(ids.length);
      expect(disorderIn(stored)).toBeUndefined();
    }

    test('every event is stored once, in the order of its resource', async () => {
      await using running = await run(harness, service);
      const events = makeEvents(500);
      running.queue.publish(...events);
      await emptied(running.queue);
      await expectStored(idsOf(events));
      expect(running.queue.dead).toEqual([]);
    });

    test(`its service ${definition.thirdParty ? 'gets nothing personal unless the operator says so' : 'gets the events whole'}`, async () => {
      await using running = await run(harness, service);
      running.queue.publish(...makeEvents(8));
      await emptied(running.queue);
      const text = await service.storedText();
      expect(text).toContain('r0-000000');
      expect(canaryIn(text) !== undefined).toBe(!definition.thirdParty);
    });

    test.each(PASSING.filter(({ fault }) => faults.includes(fault)))(
      'nothing is lost or put aside when the service $title',
      async ({ fault, stored, timeoutMs }) => {
        await using running = await run(harness, service, timeoutMs);
        const events = makeEvents(EVENTS);
        running.queue.publish(...events.slice(0, 30));
        await emptied(running.queue);
        await service.fault(fault);
        running.queue.publish(...events.slice(30));
        await emptied(running.queue);
        await expectStored(idsOf(events), { resent: stored });
        expect(running.queue.dead).toEqual([]);
      },
    );

    test.each(faults.filter((fault) => fault === 'small'))(
      'a batch that is too large for the service goes in parts',
      async () => {
        await using running = await run(harness, service);
        await service.fault('small');
        const events = makeEvents(EVENTS);
        running.queue.publish(...events);
        await emptied(running.queue);
        await expectStored(idsOf(events));
        expect(running.queue.dead).toEqual([]);
      },
    );

    test.each((['unauthorised', 'away'] as const).filter((fault) => faults.includes(fault)))(
      'while the service is %s everything waits, and goes when it is back',
      async (fault) => {
        await using running = await run(harness, service);
        const events = makeEvents(EVENTS);
        running.queue.publish(...events.slice(0, 30));
        await emptied(running.queue);
        await service.fault(fault);
        running.queue.publish(...events.slice(30));
        const problem = await waitFor(() => running.delivery.state.problem, { what: 'the problem to be seen' });
        expect(problem.kind).toBe(fault === 'unauthorised' ? 'misconfigured' : 'retry');
        expect(running.queue.size).toBe(EVENTS - 30);
        await service.heal();
        await emptied(running.queue);
        await expectStored(idsOf(events));
        expect(running.queue.dead).toEqual([]);
        expect(running.delivery.state.problem).toBeUndefined();
      },
    );

    test.each(refuses === false ? [] : [refuses])(
      'what the service refuses for good is put aside with the reason, and nothing else',
      async () => {
        await using running = await run(harness, service);
        const events = makeEvents(EVENTS);
        const ids = idsOf(events);
        const refused = [ids[0], ids[41], ids[42], ids.at(-1)].flatMap((id) => id ?? []);
        await service.refuse?.(refused);
        running.queue.publish(...events);
        await emptied(running.queue);
        expect(running.queue.dead.map(({ id }) => id).toSorted()).toEqual(refused.toSorted());
        for (const dead of running.queue.dead) {
          expect(dead.class).toBe('rejected');
          expect(dead.reason).not.toBe('');
        }
        await expectStored(
          ids.filter((id) => !refused.includes(id)),
          { resent: refuses === 'unnamed' },
        );
      },
    );

    test('what is not an event is put aside, and holds up nothing', async () => {
      await using running = await run(harness, service);
      const events = makeEvents(20);
      running.queue.publish(...events.slice(0, 10));
      running.queue.publishRaw('poison-1', Buffer.from('no JSON'));
      running.queue.publishRaw('poison-2', Buffer.from('{"event":"file.uploaded"}'));
      running.queue.publish(...events.slice(10));
      await emptied(running.queue);
      expect(running.queue.dead.map((dead) => `${dead.id} ${dead.class}`)).toEqual([
        'poison-1 poison',
        'poison-2 poison',
      ]);
      await expectStored(idsOf(events));
    });

    test('an event that the broker hands out again after a lost connection is not sent again', async () => {
      await using running = await run(harness, service);
      const events = makeEvents(600);
      running.queue.publish(...events.slice(0, 300));
      for (let from = 300; from < 600; from += 60) {
        await waitFor(async () => (await service.storedIds()).length >= from - 290, { what: 'events to arrive' });
        running.queue.disconnect();
        running.queue.connect();
        running.queue.publish(...events.slice(from, from + 60));
      }
      await emptied(running.queue);
      await expectStored(idsOf(events));
    });

    test.each(faults.filter((fault) => fault === 'silent'))(
      'stopping ends the request in flight in time, and what was not accepted stays in the queue',
      async () => {
        const running = await run(harness, service);
        const events = makeEvents(EVENTS);
        await service.fault('silent');
        running.queue.publish(...events);
        await waitFor(() => running.delivery.state.pending > 0, { what: 'a batch' });
        // A service that reads the request only after the fault would store it, which is harmless only with deduplication.
        const sent = async (): Promise<boolean> => (await service.storedText()).includes('r0-000000');
        await waitFor(() => definition.dedupes || sent(), { what: 'the request to be read' });
        running.delivery.stop();
        running.delivery.giveUp();
        await running[Symbol.asyncDispose]();
        expect(running.queue.size).toBe(EVENTS);
        running.queue.disconnect();

        await using next = await run(harness, service);
        await service.heal();
        next.queue.publish(...events);
        await emptied(next.queue);
        await expectStored(idsOf(events));
      },
    );

    test('a sink that is opened again goes on where it was', async () => {
      const events = makeEvents(40);
      {
        await using first = await run(harness, service);
        first.queue.publish(...events.slice(0, 20));
        await emptied(first.queue);
      }
      await using second = await run(harness, service);
      // The first sink's last acknowledgements did not arrive.
      second.queue.publish(...events.slice(15));
      await emptied(second.queue);
      await expectStored(idsOf(events), { resent: true });
    });

    test('the dry run says that all is well, and stores nothing', async () => {
      await using running = await run(harness, service);
      expect(await running.sink.check(AbortSignal.timeout(5000))).toMatch(/\w+ .*\w+/);
      expect(await service.storedIds()).toEqual([]);
    });

    test.each((['unauthorised', 'away'] as const).filter((fault) => faults.includes(fault)))(
      'the dry run says so when the service is %s',
      async (fault) => {
        await using running = await run(harness, service);
        await service.fault(fault);
        const error: unknown = await running.sink.check(AbortSignal.timeout(5000)).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error).toBeInstanceOf(SinkError);
        expect(error).toMatchObject({ code: fault === 'away' ? 'unreachable' : 'unauthorised' });
      },
    );

    test('settings of another kind are refused', () => {
      expect(definition.config.safeParse({ no_such_setting: true }).success).toBe(false);
      expect(definition.config.safeParse({ ...service.settings, no_such_setting: true }).success).toBe(false);
      expect(definition.config.safeParse(service.settings).success).toBe(true);
    });
  });
}
