import { describe, expect, it } from 'vitest';
import { startDelivery } from '../../test/support/sinks/delivery-fixture.ts';
import { createPreparer } from '../event/prepare.ts';
import type { SendOutcome } from '../../runtime/sending/outcome.ts';

/** Events of one file, identified by a letter. */
const event = (id: string, file = 'f'): { event_id: string; event: string; created: number; resource_id: string } => ({
  event_id: id,
  event: 'file.uploaded',
  created: 1000,
  resource_id: file,
});
const events = (...ids: readonly string[]): ReturnType<typeof event>[] => ids.map((id) => event(id));
const ACCEPTED: SendOutcome = { kind: 'accepted' };

/** Gives each of these outcomes once, then accepts. */
function script(...outcomes: readonly SendOutcome[]): () => SendOutcome {
  const left = [...outcomes];
  return () => left.shift() ?? ACCEPTED;
}

describe('a delivery', () => {
  const again = (afterMs: number | undefined) => (afterMs === undefined ? {} : { afterMs });
  const WISHES = [undefined, 0, 1, -5000, Number.NaN];

  it.each(WISHES)('keeps to its back-off for a service that is away and asks to wait %s ms', async (wish) => {
    const { clock, queue, sent } = startDelivery({ send: () => ({ kind: 'retry', reason: 'away', ...again(wish) }) });
    queue.publish(event('a'));
    await clock.until(() => clock.now() >= 10 * 60_000);
    // After 1 and 2 s; then the circuit opens for 30 s each time.
    expect(sent.slice(0, 4).map(({ atMs }) => atMs)).toEqual([100, 1100, 3100, 33_100]);
    expect(sent.length).toBeLessThan(25);
  });

  it.each(WISHES)('keeps to the back-off of events postponed for %s ms', async (wish) => {
    const { clock, queue, sent } = startDelivery({
      send: (batch) => ({ kind: 'partial', rejected: new Map(), again: batch.map(({ id }) => id), ...again(wish) }),
    });
    queue.publish(event('a'));
    await clock.until(() => clock.now() >= 10 * 60_000);
    expect(sent.slice(0, 4).map(({ atMs }) => atMs)).toEqual([100, 1100, 3100, 7100]);
    expect(sent.length).toBeLessThan(85);
  });

  it('waits a while for further events to send together', async () => {
    const { clock, queue, sent } = startDelivery({ send: script() });
    queue.publish(event('a'));
    await clock.settle();
    queue.publish(event('b'));
    await clock.settle();
    expect(sent).toEqual([]);
    await clock.until(() => queue.size === 0);
    expect(sent).toEqual([{ ids: ['a', 'b'], atMs: 100 }]);
  });

  it('does not wait once a batch is full', async () => {
    const { clock, queue, sent } = startDelivery({ send: script(), limits: { maxEvents: 3, maxBytes: 1e6 } });
    queue.publish(...events('a', 'b', 'c', 'd', 'e', 'f'));
    await clock.settle();
    expect(sent).toEqual([
      { ids: ['a', 'b', 'c'], atMs: 0 },
      { ids: ['d', 'e', 'f'], atMs: 0 },
    ]);
  });

  it('sends an event over the byte limit alone', async () => {
    const limits = { maxEvents: 10, maxBytes: 100, sizeOf: ({ id }: { id: string }) => (id === 'big' ? 1000 : 40) };
    const { clock, queue, sent } = startDelivery({ send: script(), limits });
    queue.publish(...events('a', 'b', 'big', 'c'));
    await clock.until(() => queue.size === 0);
    expect(sent.map(({ ids }) => ids)).toEqual([['a', 'b'], ['big'], ['c']]);
  });

  it('has each id in a batch once', async () => {
    const { clock, queue, sent } = startDelivery({ send: script() });
    queue.publish(...events('a', 'b', 'a', 'c'));
    await clock.until(() => queue.size === 0);
    expect(sent.map(({ ids }) => ids)).toEqual([
      ['a', 'b'],
      ['a', 'c'],
    ]);
  });

  it('sends the same batch again, after longer and longer pauses', async () => {
    const failure: SendOutcome = { kind: 'retry', reason: 'HTTP 500' };
    const { clock, queue, sent } = startDelivery({ send: script(failure, failure) });
    queue.publish(...events('a', 'b'));
    await clock.until(() => queue.size === 0);
    expect(sent).toEqual([
      { ids: ['a', 'b'], atMs: 100 },
      { ids: ['a', 'b'], atMs: 1100 },
      { ids: ['a', 'b'], atMs: 3100 },
    ]);
  });

  it('waits as long as the service asks, up to a limit', async () => {
    const asks = (afterMs: number): SendOutcome => ({ kind: 'retry', reason: 'HTTP 429', afterMs });
    const { clock, queue, sent } = startDelivery({ send: script(asks(20_000), asks(10_000_000)) });
    queue.publish(event('a'));
    await clock.until(() => queue.size === 0);
    expect(sent.map(({ atMs }) => atMs)).toEqual([100, 20_100, 80_100]);
  });

  it('opens the circuit after repeated failures, and tries a small batch first', async () => {
    const failure: SendOutcome = { kind: 'retry', reason: 'HTTP 503' };
    const { clock, delivery, queue, sent } = startDelivery({
      send: script(failure, failure, failure),
      limits: { maxEvents: 30, maxBytes: 1e6 },
    });
    const ids = Array.from({ length: 30 }, (_, index) => `e${String(index).padStart(2, '0')}`);
    queue.publish(...events(...ids));
    await clock.until(() => delivery.state.circuit === 'open');
    expect(delivery.state).toMatchObject({ pending: 30, problem: { kind: 'retry', reason: 'HTTP 503', sinceMs: 0 } });
    await clock.until(() => queue.size === 0);
    expect(sent.map((one) => [one.ids.length, one.atMs])).toEqual([
      [30, 0],
      [30, 1000],
      [30, 3000],
      [10, 33_000],
      [20, 33_000],
    ]);
    expect(delivery.state).toEqual({ circuit: 'closed', problem: undefined, pending: 0, oldestCreatedMs: undefined });
  });

  it('keeps everything while the service refuses our key', async () => {
    const refusal: SendOutcome = { kind: 'misconfigured', reason: 'HTTP 401' };
    const { clock, delivery, queue } = startDelivery({ send: script(refusal, refusal, refusal) });
    queue.publish(...events('a', 'b'));
    await clock.until(() => delivery.state.problem !== undefined);
    expect(delivery.state.problem).toMatchObject({ kind: 'misconfigured', reason: 'HTTP 401' });
    await clock.until(() => queue.size === 0);
    expect(queue.dead).toEqual([]);
    expect(clock.now()).toBeGreaterThanOrEqual(90_000);
  });

  it('finds the one event that the service refuses', async () => {
    const { clock, queue } = startDelivery({
      send: (batch) => (batch.some(({ id }) => id === 'bad') ? { kind: 'rejected', reason: 'HTTP 400' } : ACCEPTED),
    });
    queue.publish(...events('a', 'b', 'bad', 'c', 'd'));
    await clock.until(() => queue.size === 0);
    expect(queue.dead).toEqual([{ id: 'bad', class: 'rejected', reason: 'HTTP 400' }]);
  });

  it('puts aside an event that is too large alone', async () => {
    const { clock, queue } = startDelivery({ send: () => ({ kind: 'too_large', reason: 'HTTP 413' }) });
    queue.publish(...events('a', 'b'));
    await clock.until(() => queue.size === 0);
    expect(queue.dead.map((dead) => `${dead.id} ${dead.class}`)).toEqual(['a too_large', 'b too_large']);
  });

  it("sends the rest while one resource's events are postponed, and keeps their order", async () => {
    const { clock, queue, sent } = startDelivery({
      send: script({ kind: 'partial', rejected: new Map(), again: ['a1'], afterMs: 5000 }),
      limits: { maxEvents: 2, maxBytes: 1e6 },
    });
    queue.publish(event('a1', 'a'), event('b1', 'b'), event('a2', 'a'), event('b2', 'b'), event('c1', 'c'));
    await clock.until(() => queue.size === 0);
    expect(sent).toEqual([
      { ids: ['a1', 'b1'], atMs: 0 },
      { ids: ['b2', 'c1'], atMs: 0 },
      { ids: ['a1', 'a2'], atMs: 5000 },
    ]);
  });

  it('does not repeat an event that was accepted while the connection to the queue broke', async () => {
    const answer = Promise.withResolvers<SendOutcome>();
    const { clock, queue, sent, counts } = startDelivery({
      send: () => (sent.length === 1 ? answer.promise : ACCEPTED),
    });
    queue.publish(...events('a', 'b'));
    await clock.until(() => sent.length === 1);
    queue.disconnect();
    answer.resolve(ACCEPTED);
    await clock.settle();
    expect(queue.size).toBe(2);
    queue.connect();
    queue.publish(event('c'));
    await clock.until(() => queue.size === 0);
    expect(sent.map(({ ids }) => ids)).toEqual([['a', 'b'], ['c']]);
    expect(counts).toEqual({ accepted: 3, filtered: 0, duplicate: 2 });
  });

  it('acknowledges filtered events without sending them', async () => {
    const { clock, queue, sent, counts } = startDelivery({
      send: script(),
      prepare: createPreparer({ filter: { types: ['dataset.*'] }, mapping: {}, policy: {}, thirdParty: false }),
    });
    queue.publish(...events('a', 'b'));
    await clock.settle();
    expect([queue.size, sent.length, counts.filtered]).toEqual([0, 0, 2]);
  });

  it('keeps to its rate limit', async () => {
    const { clock, queue, sent } = startDelivery({ send: script(), settings: { ratePerS: 4 } });
    queue.publish(...events('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'));
    await clock.until(() => queue.size === 0);
    expect(sent.map((one) => [one.ids.length, one.atMs])).toEqual([
      [4, 0],
      [4, 1000],
    ]);
  });

  it('gives up on a service that does not answer in time, and says so', async () => {
    const { clock, delivery, queue } = startDelivery({
      send: (_batch, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('This operation was aborted')));
        }),
    });
    queue.publish(event('a'));
    await clock.until(() => delivery.state.problem !== undefined);
    expect(delivery.state.problem?.reason).toBe('no answer within 10 s');
    expect(clock.now()).toBe(10_100);
  });

  it('ends after the current batch when it is stopped', async () => {
    const answer = Promise.withResolvers<SendOutcome>();
    const { clock, delivery, queue, sent, ended } = startDelivery({
      send: () => answer.promise,
      limits: { maxEvents: 2, maxBytes: 1e6 },
    });
    queue.publish(...events('a', 'b', 'c', 'd'));
    await clock.settle();
    delivery.stop();
    answer.resolve(ACCEPTED);
    await ended;
    expect(sent.map(({ ids }) => ids)).toEqual([['a', 'b']]);
    expect(queue.size).toBe(2);
  });
});
