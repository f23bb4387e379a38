import type { ReceivedEvent } from './consumer.ts';
import type { LogLine } from './nginx.ts';
import type { Exchange } from './recording-client.ts';

/** What health.connections reports about one time window; fields left out are 0. */
export type Window = Readonly<Record<(typeof FIELDS)[number], number>>;

const FIELDS = [
  'window_start', 'window_end', 'connections', 'new_connections', 'requests', 'unique_clients', 'responses_1xx',
  'responses_2xx', 'responses_3xx', 'responses_4xx', 'responses_5xx', 'bytes', 'bot_connections', 'bot_requests',
  'bot_clients', 'bot_responses_1xx', 'bot_responses_2xx', 'bot_responses_3xx', 'bot_responses_4xx', 'bot_responses_5xx',
  'bot_bytes',
] as const; // prettier-ignore

/** The published windows, in order; if the broker delivered one again, its first copy. */
export function windowsPublished(received: readonly ReceivedEvent[]): readonly Window[] {
  const bodies = received.map(({ body }) => body).filter((body) => body['event'] === 'health.connections');
  const distinct = new Map(bodies.map((body) => [body['event_id'], body]));
  return [...distinct.values()]
    .map((body) => windowOf((field) => Number(body[field] ?? 0)))
    .toSorted((a, b) => a.window_start - b.window_start);
}

/**
 * The windows according to the client's own record. Only the time at which each request ended comes from NGINX's log.
 *
 * @throws Error if the log has no line for a request
 */
export function windowsOf(
  exchanges: readonly Exchange[],
  lines: readonly LogLine[],
  windowMs: number,
): readonly Window[] {
  const endings = endingsOf(lines);
  const byWindow = Map.groupBy(exchanges, (exchange) => {
    const endedMs = endings.get(placeOf(exchange))?.shift();
    if (endedMs === undefined) throw new Error(`the log has no line of ${JSON.stringify(exchange)}`);
    return Math.floor(endedMs / windowMs) * windowMs;
  });
  return [...byWindow]
    .toSorted(([a], [b]) => a - b)
    .map(([startMs, all]) => {
      const people = all.filter(({ isBot }) => !isBot);
      const bots = all.filter(({ isBot }) => isBot);
      const counted: Partial<Window> = {
        window_start: startMs,
        window_end: startMs + windowMs,
        connections: connectionsOf(people),
        new_connections: people.filter(({ ordinal }) => ordinal === 1).length,
        requests: people.length,
        unique_clients: clientsOf(people),
        ...Object.fromEntries(
          [1, 2, 3, 4, 5].flatMap((digit) => {
            const answers = (of: readonly Exchange[]): number =>
              of.filter(({ status }) => Math.floor(status / 100) === digit).length;
            return [
              [`responses_${digit}xx`, answers(people)],
              [`bot_responses_${digit}xx`, answers(bots)],
            ];
          }),
        ),
        bytes: bytesOf(people),
        bot_connections: connectionsOf(bots),
        bot_requests: bots.length,
        bot_clients: clientsOf(bots),
        bot_bytes: bytesOf(bots),
      };
      return windowOf((field) => counted[field] ?? 0);
    });
}

const windowOf = (value: (field: (typeof FIELDS)[number]) => number): Window =>
  Object.fromEntries(FIELDS.map((field) => [field, value(field)])) as Window;

/** End times of requests in Unix milliseconds, by place; several if a port was reused. */
function endingsOf(lines: readonly LogLine[]): Map<string, number[]> {
  const endings = new Map<string, number[]>();
  for (const line of lines) {
    const place = placeOf({
      address: line['client.address'],
      port: line['client.port'],
      ordinal: line['nginx.connection_requests'],
    });
    endings.set(place, [...(endings.get(place) ?? []), Math.round(Number(line['time']) * 1000)]);
  }
  return endings;
}

/** Identifies a request: its connection, and its number on it. */
const placeOf = (one: Readonly<Record<'address' | 'port' | 'ordinal', string | number | undefined>>): string =>
  `${one.address} ${one.port} ${one.ordinal}`;

const connectionsOf = (all: readonly Exchange[]): number =>
  new Set(all.map(({ address, port }) => `${address} ${port}`)).size;
const clientsOf = (all: readonly Exchange[]): number =>
  new Set(all.map(({ address, userAgent }) => `${address} ${userAgent}`)).size;
const bytesOf = (all: readonly Exchange[]): number => all.reduce((sum, { bytes }) => sum + bytes, 0);
