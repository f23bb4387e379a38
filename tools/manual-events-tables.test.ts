import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { EVENT_TYPES } from '../taxonomy/event-types.ts';
import { createMapContext } from '../taxonomy/map/context.ts';
import { mapLog } from '../taxonomy/map.ts';
import type { MapResult } from '../taxonomy/map/candidate.ts';
import type { AttributeValue } from '../taxonomy/telemetry.ts';
import { MANUAL_EVENTS_PAGE, withTables } from './manual-events-tables.ts';

const page = readFileSync(MANUAL_EVENTS_PAGE, 'utf8');

/** The cells of each row in the page's table whose first row begins with this cell. */
function rowsOf(firstCell: string): readonly (readonly string[])[] {
  const lines = page.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${firstCell} |`));
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

const namesIn = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

/** A value of the first type that the page names for the attribute. */
function sampleOf(attribute: string): AttributeValue {
  const [, value = ''] = rowsOf('attribute').find(([name]) => name === `\`${attribute}\``) ?? [];
  const [kind, choice] = namesIn(value);
  const samples: Readonly<Record<string, AttributeValue>> = {
    stringValue: choice ?? 'text',
    intValue: 7n,
    doubleValue: 7.5,
    boolValue: true,
  };
  const sample = samples[kind ?? ''];
  if (sample === undefined) throw new Error(`the page does not say what ${attribute} is`);
  return sample;
}

function collected(eventName: string, attributes: readonly string[]): MapResult {
  return mapLog(
    {
      eventName,
      timeUnixNano: BigInt(Date.now()) * 1_000_000n,
      observedTimeUnixNano: 0n,
      body: undefined,
      attributes: Object.fromEntries(attributes.map((name) => [name, sampleOf(name)])),
      resource: {},
      traceId: '',
      spanId: '',
    },
    createMapContext(),
  );
}

interface Documented {
  readonly type: string;
  readonly always: readonly string[];
  readonly oneOf: readonly string[];
  readonly may: readonly string[];
}

const documented: readonly Documented[] = rowsOf('event name').flatMap(([types, must = '', may]) => {
  const [always, oneOf] = must.split('one of ');
  return namesIn(types).map((type) => ({ type, always: namesIn(always), oneOf: namesIn(oneOf), may: namesIn(may) }));
});

describe('docs/manual-events.md', () => {
  test('says what the taxonomy says', () => {
    expect(withTables(page) === page, 'run "npm run docs"').toBe(true);
  });

  test('has every event type', () => {
    expect(documented.map(({ type }) => type)).toEqual(EVENT_TYPES.map((type) => `clowder.${type}`));
  });

  test.each(documented)('names enough for $type, and only what it may have', ({ type, always, oneOf, may }) => {
    for (const one of oneOf.length === 0 ? [[]] : oneOf.map((name) => [name]))
      expect(collected(type, [...always, ...one])).toMatchObject({ rejected: [], candidates: [{}] });
    const all = [...always, ...oneOf, ...may];
    const { candidates, rejected } = collected(type, all);
    expect(rejected).toEqual([]);
    const fieldOf = new Map(rowsOf('attribute').map(([name, , field]) => [namesIn(name)[0], namesIn(field)[0] ?? '']));
    for (const name of all) expect(candidates[0]?.body).toHaveProperty([fieldOf.get(name) ?? '']);
  });

  test.each(documented)('names nothing for $type that is not required', ({ type, always, oneOf }) => {
    const lacking = always.map((name) => [...always, ...oneOf].filter((other) => other !== name));
    for (const attributes of oneOf.length === 0 ? lacking : [...lacking, always])
      expect(collected(type, attributes)).toMatchObject({ rejected: [{ code: 'invalid_event' }], candidates: [] });
  });
});

test('a page without the marks is not overwritten', () => {
  expect(() => withTables('# Manual events\n')).toThrow(/must have these lines/);
});
