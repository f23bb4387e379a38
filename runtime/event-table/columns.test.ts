import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyEvents, eventOf } from '../../test/support/sinks/arbitrary-events.ts';
import { COPIED, toRow, whyNoRow } from './columns.ts';
import { runs } from '../../test/support/form.ts';

const NAMES = COPIED.map(([name]) => name);

/** The row by column, with `data` parsed. */
function rowOf(fields: Record<string, string | number | boolean>): Record<string, unknown> {
  const row = toRow(eventOf('view.download', fields));
  const named: Record<string, unknown> = Object.fromEntries(
    NAMES.map((name, index) => [name, row[index]] as const).filter(([, value]) => value !== undefined),
  );
  return { ...named, data: JSON.parse(String(named['data'])) };
}

describe('the row of an event', () => {
  it('has typed columns for the common fields and data for the rest', () => {
    expect(rowOf({ user_id: 'ada', bytes: 12, tracked: false, url: 'https://x.example/', duration_ms: 1.5 })).toEqual({
      event_id: 'e-1',
      created_at: '2025-10-09T08:53:20.123Z',
      event: 'view.download',
      user_id: 'ada',
      bytes: '12',
      tracked: 'false',
      duration_ms: '1.5',
      data: { url: 'https://x.example/' },
    });
  });

  it('leaves out what follows from other fields', () => {
    expect(rowOf({ category: 'download', type: 'file', size: 3, bytes: 3 })).toMatchObject({ bytes: '3', data: {} });
  });

  it.each([
    ['bytes', 1.5],
    ['bytes', 1e300],
    ['bytes', 'a hash of it'],
    ['tracked', 'no'],
    ['user_id', 7],
    ['duration_ms', true],
  ])('keeps a %s of %j, which its column cannot hold, in data', (name, value) => {
    const row = rowOf({ [name]: value });
    expect(row[name]).toBeUndefined();
    expect(row['data']).toEqual({ [name]: value });
  });

  it('has U+FFFD for what PostgreSQL cannot store, in values and names', () => {
    const row = rowOf({ user_id: 'a\0b', title: 'half \uD83D', 'na\0me': 1 });
    expect(row['user_id']).toBe('a\u{FFFD}b');
    expect(row['data']).toEqual({ title: 'half \u{FFFD}', 'na\u{FFFD}me': 1 });
  });

  it('loses no field, whatever the event', () => {
    fc.assert(
      fc.property(anyEvents({ createdMs: { min: Date.UTC(2000, 0), max: Date.UTC(2099, 0) } }, 3), (events) => {
        for (const { fields, type } of events) {
          const row = rowOf(fields);
          const kept = new Set([...Object.keys(row), ...Object.keys(row['data'] as object), 'created']);
          const storable = Object.keys(fields).map((name) => name.toWellFormed().replaceAll('\0', '\u{FFFD}'));
          expect(storable.filter((name) => !kept.has(name))).toEqual([]);
          expect(type).not.toBe('');
        }
      }),
      runs(),
    );
  });

  it.each([Date.UTC(2000, 0, 1), Date.UTC(2099, 11, 31, 23, 59, 59, 999)])(
    'can be made with created %i',
    (createdMs) => {
      expect(whyNoRow(eventOf('view.page', {}, { createdMs }))).toBeUndefined();
    },
  );

  it.each([Date.UTC(2000, 0, 1) - 1, Date.UTC(2100, 0, 1), -1, Number.NaN, 1e18])(
    'cannot be made with created %f',
    (createdMs) => {
      expect(whyNoRow(eventOf('view.page', {}, { createdMs }))).toContain(`created is ${createdMs}`);
    },
  );
});
