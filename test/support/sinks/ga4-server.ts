import { ga4 } from '../../../sinks/services/ga4/ga4.ts';
import { startFakeService, type FakeService, type ServiceAnswer, type ServiceRequest } from './fake-service.ts';
import type { SinkHarness, TestService } from './harness.ts';

export const GA4_SETTINGS = { measurement_id: 'G-TEST12345', api_secret: 'ga4-secret-of-the-test' } as const;

export interface ReceivedGa4Event {
  readonly name: string;
  readonly timestamp_micros?: number;
  readonly params: Readonly<Record<string, unknown>>;
}

interface Payload {
  readonly client_id?: unknown;
  readonly user_id?: unknown;
  readonly events: readonly ReceivedGa4Event[];
}

const HOURS_72_MS = 72 * 3_600_000;
const NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,39}$/;
const RESERVED_EVENTS = new Set(
  'ad_activeview,ad_click,ad_exposure,ad_query,ad_reward,adunit_exposure,app_clear_data,app_exception,app_install,app_remove,app_store_refund,app_update,app_upgrade,click,error,file_download,firebase_campaign,first_open,first_visit,form_start,form_submit,in_app_purchase,os_update,page_view,screen_view,scroll,session_start,user_engagement,video_start,view_search_results'.split(
    ',',
  ),
);
const RESERVED_PARAMS = new Set(
  'cid,customer_id,customerid,dclid,gclid,sessionid,sfmc_id,sid,srsltid,uid,user_id,userid'.split(','),
);
const LENGTHS: ReadonlyMap<string, number> = new Map([
  ['page_location', 1000],
  ['page_referrer', 420],
  ['page_title', 300],
]);

/** A Google Analytics property: it answers 204 to nearly everything, but keeps only what its documentation allows. */
export class Ga4Property {
  readonly stored: ReceivedGa4Event[] = [];
  readonly complaints: string[] = [];
  /** Events that the validation server also rejects. */
  readonly refused = new Set<string>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  handle(request: ServiceRequest): ServiceAnswer {
    const { pathname, searchParams } = new URL(request.path, 'http://ga4.test');
    const payload = readPayload(request);
    const problems = [...this.#problemsOf(request, payload)];
    if (pathname === '/debug/mp/collect') {
      const refused = payload.events.filter((event) => this.refused.has(idOf(event)));
      const descriptions = [...problems, ...refused.map((event) => `Event [${event.name}] is not valid.`)];
      const validationMessages = descriptions.map((description) => ({
        fieldPath: 'events',
        description,
        validationCode: 'VALUE_INVALID',
      }));
      return {
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ validationMessages }),
      };
    }
    if (pathname !== '/mp/collect') return { status: 404 };
    if (searchParams.get('measurement_id') !== GA4_SETTINGS.measurement_id) problems.push('another measurement_id');
    if (searchParams.get('api_secret') !== GA4_SETTINGS.api_secret) problems.push('another api_secret');
    this.complaints.push(...problems);
    if (problems.length === 0) this.stored.push(...payload.events);
    return { status: 204 };
  }

  *#problemsOf(request: ServiceRequest, { client_id: clientId, user_id: userId, events }: Payload): Iterable<string> {
    if (request.method !== 'POST') yield `a ${request.method}`;
    if (request.body.length >= 130_000) yield `a body of ${request.body.length} bytes`;
    if (typeof clientId !== 'string' || clientId === '') yield 'no client_id';
    if (userId !== undefined && (typeof userId !== 'string' || userId.length > 256)) yield 'a user_id that is none';
    if (events.length === 0 || events.length > 25) yield `${events.length} events`;
    for (const event of events) yield* this.#problemsOfEvent(event);
  }

  *#problemsOfEvent({ name, timestamp_micros: micros, params }: ReceivedGa4Event): Iterable<string> {
    if (!NAME.test(name) || RESERVED_EVENTS.has(name) || /^(?:firebase_|ga_|google_|query_id)/.test(name))
      yield `an event named ${name}`;
    const ageMs = this.#now() - Number(micros) / 1000;
    if (micros === undefined || !Number.isSafeInteger(micros) || ageMs > HOURS_72_MS) yield `a timestamp of ${micros}`;
    const entries = Object.entries(params);
    if (entries.length > 25) yield `${entries.length} parameters`;
    for (const [param, value] of entries) {
      if (!NAME.test(param) || RESERVED_PARAMS.has(param) || /^(?:firebase_|ga_|google_|gtag)/.test(param))
        yield `a parameter named ${param}`;
      if (typeof value !== 'string' && (typeof value !== 'number' || !Number.isFinite(value)))
        yield `${param} is ${String(value)}`;
      if (typeof value === 'string' && value.length > (LENGTHS.get(param) ?? 100))
        yield `${param} of ${value.length} characters`;
      if (param === 'session_id' && !/^\d+$/.test(String(value))) yield `session_id is ${String(value)}`;
    }
  }
}

export const readPayload = (request: ServiceRequest): Payload => JSON.parse(request.body.toString()) as Payload;

export const idOf = (event: ReceivedGa4Event): string => String(event.params['event_id']);

export function startGa4(property: Ga4Property): Promise<FakeService> {
  return startFakeService({
    handle: (request) => property.handle(request),
    eventsIn: (request) => readPayload(request).events.filter((event) => idOf(event) !== 'check').length,
    storeHalf: (request) => {
      const { events } = readPayload(request);
      if (request.path.startsWith('/mp/')) property.stored.push(...events.slice(0, Math.floor(events.length / 2)));
    },
  });
}

/** With the validation server, single events can be refused; without it, the service refuses nothing. */
export function ga4HarnessOf(validate: boolean): SinkHarness {
  return {
    definition: ga4,
    // The service does not report an unknown secret.
    faults: ['throttled', 'failing', 'silent', 'cut', 'drip', 'half_stored', 'small', 'away'],
    refuses: validate ? 'named' : false,
    async start(): Promise<TestService> {
      const property = new Ga4Property();
      const service = await startGa4(property);
      return {
        settings: { ...GA4_SETTINGS, validate, url: service.url },
        fault: (name) => service.fault(name),
        heal: () => service.heal(),
        refuse: (ids) => ids.forEach((id) => property.refused.add(id)),
        storedIds: async () => property.stored.map(idOf),
        storedText: async () =>
          service.requests
            .map(({ path, headers, body }) => JSON.stringify([path, headers, body.toString()]))
            .join('\n'),
        complaints: () => property.complaints,
        [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
      };
    },
  };
}

export const ga4Harness = ga4HarnessOf(false);
