import { describe, expect, it, vi } from 'vitest';
import type { FlatBody } from '../taxonomy/flat-body.ts';
import type { Candidate } from '../taxonomy/map.ts';
import { Intake } from './intake.ts';
import type { Journal, JournalChange } from './journal/journal.ts';
import { SeenIds } from './seen-ids.ts';

const ID = 'c'.repeat(32);
const body: FlatBody = { event_id: ID, event: 'file.deleted', created: 1, file_id: 'f', resource_id: 'f' };
const weak: Candidate = { body, waits: false, strong: false };
const marked: Candidate = { body, waits: true, strong: false };

function intakeOf({ fails = () => false }: { fails?: () => boolean } = {}) {
  const written: JournalChange[] = [];
  const journal: Pick<Journal, 'write' | 'scan' | 'held'> = {
    write: async (change) => {
      if (fails()) throw new Error('disk full');
      written.push(change);
      return { heldIds: (change.hold ?? []).map((_, index) => index + 7) };
    },
    scan: function* () {},
    held: () => [],
  };
  let now = 0;
  const observer = { accepted: vi.fn(), duplicate: vi.fn(), waiting: vi.fn(), recovered: vi.fn(), rejected: vi.fn() };
  const intake = new Intake({
    journal: journal as Journal,
    seen: new SeenIds(),
    waitMs: 1000,
    windowMs: 1000,
    now: () => now,
    observer,
  });
  const later = (ms: number): void => {
    now += ms;
  };
  return { intake, written, later };
}

describe('an event that the capture refuted', () => {
  it('is not made of an observation that waited for the capture', async () => {
    const { intake, written, later } = intakeOf();
    expect(await intake.submit([marked])).toEqual(['waiting']);
    await intake.submit([], [], 'otlp-logs', [ID]);
    expect(written.at(-1)).toEqual({ unhold: [7] });
    later(2000);
    expect(await intake.recoverDue()).toBe(0);
  });

  it('is not made of an observation that comes later, marked or not', async () => {
    const { intake, written } = intakeOf();
    await intake.submit([], [], 'otlp-logs', [ID]);
    expect(await intake.submit([weak])).toEqual(['duplicate']);
    expect(await intake.submit([marked])).toEqual(['duplicate']);
    expect(written).toEqual([]);
  });

  it('stays an event where it was published before', async () => {
    const { intake, written } = intakeOf();
    expect(await intake.submit([weak])).toEqual(['accepted']);
    await intake.submit([], [], 'otlp-logs', [ID]);
    expect(written).toHaveLength(1);
  });

  it('waits on where the journal could not be told', async () => {
    let full = false;
    const { intake, later } = intakeOf({ fails: () => full });
    await intake.submit([marked]);
    full = true;
    await expect(intake.submit([], [], 'otlp-logs', [ID])).rejects.toThrow('disk full');
    full = false;
    later(2000);
    expect(await intake.recoverDue()).toBe(1);
  });
});
