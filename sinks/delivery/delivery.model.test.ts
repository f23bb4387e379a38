import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startDelivery } from '../../test/support/sinks/delivery-fixture.ts';
import { disorderIn, readId } from '../../test/support/sinks/events.ts';
import type { SendOutcome } from '../../runtime/sending/outcome.ts';
import type { SinkEvent } from '../sink.ts';
import { runs } from '../../test/support/form.ts';

/** What a service does with the next batch. */
const behaviour = fc.constantFrom(
  'accept',
  'accept',
  'fail',
  'fail_with_patience',
  'store_and_fail',
  'throw',
  'refuse_us',
  'put_off',
  'too_large',
  'break_link_before_answer',
  'store_and_throw',
);
type Behaviour = ReturnType<typeof behaviour.generate>['value'];

const LIMITS = { maxEvents: 8, maxBytes: 1e6 };

/** A service that stores in order. It refuses bad ids, with or without naming them. */
class Service {
  readonly stored: string[] = [];
  /** Ids of batches whose outcome the sender could not know. */
  readonly unknown = new Set<string>();
  readonly bad: ReadonlySet<string>;
  readonly names: boolean;
  inFlight = 0;

  constructor(bad: ReadonlySet<string>, names: boolean) {
    this.bad = bad;
    this.names = names;
  }

  take(batch: readonly SinkEvent[]): SendOutcome {
    const refused = batch.filter(({ id }) => this.bad.has(id));
    if (refused.length > 0 && !this.names) return { kind: 'rejected', reason: 'one is bad' };
    this.stored.push(...batch.filter(({ id }) => !this.bad.has(id)).map(({ id }) => id));
    if (refused.length === 0) return { kind: 'accepted' };
    return { kind: 'partial', rejected: new Map(refused.map(({ id }) => [id, 'bad'])) };
  }

  /** Postpones all events of the first event's resource and accepts the others. */
  putOff(batch: readonly SinkEvent[]): SendOutcome {
    const { resource } = readId(batch[0]?.id ?? '');
    const again = batch.filter(({ id }) => readId(id).resource === resource);
    const others = batch.filter((event) => !again.includes(event));
    const outcome = others.length === 0 ? { kind: 'accepted' as const } : this.take(others);
    if (outcome.kind === 'rejected') return outcome;
    const rejected = outcome.kind === 'partial' ? outcome.rejected : new Map<string, string>();
    return { kind: 'partial', rejected, again: again.map(({ id }) => id), afterMs: 700 };
  }
}

const scenario = fc.record({
  count: fc.integer({ min: 1, max: 60 }),
  resources: fc.integer({ min: 1, max: 5 }),
  behaviours: fc.array(behaviour, { maxLength: 25 }),
  bad: fc.array(fc.nat(59), { maxLength: 4 }),
  names: fc.boolean(),
  /** Numbers of batches after which the connection to the queue breaks. */
  breaks: fc.array(fc.nat(30), { maxLength: 4 }),
});

const bodies = (count: number, resources: number) =>
  Array.from({ length: count }, (_, index) => ({
    event_id: `r${index % resources}-${String(Math.floor(index / resources)).padStart(3, '0')}`,
    event: 'file.uploaded',
    created: index,
    resource_id: `r${index % resources}`,
  }));

describe('a delivery, whatever service and broker do', () => {
  it('ends with every event stored or, if it is bad, put aside, in order, and twice only if that could not be known', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ count, resources, behaviours, bad, names, breaks }) => {
        const published = bodies(count, resources);
        const badIds = new Set(bad.flatMap((index) => published[index]?.event_id ?? []));
        const service = new Service(badIds, names);
        const script = [...behaviours];
        const problems: string[] = [];

        const fixture = startDelivery({
          limits: LIMITS,
          send: async (batch, _signal, clock) => {
            service.inFlight += 1;
            if (service.inFlight > 1) problems.push('two batches were in flight');
            if (batch.length === 0 || batch.length > LIMITS.maxEvents) problems.push(`a batch of ${batch.length}`);
            if (new Set(batch.map(({ id }) => id)).size < batch.length) problems.push('an id twice in a batch');
            await clock.wait(5, new AbortController().signal);
            try {
              return answer(script.shift() ?? 'accept', batch);
            } finally {
              service.inFlight -= 1;
              if (breaks.includes(fixture.sent.length)) reconnect();
            }
          },
        });
        const reconnect = (): void => {
          fixture.queue.disconnect();
          fixture.queue.connect();
        };
        const answer = (how: Behaviour, batch: readonly SinkEvent[]): SendOutcome => {
          const unknown = (): void => {
            const before = service.stored.length;
            service.take(batch);
            for (const id of service.stored.slice(before)) service.unknown.add(id);
          };
          switch (how) {
            case 'accept':
              return service.take(batch);
            case 'fail':
              return { kind: 'retry', reason: 'busy' };
            case 'fail_with_patience':
              return { kind: 'retry', reason: 'busy', afterMs: 3000 };
            case 'store_and_fail':
              unknown();
              return { kind: 'retry', reason: 'cut' };
            case 'store_and_throw':
              unknown();
              throw new Error('cut');
            case 'throw':
              throw new Error('refused');
            case 'refuse_us':
              return { kind: 'misconfigured', reason: 'key' };
            case 'put_off':
              return service.putOff(batch);
            case 'too_large':
              return batch.length > 1 ? { kind: 'too_large', reason: 'large' } : service.take(batch);
            case 'break_link_before_answer':
              reconnect();
              return service.take(batch);
          }
        };

        fixture.queue.publish(...published);
        await fixture.clock.until(() => fixture.queue.size === 0 && service.inFlight === 0);
        fixture.delivery.stop();
        await fixture.ended;

        expect(problems).toEqual([]);
        const good = published.map(({ event_id: id }) => id).filter((id) => !badIds.has(id));
        expect([...new Set(service.stored)].toSorted()).toEqual(good.toSorted());
        expect([...new Set(fixture.queue.dead.map(({ id }) => id))].toSorted()).toEqual([...badIds].toSorted());
        expect(disorderIn(service.stored)).toBeUndefined();
        const twice = service.stored.filter((id, index) => service.stored.indexOf(id) !== index);
        expect(twice.filter((id) => !service.unknown.has(id))).toEqual([]);
        expect(fixture.delivery.state.pending).toBe(0);
      }),
      runs(300),
    );
  });
});
