import { describe, expect, test } from 'vitest';
import { parseEventLine } from './event-line.ts';

const LINE = '{"event":"file.uploaded","event_id":"e1","created":1790000000000,"file_id":"f1","dataset_id":"d1"}';

describe('a line of events', () => {
  test('is an event with the resource that it is about', () => {
    expect(parseEventLine(LINE)).toMatchObject({
      events: [
        { event_id: 'e1', created: 1_790_000_000_000, resource_type: 'file', resource_id: 'f1', dataset_id: 'd1' },
      ],
    });
  });

  test('may have its time as RFC 3339', () => {
    const line = LINE.replace('1790000000000', '"2026-10-05T12:00:00+02:00"');
    expect(parseEventLine(line)).toMatchObject({ events: [{ created: Date.UTC(2026, 9, 5, 10) }] });
  });

  test('without an id gets one from its content, the same each time', () => {
    const line = LINE.replace('"event_id":"e1",', '');
    expect(parseEventLine(line)).toEqual(parseEventLine(`${line} `));
    expect(parseEventLine(line)).toMatchObject({
      events: [{ event_id: expect.stringMatching(/^line:[0-9a-f]{32}$/) }],
    });
    expect(parseEventLine(line.replace('f1', 'f2'))).not.toEqual(parseEventLine(line));
  });

  test('has no event if it is empty', () => expect(parseEventLine('  ')).toEqual({ events: [] }));

  test.each([
    ['{"event":', 'it is not JSON'],
    ['[1]', 'it is not a JSON object'],
    ['{"created":1}', 'event was missing; may be '],
    ['{"event":"file.stolen","created":1}', 'event was "file.stolen"; may be '],
    ['{"event":"user.login"}', 'created was missing; must be Unix milliseconds or RFC 3339'],
    ['{"event":"user.login","created":1790000000}', 'created was 1790000000; must be'],
    ['{"event":"user.login","created":"yesterday"}', 'created was "yesterday"; must be'],
    ['{"event":"user.login","created":1790000000000,"event_id":5}', 'event_id was 5; must be text'],
    [
      '{"event":"view.resource","created":1790000000000,"resource_id":{"a":1}}',
      'resource_id was {"a":1}; must be text',
    ],
  ])('%s is refused with a reason', (line, problem) => {
    expect(parseEventLine(line)).toEqual({ problem: expect.stringContaining(problem) });
  });
});
