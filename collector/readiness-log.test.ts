import { expect, test, vi } from 'vitest';
import type { Readiness } from './readiness.ts';
import { createReadinessLog } from './readiness-log.ts';

const OK = { ok: true };
const readiness = (checks: Partial<Readiness['checks']>): Readiness => ({
  status: 'degraded',
  checks: {
    journal: OK,
    history: OK,
    broker: OK,
    backlog: OK,
    unroutable: OK,
    nacked: OK,
    unpublishable: OK,
    ...checks,
  },
});

test("each problem is logged once when it begins and once when it ends; the broker's are logged elsewhere", () => {
  const log = { info: vi.fn(), warn: vi.fn() };
  let now = 0;
  const look = createReadinessLog(log, () => now);
  look(readiness({}));
  expect(log.warn).not.toHaveBeenCalled();
  const unroutable = { ok: false, reason: 'Events are held: 1' };
  for (now = 1000; now < 5000; now += 1000)
    look(
      readiness({ unroutable, broker: { ok: false }, ...(now > 2000 && { journal: { ok: false, reason: 'full' } }) }),
    );
  expect(log.warn.mock.calls).toEqual([
    [{ reason: 'Events are held: 1' }, 'events are held: no queue is bound that takes them'],
    [{ reason: 'full' }, 'events are turned away'],
  ]);
  expect(log.info).not.toHaveBeenCalled();
  look(readiness({}));
  look(readiness({}));
  expect(log.info.mock.calls).toEqual([
    [{ for_s: 2 }, 'events are taken again'],
    [{ for_s: 4 }, 'queues take all types of events again'],
  ]);
});
