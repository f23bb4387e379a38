import { describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../../test/support/wait-for.ts';
import type { OutboxRow } from '../state/store.ts';
import { Delivery } from './delivery.ts';
import type { Notification } from './notification.ts';
import { NotifyError } from './notifier.ts';

const message = (id: string, atMs = 1000): Notification => ({
  id,
  kind: 'down',
  probe: 'clowder',
  component: 'clowder',
  target: 'http://clowder/',
  sinceMs: atMs,
  atMs,
  downForS: 0,
  measures: {},
});

/** A delivery of the outbox. The attempts get the given outcomes, and succeed after these. */
function start(ids: readonly string[], outcomes: readonly (Error | 'deaf')[], nowMs = 2000) {
  const rows: OutboxRow[] = ids.map((id, index) => ({ id: index, notification: message(id) }));
  const tried: string[] = [];
  const told: string[] = [];
  const said: object[] = [];
  const say = (fields: object, text: string): void => void said.push({ ...fields, text });
  const delivery = new Delivery({
    name: 'hook',
    notifier: {
      async deliver({ id }) {
        tried.push(id);
        const outcome = outcomes[tried.length - 1];
        if (outcome === 'deaf') await new Promise(() => undefined);
        else if (outcome !== undefined) throw outcome;
      },
    },
    store: {
      firstMessage: () => rows[0],
      removeMessage: (_notifier, row) => void rows.splice(rows.indexOf(row), 1),
    },
    timeoutMs: 30,
    giveUpMs: 5000,
    scrub: (text) => text.replaceAll('s3cret', '***'),
    onOutcome: (outcome) => told.push(outcome),
    log: { info: say, warn: say, error: say },
    pauseMs: { first: 1, longest: 4 },
    now: () => nowMs,
    random: () => 0,
  });
  onTestFinished(() => delivery.stop());
  return { delivery, rows, tried, told, said };
}

const empty = (rows: readonly OutboxRow[]): Promise<boolean> =>
  waitFor(() => rows.length === 0, { what: 'the outbox to be empty' });

describe('a delivery', () => {
  it('tries the same message until it is accepted, before the next one', async () => {
    const { rows, tried, told, said } = start(
      ['a', 'b'],
      [new Error('ECONNREFUSED with s3cret'), new NotifyError('not_now', 'HTTP 503')],
    );
    await empty(rows);
    expect(tried).toEqual(['a', 'a', 'a', 'b']);
    expect(told).toEqual(['failed', 'failed', 'delivered', 'delivered']);
    expect(JSON.stringify(said)).not.toContain('s3cret');
    expect(said.filter((one) => 'reason' in one)).toHaveLength(1);
  });

  it('drops messages that are refused or have waited too long, and goes on', async () => {
    const refused = start(['a', 'b'], [new NotifyError('refused', 'HTTP 400')]);
    await empty(refused.rows);
    expect(refused.tried).toEqual(['a', 'b']);
    expect(refused.told).toEqual(['dropped', 'delivered']);
    const old = start(['a', 'b'], [new Error('away')], 6001);
    await empty(old.rows);
    expect(old.told).toEqual(['dropped', 'delivered']);
  });

  it('waits as long as the receiver asks', async () => {
    const beganMs = performance.now();
    const { rows, tried } = start(['a'], [new NotifyError('not_now', 'HTTP 429', { afterMs: 200 })]);
    await empty(rows);
    expect(tried).toEqual(['a', 'a']);
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(199);
  });

  it('goes on after the time-out of a notifier that hangs', async () => {
    const { rows, tried, told, said } = start(['a'], ['deaf']);
    await empty(rows);
    expect(tried).toEqual(['a', 'a']);
    expect(told).toEqual(['failed', 'delivered']);
    expect(said).toContainEqual(expect.objectContaining({ reason: 'no answer in time' }));
  });

  it('sends later messages when it is woken', async () => {
    const { delivery, rows, tried } = start([], []);
    rows.push({ id: 7, notification: message('later') });
    delivery.wake();
    await empty(rows);
    expect(tried).toEqual(['later']);
  });
});
