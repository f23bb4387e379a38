import { ROOT_CONTEXT, createNoopMeter } from '@opentelemetry/api';
import { describe, expect, test } from 'vitest';
import { endingWith, requestHead } from '../../test/support/captured-request.ts';
import type { CapturedAttributes, CapturedEvent } from '../capture/types.ts';
import { EnrichmentStats } from '../enrichment/stats.ts';
import type { Enricher, Leave } from '../enrichment/types.ts';
import { ReportedRequest } from './reported-request.ts';

const uploaded: CapturedEvent = { type: 'file.uploaded', attributes: { 'clowder.file.id': 'f1' } };
const whole: CapturedEvent = { type: 'file.uploaded', attributes: { ...uploaded.attributes, 'clowder.space.id': 's' } };

class Recorded extends ReportedRequest {
  readonly traceId = '0af7651916cd43dd8448eb211c80319c';
  readonly requestId = 'b7ad6b7169203331';
  readonly context = ROOT_CONTEXT;
  readonly emitted: [string, CapturedAttributes][] = [];
  readonly spans: CapturedAttributes[] = [];

  forwardHeaders() {
    return { traceparent: undefined, tracestate: undefined };
  }
  protected override emit(eventName: string, attributes: CapturedAttributes): void {
    this.emitted.push([eventName, attributes]);
  }
  protected override recordSpan(attributes: CapturedAttributes): void {
    this.spans.push(attributes);
  }
}

function setUp(enricher: Partial<Enricher>, result: object = {}) {
  const problems: string[] = [];
  const reporting = {
    errors: createNoopMeter().createCounter('errors'),
    onError: (error: unknown) => void problems.push(String(error)),
    enricher: {
      stats: new EnrichmentStats(),
      enrich: (_head, events, leave) => leave(events),
      spanAttributes: () => undefined,
      release: () => undefined,
      ...enricher,
    } satisfies Enricher,
  };
  const head = requestHead({ cookie: 'id=1' });
  const request = new Recorded(reporting, endingWith({ events: [uploaded], ...result }, { head }), 1);
  return { request, problems };
}

const bug = (): never => {
  throw new Error('a bug');
};

describe('an enricher', () => {
  test('may let the events leave later; the span is recorded at once', () => {
    let later: Leave = bug;
    const { request } = setUp({ enrich: (_head, _events, leave) => void (later = leave) });
    request.end({ complete: true });
    expect([request.emitted.length, request.spans.length]).toEqual([0, 1]);
    later([whole]);
    later([uploaded]);
    expect(request.emitted).toEqual([['clowder.file.uploaded', whole.attributes]]);
  });

  test.each<[string, Partial<Enricher>]>([
    ['at once', { enrich: bug }],
    ['after it has let them leave', { enrich: (_head, events, leave) => (leave(events), bug()) }],
    ['in spanAttributes', { spanAttributes: bug }],
  ])('that throws %s costs no event and no span', (_when, enricher) => {
    const { request, problems } = setUp(enricher);
    request.end({ complete: true });
    expect(request.emitted).toEqual([['clowder.file.uploaded', uploaded.attributes]]);
    expect(request.spans).toHaveLength(1);
    expect(problems).toEqual(['Error: a bug']);
  });

  test('gets the head of the request, and adds to its span', () => {
    const { request } = setUp({ spanAttributes: ({ headers }) => ({ 'user.id': String(headers.cookie) }) });
    request.end({ complete: true });
    expect(request.spans).toEqual([{ 'http.response.status_code': 200, 'user.id': 'id=1' }]);
  });

  test('is not called for requests without events or without success', () => {
    const failed = { attributes: { 'http.response.status_code': 403 }, events: [] };
    const { request, problems } = setUp({ enrich: bug, spanAttributes: bug }, failed);
    request.end({ complete: true });
    expect([problems, request.spans.length]).toEqual([[], 1]);
  });
});
