import { influxdb } from '../../../sinks/services/influxdb/influxdb.ts';
import { startFakeService, type FakeService, type ServiceAnswer, type ServiceRequest } from './fake-service.ts';
import type { SinkHarness } from './harness.ts';
import { readLine, type ReadPoint } from './line-protocol.ts';

export const INFLUX_TOKEN = 'token-of-the-test';
const MAX_BODY_BYTES = 25_000_000;
const MAX_TEXT_BYTES = 65_536;

/** One database or bucket that stores, overwrites and refuses as InfluxDB 1 and 2 document. */
export class InfluxStore {
  /** By measurement, tag set and time: a later point with the same key overwrites fields of the earlier one. */
  readonly points = new Map<string, ReadPoint>();
  readonly complaints: string[] = [];
  /** Values of the field `event_id` whose points are refused. */
  readonly refused = new Set<string>();
  readonly #types = new Map<string, string>();

  /** @returns the server's message if a part was refused */
  write(body: string): string | undefined {
    let dropped = 0;
    let reason = '';
    for (const line of linesOf(body)) {
      const point = readLine(line);
      const problem = this.#problemOf(point);
      if (problem !== undefined) {
        dropped += 1;
        reason = problem;
      } else this.#store(point);
    }
    return dropped === 0 ? undefined : `partial write: ${reason} dropped=${dropped}`;
  }

  #problemOf({ measurement, tags, fields }: ReadPoint): string | undefined {
    const reserved = [...Object.keys(tags), ...Object.keys(fields)].filter(
      (key) => key === 'time' || key.startsWith('_'),
    );
    if (reserved.length > 0) this.complaints.push(`reserved names ${reserved.join(', ')}`);
    if (this.refused.has(String(fields['event_id']))) return 'points beyond retention policy';
    for (const [key, value] of Object.entries(fields)) {
      if (typeof value === 'string' && Buffer.byteLength(value) > MAX_TEXT_BYTES) this.complaints.push(`long ${key}`);
      const type = typeof value === 'bigint' ? 'integer' : typeof value === 'number' ? 'float' : typeof value;
      const known = this.#types.get(`${measurement} ${key}`) ?? type;
      if (known !== type)
        return `field type conflict: input field "${key}" on measurement "${measurement}" is type ${type}, already exists as type ${known}`;
      this.#types.set(`${measurement} ${key}`, type);
    }
    return undefined;
  }

  #store(point: ReadPoint): void {
    const tags = Object.entries(point.tags).toSorted(([one], [other]) => (one < other ? -1 : 1));
    const key = JSON.stringify([point.measurement, tags, String(point.timeNs)]);
    const earlier = this.points.get(key);
    this.points.set(key, { ...point, fields: { ...earlier?.fields, ...point.fields } });
  }
}

export function linesOf(body: string): readonly string[] {
  return body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

/** InfluxDB 1 with a database `eventsink` and user and password, and 2 with a bucket `clowder` of org `lab` and a token. */
export function startInflux(store: InfluxStore): Promise<FakeService> {
  return startFakeService({
    eventsIn: ({ body }) => linesOf(body.toString()).length,
    handle: (request) => handle(request, store),
    storeHalf: ({ body }) => {
      const lines = linesOf(body.toString());
      store.write(lines.slice(0, lines.length / 2).join('\n'));
    },
    answers: { unauthorised: { status: 401, body: '{"code":"unauthorized","message":"unauthorized access"}' } },
  });
}

function handle({ method, path, headers, body }: ServiceRequest, store: InfluxStore): ServiceAnswer {
  const { pathname, searchParams } = new URL(path, 'http://influx');
  const second = pathname === '/api/v2/write';
  const error = (status: number, code: string, message: string): ServiceAnswer => ({
    status,
    body: JSON.stringify(second ? { code, message } : { error: message }),
  });
  if (method !== 'POST' || (!second && pathname !== '/write')) return error(404, 'not found', 'no such endpoint');
  const basic = `Basic ${Buffer.from('writer:secret').toString('base64')}`;
  if (headers['authorization'] !== (second ? `Token ${INFLUX_TOKEN}` : basic))
    return error(401, 'unauthorized', 'unauthorized access');
  if (second && searchParams.get('org') !== 'lab') return error(404, 'not found', 'organization name not found');
  if (second && searchParams.get('bucket') !== 'clowder') return error(404, 'not found', 'bucket not found');
  if (!second && searchParams.get('db') !== 'eventsink') return error(404, '', 'database not found');
  if (searchParams.has('precision')) store.complaints.push('a precision');
  if (body.length > MAX_BODY_BYTES) return error(413, 'request too large', 'Request Entity Too Large');
  const problem = store.write(body.toString('utf8'));
  if (problem === undefined) return { status: 204, headers: { 'x-influxdb-version': second ? 'v2.7.1' : '1.8.10' } };
  return second
    ? error(422, 'unprocessable entity', `failure writing points to database: ${problem}`)
    : error(400, '', problem);
}

export const influxSettings = (url: string): Record<string, string> => ({
  url,
  bucket: 'clowder',
  org: 'lab',
  token: INFLUX_TOKEN,
});

export const influxdbHarness: SinkHarness = {
  definition: influxdb,
  faults: ['throttled', 'failing', 'silent', 'cut', 'drip', 'half_stored', 'small', 'unauthorised', 'away'],
  refuses: 'unnamed',
  async start() {
    const store = new InfluxStore();
    const service = await startInflux(store);
    return {
      settings: influxSettings(service.url),
      fault: (name) => service.fault(name),
      heal: () => service.heal(),
      refuse: (ids) => ids.forEach((id) => store.refused.add(id)),
      storedIds: async () => [...store.points.values()].map(({ fields }) => String(fields['event_id'])),
      storedText: async () => service.requests.map(({ path, body }) => `${path}\n${body.toString()}`).join('\n'),
      complaints: () => store.complaints,
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  },
};
