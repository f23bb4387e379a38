import { describe, expect, test } from 'vitest';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { parseLogLine } from './log-line.ts';

const FILE = '66f000000000000000000001';
const context = createMapContext({ clowder: 'v1', dayKey: () => 'key' });
const parse = (text: string, offset = 0) => parseLogLine({ text, number: 1, offset }, { context, counts: () => true });

const COMBINED = `2001:db8::7 - - [05/Oct/2026:12:00:00 +0200] "GET /api/files/${FILE}/blob?key=s3cret HTTP/1.1" 200 1234 "https://doi.org/10.1?x=1" "Mozilla/5.0 (X11; Linux) Firefox/128.0"`;
const json = (fields: Record<string, string>): string =>
  JSON.stringify({
    time: '1791194400.250',
    trace_id: '',
    span_id: '',
    'http.request.method': 'GET',
    'url.path': `/api/files/${FILE}/blob`,
    'url.query': '',
    'http.response.status_code': '200',
    'http.server.request.duration': '0.250',
    'http.response.body.size': '1234',
    'client.address': '192.0.2.7',
    'user_agent.original': 'curl/8.5.0',
    'clowder.request.id': '0123456789abcdef0123456789abcdef',
    'nginx.request_completion': 'OK',
    ...fields,
  });

describe('a line of an access log', () => {
  test("in the combined format gives the request's event, without its secrets", () => {
    expect(parse(COMBINED)).toMatchObject({
      events: [
        {
          event: 'view.download',
          created: Date.UTC(2026, 9, 5, 10),
          source: 'nginx',
          resource_type: 'file',
          resource_id: FILE,
          bytes: 1234,
          client_address: '2001:db8::',
          client_kind: 'browser',
        },
      ],
    });
    expect(JSON.stringify(parse(COMBINED))).not.toContain('s3cret');
  });

  test("in the clowder.json format has the time of the request's beginning, and knows whether the request broke off", () => {
    expect(parse(json({}))).toMatchObject({
      events: [{ event: 'view.download', created: 1_791_194_400_000, complete: true, client_kind: 'api' }],
    });
    expect(parse(json({ 'nginx.request_completion': 'no' }))).toMatchObject({ events: [{ complete: false }] });
  });

  test('has the same id each time, and two equal lines have different ids', () => {
    expect(parse(COMBINED, 5)).toEqual(parse(COMBINED, 5));
    expect(parse(COMBINED, 6)).not.toEqual(parse(COMBINED, 5));
    // The request's id counts, wherever the line is.
    expect(parse(json({}), 6)).toEqual(parse(json({}), 5));
  });

  test('has no event if its request makes none', () => {
    for (const line of [
      COMBINED.replace('" 200', '" 404'),
      COMBINED.replace('GET', 'HEAD'),
      COMBINED.replace(/"GET [^"]*"/, '"\\x16\\x03"'),
      '',
    ])
      expect(parse(line)).toEqual({ events: [] });
  });

  test.each([
    ['192.0.2.7 some text'],
    ['{"time":"1791194400.250"}'],
    ['{"broken'],
    ['{}'],
    [COMBINED.replace('Oct', 'Okt')],
  ])('%s is of another format', (line) =>
    expect(parse(line)).toEqual({ problem: 'it has neither the format of clowder.json nor that of combined' }),
  );
});
