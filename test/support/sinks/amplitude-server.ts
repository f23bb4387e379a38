import { amplitude } from '../../../sinks/services/amplitude/amplitude.ts';
import { startFakeService, type FakeService, type ServiceAnswer, type ServiceRequest } from './fake-service.ts';
import type { SinkHarness, TestService } from './harness.ts';

/** An event as Amplitude receives it, before validation. */
export interface ReceivedEvent {
  readonly event_type?: unknown;
  readonly time?: unknown;
  readonly insert_id?: unknown;
  readonly device_id?: unknown;
  readonly user_id?: unknown;
  readonly ip?: unknown;
  readonly event_properties?: Readonly<Record<string, unknown>>;
}

interface Upload {
  readonly api_key?: unknown;
  readonly events?: readonly ReceivedEvent[];
  readonly options?: { readonly min_id_length?: number };
}

export const AMPLITUDE_KEY = 'amplitude-key-of-the-test';
const MAX_EVENTS = 2000;
const MAX_BYTES = 1_000_000;
const STRING_LENGTH = 1024;
const REFUSED_IDS = new Set(
  'anonymous,nil,none,null,n/a,na,undefined,unknown,"",00000000-0000-0000-0000-000000000000,{},lmy47d,0,-1'.split(','),
);

/** An Amplitude project with the limits, refusals and deduplication that its HTTP V2 API documents. */
export class AmplitudeProject {
  /** Accepted events, one per device and insert id. */
  readonly stored: ReceivedEvent[] = [];
  readonly complaints: string[] = [];
  readonly refused = new Set<string>();
  readonly #seen = new Set<string>();

  handle(request: ServiceRequest): ServiceAnswer {
    const upload = JSON.parse(request.body.toString()) as Upload;
    if (request.method !== 'POST' || request.headers['content-type'] !== 'application/json')
      return this.#wrong('not a POST of JSON');
    if (!['/2/httpapi', '/batch'].includes(request.path)) return { status: 404, body: `no ${request.path} here` };
    if (upload.api_key !== AMPLITUDE_KEY) return badKey(upload.api_key);
    const events = upload.events ?? [];
    if (request.body.length > MAX_BYTES || events.length > MAX_EVENTS) {
      this.complaints.push(`${events.length} events, ${request.body.length} bytes`);
      return json(413, { code: 413, error: 'Payload too large' });
    }
    const problem = this.#firstProblem(events, upload.options?.min_id_length ?? 5);
    if (problem !== undefined) return json(400, { code: 400, ...problem });
    this.store(events);
    return json(200, {
      code: 200,
      events_ingested: events.length,
      payload_size_bytes: request.body.length,
      server_upload_time: 1,
    });
  }

  store(events: readonly ReceivedEvent[]): void {
    for (const event of events) {
      const identity = JSON.stringify([event.device_id, event.insert_id]);
      if (this.#seen.has(identity)) continue;
      this.#seen.add(identity);
      this.stored.push(event);
    }
  }

  #wrong(what: string): ServiceAnswer {
    this.complaints.push(what);
    return json(400, { code: 400, error: 'Invalid JSON request body' });
  }

  /** As documented, names only the first event with a problem, and stores nothing. */
  #firstProblem(events: readonly ReceivedEvent[], minimum: number): object | undefined {
    for (const [index, event] of events.entries()) {
      if (event.event_type === undefined)
        return { error: 'Request missing required field', events_with_missing_fields: { event_type: [index] } };
      const field = this.refused.has(String(event.insert_id)) ? 'insert_id' : undefined;
      const complaint = field === undefined ? wrongField(event, minimum) : undefined;
      if (complaint !== undefined) this.complaints.push(`${complaint} of ${JSON.stringify(event).slice(0, 200)}`);
      const wrong = field ?? complaint;
      if (wrong !== undefined)
        return { error: 'Invalid field values on some events', events_with_invalid_fields: { [wrong]: [index] } };
    }
    return undefined;
  }
}

function wrongField(event: ReceivedEvent, minimum: number): string | undefined {
  const isId = (id: unknown): boolean =>
    typeof id === 'string' && id.length >= minimum && id.length <= STRING_LENGTH && !REFUSED_IDS.has(id.toLowerCase());
  if (event.device_id === undefined && event.user_id === undefined) return 'device_id';
  if (event.device_id !== undefined && !isId(event.device_id)) return 'device_id';
  if (event.user_id !== undefined && !isId(event.user_id)) return 'user_id';
  if (typeof event.time !== 'number' || !Number.isInteger(event.time)) return 'time';
  if (typeof event.insert_id !== 'string') return 'insert_id';
  if (event.ip !== undefined) return 'ip';
  const texts = [event.event_type, event.insert_id, ...Object.values(event.event_properties ?? {})];
  return texts.some((text) => typeof text === 'string' && text.length > STRING_LENGTH) ? 'event_properties' : undefined;
}

const badKey = (key: unknown): ServiceAnswer => json(400, { code: 400, error: `Invalid API key: ${String(key)}` });

const json = (status: number, body: object): ServiceAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

export const eventsOf = (request: ServiceRequest): readonly ReceivedEvent[] =>
  (JSON.parse(request.body.toString()) as Upload).events ?? [];

/** A server with that project. */
export function startAmplitude(project: AmplitudeProject): Promise<FakeService> {
  return startFakeService({
    handle: (request) => project.handle(request),
    // A dry run sends something that is no event.
    eventsIn: (request) => eventsOf(request).filter((event) => event.event_type !== undefined).length,
    answers: {
      throttled: {
        ...json(429, { code: 429, error: 'Too many requests', eps_threshold: 30 }),
        headers: { 'content-type': 'application/json', 'retry-after': '1' },
      },
      small: json(413, { code: 413, error: 'Payload too large' }),
      unauthorised: badKey(AMPLITUDE_KEY),
    },
  });
}

export const amplitudeHarness: SinkHarness = {
  definition: amplitude,
  faults: ['throttled', 'failing', 'silent', 'cut', 'drip', 'small', 'unauthorised', 'away'],
  refuses: 'named',
  async start(): Promise<TestService> {
    const project = new AmplitudeProject();
    const service = await startAmplitude(project);
    return {
      settings: { api_key: AMPLITUDE_KEY, url: service.url },
      fault: (name) => service.fault(name),
      heal: () => service.heal(),
      refuse: (ids) => ids.forEach((id) => project.refused.add(id)),
      storedIds: async () => project.stored.map((event) => String(event.insert_id)),
      storedText: async () =>
        service.requests.map(({ path, headers, body }) => JSON.stringify([path, headers, body.toString()])).join('\n'),
      complaints: () => project.complaints,
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  },
};
