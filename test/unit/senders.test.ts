import { describe, expect, test } from 'vitest';
import { decodeTracesJson } from '../../collector/otlp/json.ts';
import { createScreen } from '../../collector/intake/telemetry-batch.ts';
import type { Candidate } from '../../taxonomy/map/candidate.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { mapSpan } from '../../taxonomy/map.ts';
import { CLIENT, eventsOf, requestsOf, USER_AGENT, type SeenRequest } from '../support/senders/requests.ts';
import { exportOf, SPAN_SENDERS, type SpanSender } from '../support/senders/spans.ts';

const traceOf = (index: number): string => `0af7651916cd43dd8448eb211c80${String(index).padStart(4, '0')}`;

/** The events of what a sender sends, read and screened as the collector does. */
function mapped(sender: SpanSender, requests: readonly SeenRequest[], trace = traceOf): readonly Candidate['body'][] {
  const context = createMapContext({ addressPolicy: 'full' });
  const bodies: Candidate['body'][] = [];
  const body = Buffer.from(JSON.stringify(exportOf(sender, requests, trace)));
  const decoding = decodeTracesJson(body, createScreen(context), {
    take: (span) => {
      const { candidates, rejected } = mapSpan(span, context);
      expect(rejected).toEqual([]);
      bodies.push(...candidates.map((candidate) => candidate.body));
    },
    refuse: (reason) => expect.unreachable(reason),
  });
  while (decoding.next().done !== true);
  return bodies;
}

describe.each(Object.entries<SpanSender>(SPAN_SENDERS))('the spans of %s alone', (_, sender) => {
  const requests = requestsOf(1);
  const bodies = mapped(sender, requests);

  test('give the event of each of ten requests, and none for the others', () => {
    expect(eventsOf(requests)).toHaveLength(10);
    expect(bodies).toMatchObject(eventsOf(requests));
  });

  test('show who requested what, and in which trace', () => {
    for (const body of bodies) {
      expect(body).toMatchObject({ user_agent: USER_AGENT, client_address: CLIENT, client_kind: 'browser' });
      expect(body.trace_id).toMatch(/^0af7651916cd43dd8448eb211c80\d{4}$/);
    }
    expect(bodies.find(({ event }) => event === 'view.page')?.['url']).toMatch(
      /^https?:\/\/.+\/metadata-definitions\/\w+$/,
    );
  });

  test('identify an event like every other sender that sees the request', () => {
    const others = mapped(SPAN_SENDERS['Traefik 3'], requests);
    expect(bodies.map(({ event_id: id }) => id)).toEqual(others.map(({ event_id: id }) => id));
  });
});

test.each([
  ['NGINX, ngx_otel_module', '0af7651916cd43dd8448eb211c80319'],
  ['Envoy', '0b0bd1ee-26e1-9ac5-8a5c-3d2a4a1f3a0'],
] as const)('two requests in one trace are two events if the span of %s has an id of the request', (name, begins) => {
  const [download] = requestsOf(1);
  if (download === undefined) throw new Error('there is none');
  const { scope, spans } = SPAN_SENDERS[name];
  let requests = 0;
  const withId: SpanSender = {
    scope,
    spans: (request) => {
      requests += 1;
      return spans(request).map((span) => {
        const attributes = { ...span.attributes, 'clowder.request.id': `${begins}${requests}` };
        return { kind: span.kind, name: span.name, attributes };
      });
    },
  };
  const ids = (sender: SpanSender) =>
    mapped(sender, [download, download], () => traceOf(1)).map(({ event_id: id }) => id);
  expect(new Set(ids(withId)).size).toBe(2);
  expect(new Set(ids(SPAN_SENDERS[name])).size).toBe(1);
});

test.each(['NGINX, ngx_otel_module', 'Envoy'] as const)('the spans of %s have the number of bytes sent', (name) => {
  const [download] = mapped(SPAN_SENDERS[name], requestsOf(1));
  expect(download).toMatchObject({ event: 'view.download', bytes: 4242 });
});
