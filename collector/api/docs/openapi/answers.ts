import type { RouteConfig } from '@hono/zod-openapi';

export type Responses = RouteConfig['responses'];
type Reference = { $ref: string };
type Response = Exclude<Responses[string], Reference>;
type Content = NonNullable<Response['content']>;

/** Either way to send a key. */
export const SECURITY: NonNullable<RouteConfig['security']> = [{ bearer: [] }, { apiKey: [] }];
export const OPEN: NonNullable<RouteConfig['security']> = [];

export const ref = (name: string): Reference => ({ $ref: `#/components/schemas/${name}` });
export const json = (name: string): Content => ({ 'application/json': { schema: ref(name) } });
export const answer = (description: string, content: Content) => ({ description, content });

/** Answers where it was not done what was asked for: status, name among the components, and what they mean. */
const REFUSALS = {
  400: ['InvalidRequest', 'The request is not what it must be'],
  401: ['Unauthorized', 'No key, or one that is unknown or revoked'],
  403: ['Forbidden', 'The key has another scope, or no key is made yet and this is another machine'],
  413: ['TooLarge', 'Larger than may be sent at once, before or after decompression'],
  415: ['UnsupportedMediaType', 'Another Content-Type, or Content-Encoding'],
  422: ['InvalidEvent', 'No event was accepted; `rejected` says why'],
  429: ['TooManyRequests', 'More than the rate of the key: see Retry-After'],
  503: ['Unavailable', 'It cannot be taken now: see Retry-After'],
} as const;

type Status = keyof typeof REFUSALS;
const STATUSES = Object.keys(REFUSALS).map(Number) as readonly Status[];
/** Of OTLP too, whose errors have the encoding of the request. */
const OTLP_STATUSES = STATUSES.filter((status) => status !== 422);

const RETRY_AFTER = { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } } as const;

function component(status: Status, content: Record<string, { schema?: Reference }>) {
  return {
    description: REFUSALS[status][1],
    content,
    ...((status === 429 || status === 503) && { headers: RETRY_AFTER }),
  };
}

/** The refusals as named components: of the API, and, with names that begin so, of OTLP. */
export function refusalComponents(): readonly (readonly [name: string, component: ReturnType<typeof component>])[] {
  const problem = { 'application/problem+json': { schema: ref('Problem') } };
  const rpcStatus = { 'application/x-protobuf': {}, 'application/json': { schema: ref('Status') } };
  return [
    ...STATUSES.map((status) => [REFUSALS[status][0], component(status, problem)] as const),
    ...OTLP_STATUSES.map((status) => [`Otlp${REFUSALS[status][0]}`, component(status, rpcStatus)] as const),
  ];
}

const referTo = (statuses: readonly Status[], prefix: string): Responses =>
  Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${prefix}${REFUSALS[status][0]}` }]),
  );

export const problems = (...statuses: readonly Status[]): Responses => referTo(statuses, '');
export const otlpErrors = (): Responses => referTo(OTLP_STATUSES, 'Otlp');
