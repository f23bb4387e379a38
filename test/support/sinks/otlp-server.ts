import { decodeLogs } from '../otlp-decode.ts';
import type { LogRecord } from '../../../taxonomy/index.ts';
import { otlp } from '../../../sinks/services/otlp/otlp.ts';
import { startFakeService, type FakeService, type ServiceAnswer, type ServiceRequest } from './fake-service.ts';
import type { SinkHarness, TestService } from './harness.ts';

export const OTLP_KEY = 'Bearer otlp-key-of-the-test';

/** A backend that accepts logs over OTLP/HTTP. */
export class OtlpBackend {
  readonly stored: LogRecord[] = [];
  readonly complaints: string[] = [];

  handle(request: ServiceRequest): ServiceAnswer {
    if (request.headers['authorization'] !== OTLP_KEY) return { status: 401, body: 'who are you?' };
    if (request.method !== 'POST' || request.path !== '/v1/logs') return { status: 404, body: 'no such page' };
    if (request.headers['content-type'] !== 'application/x-protobuf') return { status: 415, body: 'protobuf only' };
    const records = recordsOf(request);
    for (const record of records) this.complaints.push(...problemsOf(record));
    this.stored.push(...records);
    return { status: 200, headers: { 'content-type': 'application/x-protobuf' }, body: '' };
  }
}

/** @throws OtlpDecodeError if it is not an ExportLogsServiceRequest */
export const recordsOf = (request: Pick<ServiceRequest, 'body'>): readonly LogRecord[] =>
  decodeLogs(request.body, { request: () => false, metric: () => false }).records;

export function idOfRecord({ attributes }: LogRecord): string {
  const id = attributes['clowder.event.id'];
  return typeof id === 'string' ? id : '';
}

function* problemsOf(record: LogRecord): Iterable<string> {
  if (!record.eventName.startsWith('clowder.')) yield `a record named ${record.eventName}`;
  if (record.timeUnixNano <= 0n || record.observedTimeUnixNano <= 0n) yield 'a record without its times';
  if (typeof record.attributes['clowder.event.id'] !== 'string') yield 'a record without its id';
  if (typeof record.resource['service.name'] !== 'string') yield 'a resource without service.name';
}

export function startOtlpBackend(backend: OtlpBackend): Promise<FakeService> {
  return startFakeService({
    handle: (request) => backend.handle(request),
    eventsIn: (request) => recordsOf(request).length,
    storeHalf: (request) => {
      const records = recordsOf(request);
      backend.stored.push(...records.slice(0, Math.floor(records.length / 2)));
    },
  });
}

export const otlpHarness: SinkHarness = {
  definition: otlp,
  faults: ['throttled', 'failing', 'silent', 'cut', 'drip', 'half_stored', 'small', 'unauthorised', 'away'],
  // OTLP reports how many were refused, not which.
  refuses: false,
  async start(): Promise<TestService> {
    const backend = new OtlpBackend();
    const service = await startOtlpBackend(backend);
    return {
      settings: { endpoint: service.url, headers: { authorization: OTLP_KEY } },
      fault: (name) => service.fault(name),
      heal: () => service.heal(),
      storedIds: async () => backend.stored.map(idOfRecord),
      storedText: async () =>
        service.requests.map(({ path, headers, body }) => JSON.stringify([path, headers, body.toString()])).join('\n'),
      complaints: () => backend.complaints,
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  },
};
