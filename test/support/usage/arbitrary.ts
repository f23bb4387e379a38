import fc from 'fast-check';
import type { StoredEvent } from '../../../usage/store/columns.ts';
import { FIREFOX } from './cases.ts';

const START_MS = Date.UTC(2026, 9, 5, 9);

const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const oneOf = fc.constantFrom;

const who = fc.record({
  user_id: some(oneOf('ana', 'ben', '0'.repeat(24))),
  user_name: some(oneOf('Ana', 'Ben', 'Éva')),
  session_id: some(oneOf('s1', 's2')),
  client_id: some(oneOf('c1', 'c2', 'c3')),
  client_address: some(oneOf('10.0.0.0', '2001:db8::')),
  user_agent: some(
    oneOf(FIREFOX, 'curl/8.5.0', 'Mozilla/5.0 (compatible; Googlebot/2.1)', 'pyclowder/3.0.8', "Ana's notebook", ''),
  ),
  client_kind: some(oneOf('browser', 'api', 'bot', 'extractor')),
  auth_method: some(oneOf('none', 'session', 'api_key')),
  source: some(oneOf('proxy', 'nginx', 'sdk', 'api')),
});
const file = fc.record({
  resource_type: fc.constant('file'),
  resource_id: oneOf('f1', 'f2', 'f3'),
  resource_name: some(oneOf('a.csv', 'B.csv')),
  dataset_id: some(oneOf('d1', 'd2')),
  dataset_name: some(oneOf('Soil', 'water')),
  space_id: some(oneOf('s1', 's2')),
});
const container = fc.record({
  resource_type: oneOf('dataset', 'collection'),
  resource_id: oneOf('d1', 'd2', 'x'),
  resource_name: some(oneOf('Soil', "the soil's")),
});
const what = fc.oneof(
  fc.record({ event: fc.constant('view.resource'), referrer: some(oneOf('https://doi.org/10.1/x', 'no url')) }),
  fc.record({
    event: fc.constant('view.download'),
    bytes: some(fc.nat(1e9)),
    complete: some(fc.boolean()),
    tracked: some(fc.boolean()),
    preview: some(fc.constant(true)),
  }),
);
const use = fc.tuple(what, fc.oneof({ weight: 3, arbitrary: file }, container), who);
const upload = fc.tuple(
  fc.record({
    event: fc.constant('file.uploaded'),
    bytes: some(fc.nat(1e6)),
    content_type: some(oneOf('text/csv', 'image/tiff')),
  }),
  file,
  who,
);
const job = fc.record({
  event: oneOf('extraction.queued', 'extraction.working', 'extraction.done', 'extraction.failed'),
  job_id: some(oneOf('66F000000000000000000001', '7', '8')),
  extractor_name: oneOf('ncsa.image', 'ncsa.csv'),
  resource_type: fc.constant('file'),
  resource_id: oneOf('f1', 'f2'),
  duration_ms: some(fc.nat(1e6).map((tenths) => tenths / 10)),
});
const reading = fc.record({
  event: fc.constant('health.ping'),
  target: fc.constant('http://clowder/healthz'),
  component: some(oneOf('clowder', 'rabbitmq')),
  healthy: fc.boolean(),
  response_time_ms: some(fc.nat(1e5).map((tenths) => tenths / 10)),
});

const body = fc.oneof(
  { weight: 8, arbitrary: use.map((parts) => Object.assign({}, ...parts) as Record<string, unknown>) },
  { weight: 1, arbitrary: upload.map((parts) => Object.assign({}, ...parts) as Record<string, unknown>) },
  { weight: 1, arbitrary: job },
  { weight: 1, arbitrary: reading },
);

/** Events within some hours, many of them close together: few users, few files, every kind of client. */
export const anyUsage: fc.Arbitrary<readonly StoredEvent[]> = fc
  .array(fc.tuple(body, fc.nat(400), fc.nat(35_000)), { minLength: 1, maxLength: 60 })
  .map((drawn) =>
    drawn.map(([fields, step, within], index) => ({
      ...(fields as { event: string }),
      event_id: `e${index}`,
      created: START_MS + step * 45_000 + within,
    })),
  );
