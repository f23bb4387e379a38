import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../taxonomy/event-types.ts';
import { BINDING_KEYS, bindingKeys, createFilter } from './filter.ts';
import { runs } from '../../test/support/form.ts';

const passes = (filter: Parameters<typeof createFilter>[0], body: Record<string, string | boolean>): boolean =>
  createFilter(filter)({ event: 'file.uploaded', ...body });

describe('the binding keys of a filter', () => {
  it.each([
    [undefined, ['#']],
    [[], ['#']],
    [['file.*', '#'], ['#']],
    [
      ['file.*', 'view.download', 'file.*'],
      ['file.*', 'view.download'],
    ],
  ])('of %j are %j', (types, keys) => {
    expect(bindingKeys({ types })).toEqual(keys);
  });

  it('are all in the list of keys that are unbound if no longer wanted', () => {
    expect(BINDING_KEYS).toEqual(expect.arrayContaining(['#', 'file.*', '*.created', ...EVENT_TYPES]));
    expect(new Set(BINDING_KEYS).size).toBe(BINDING_KEYS.length);
  });
});

describe('a filter', () => {
  it('without rules lets everything pass', () => {
    expect(passes({}, { tracked: false, client_kind: 'bot' })).toBe(true);
  });

  it.each([
    ['file.*', 'file.uploaded', true],
    ['*.created', 'dataset.created', true],
    ['file.*', 'dataset.created', false],
    ['file.uploaded', 'file.uploaded', true],
    ['file.uploaded', 'file.uploaded.twice', false],
    ['#', 'something.of.others', true],
  ])('by type %s and %s: %s', (type, event, expected) => {
    expect(passes({ types: [type] }, { event })).toBe(expected);
  });

  it('by kind of client may include events without one', () => {
    expect(passes({ client_kinds: ['browser'] }, {})).toBe(false);
    expect(passes({ client_kinds: ['browser', 'none'] }, {})).toBe(true);
    expect(passes({ client_kinds: ['browser'] }, { client_kind: 'extractor' })).toBe(false);
  });

  it('by instance leaves out events without one', () => {
    expect(passes({ instances: ['lab'] }, { clowder_instance: 'lab' })).toBe(true);
    expect(passes({ instances: ['lab'] }, {})).toBe(false);
  });

  it.each([
    [true, {}, true],
    [true, { tracked: false }, false],
    [false, { tracked: false }, true],
    [false, {}, false],
  ])('by tracked %s of %j: %s', (tracked, body, expected) => {
    expect(passes({ tracked }, body)).toBe(expected);
  });

  it('matches every known type by its own name, by its group and by its verb, as RabbitMQ does', () => {
    fc.assert(
      fc.property(fc.constantFrom(...EVENT_TYPES), fc.constantFrom(...EVENT_TYPES), (type, other) => {
        const [group, verb] = other.split('.');
        expect(passes({ types: [other] }, { event: type })).toBe(type === other);
        expect(passes({ types: [`${group}.*`] }, { event: type })).toBe(type.startsWith(`${group}.`));
        expect(passes({ types: [`*.${verb}`] }, { event: type })).toBe(type.endsWith(`.${verb}`));
      }),
      runs(),
    );
  });
});
