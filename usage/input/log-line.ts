import type { Candidate } from '../../taxonomy/map/candidate.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import { isVague } from '../../taxonomy/map/keys.ts';
import { mapLog } from '../../taxonomy/map.ts';
import type { Attributes, AttributeValue, LogRecord } from '../../taxonomy/telemetry.ts';
import type { Line } from './lines.ts';
import type { Parsed } from './event-line.ts';

const HEADER = /^http\.(?:request|response)\.header\./;
const COMBINED =
  /^(?<address>\S+) \S+ (?<user>.*?) \[(?<time>[^\]]+)\] "(?<request>(?:[^"\\]|\\.)*)" (?<status>\d{3}) (?<bytes>\d+|-) "(?<referer>(?:[^"\\]|\\.)*)" "(?<agent>(?:[^"\\]|\\.)*)"/;
const REQUEST = /^(?<method>[A-Z]+) (?<path>[^? ]+)(?:\?(?<query>[^ ]*))? HTTP\/[0-9.]+$/;
const CLF_TIME = /^(\d{2})\/(\w{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})$/;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MAY_BE = 'it has neither the format of clowder.json nor that of combined';

export interface LogOptions {
  readonly context: MapContext;
  /** Whether a view counts on its own: the calls of one page, and the pieces of one download, are a single view. */
  readonly counts: (candidate: Candidate) => boolean;
}

/**
 * The events in a line of an access log, `clowder.json` or `combined`. The collector maps lines in the same way, so the ids
 * are the same, whoever reads the line first.
 */
export function parseLogLine({ text, offset }: Line, { context, counts }: LogOptions): Parsed {
  if (text.trim() === '') return { events: [] };
  const read = text.startsWith('{') ? readJson(text) : readCombined(text);
  if (read === undefined) return { problem: MAY_BE };
  const { candidates } = mapLog(recordOf(read, offset), context);
  // A capture has already reported this with its resource; without one it is no second event.
  return {
    events: candidates.filter((one) => !(one.waits && isVague(one.body)) && counts(one)).map(({ body }) => body),
  };
}

interface Read {
  readonly timeUnixNano: bigint;
  readonly attributes: Attributes;
  readonly traceId: string;
  readonly spanId: string;
}

function recordOf({ timeUnixNano, attributes, traceId, spanId }: Read, offset: number): LogRecord {
  return {
    timeUnixNano,
    observedTimeUnixNano: timeUnixNano,
    eventName: '',
    body: undefined,
    attributes: { ...attributes, 'log.file.record_offset': offset },
    resource: {},
    traceId,
    spanId,
  };
}

function readJson(text: string): Read | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { time, trace_id: traceId, span_id: spanId, ...rest } = value as Readonly<Record<string, unknown>>;
  const seconds = /^(\d{1,10})\.(\d{3})$/.exec(String(time));
  if (seconds === null || rest['http.response.status_code'] === undefined) return undefined;
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, given] of Object.entries(rest)) {
    if (given === '' || (typeof given !== 'string' && typeof given !== 'number')) continue;
    attributes[name] = HEADER.test(name) ? [given] : given;
  }
  const hex = (id: unknown, digits: number): string =>
    typeof id === 'string' && id.length === digits && /^[0-9a-f]+$/.test(id) ? id : '';
  const timeUnixNano = BigInt(`${seconds[1]}${seconds[2]}`) * 1_000_000n;
  return { timeUnixNano, attributes, traceId: hex(traceId, 32), spanId: hex(spanId, 16) };
}

function readCombined(text: string): Read | undefined {
  const line = COMBINED.exec(text)?.groups;
  const timeMs = clfTime(line?.['time'] ?? '');
  if (line === undefined || timeMs === undefined) return undefined;
  // Requests that are not HTTP, such as a port scan's, are logged too.
  const request = REQUEST.exec(line['request'] ?? '')?.groups;
  const attributes: Record<string, AttributeValue> = {
    'http.response.status_code': line['status'] ?? '',
    'client.address': line['address'] ?? '',
  };
  const set = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== '' && value !== '-') attributes[name] = value;
  };
  set('http.request.method', request?.['method']);
  set('url.path', request?.['path']);
  set('url.query', request?.['query']);
  set('http.response.body.size', line['bytes']);
  set('user.name', line['user']);
  set('user_agent.original', line['agent']);
  // Only the page in the Referer, without query or fragment.
  set('http.request.header.referer', line['referer']?.replace(/[?#].*$/, ''));
  return { timeUnixNano: BigInt(timeMs) * 1_000_000n, attributes, traceId: '', spanId: '' };
}

/** `05/Oct/2026:10:00:00 +0200` in Unix milliseconds. */
function clfTime(text: string): number | undefined {
  const [, day, month = '', year, hour, minute, second, sign, zoneHours, zoneMinutes] = CLF_TIME.exec(text) ?? [];
  const number = MONTHS.indexOf(month);
  if (number === -1) return undefined;
  const local = Date.UTC(Number(year), number, Number(day), Number(hour), Number(minute), Number(second));
  const zoneMs = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000;
  return sign === '-' ? local + zoneMs : local - zoneMs;
}
