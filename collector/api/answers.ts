import type { RouteConfig, z } from '@hono/zod-openapi';
import { ERRORS, type ErrorCode, type ErrorStatus } from '../errors.ts';

export type Responses = RouteConfig['responses'];
type Reference = { $ref: string };
type Response = Exclude<Responses[string], Reference>;
type Content = NonNullable<Response['content']>;

/** The two ways to send a key. */
export const SECURITY: NonNullable<RouteConfig['security']> = [{ bearer: [] }, { apiKey: [] }];
export const OPEN: NonNullable<RouteConfig['security']> = [];

export const ref = (name: string): Reference => ({ $ref: `#/components/schemas/${name}` });
export const json = <Schema extends z.ZodType>(schema: Schema) => ({ 'application/json': { schema } });
export const answer = <const Body extends Content>(description: string, content: Body) => ({ description, content });

/** Any path may answer these, so routes do not list them. */
type Undocumented = 404 | 405 | 500;
type Status = Exclude<ErrorStatus, Undocumented>;

const isDocumented = (status: ErrorStatus): status is Status => status !== 404 && status !== 405 && status !== 500;

/** Error responses: status, component name and meaning. */
const REFUSALS = {
  400: ['InvalidRequest', 'The request is not valid'],
  401: ['Unauthorized', 'The key is missing, unknown or revoked'],
  403: ['Forbidden', 'The key lacks the scope, or this is another machine and no key has been made yet'],
  408: ['TooSlow', 'The body did not arrive in time'],
  413: ['TooLarge', 'The body is too large, before or after decompression'],
  415: ['UnsupportedMediaType', 'The Content-Type or Content-Encoding is not supported'],
  422: ['InvalidEvent', 'No event was accepted; `rejected` says why'],
  429: ['TooManyRequests', 'More requests than the rate of the key allows: see Retry-After'],
  503: ['Unavailable', 'The collector cannot accept it now: see Retry-After'],
} as const satisfies Readonly<Record<Status, readonly [name: string, meaning: string]>>;

const STATUSES: readonly Status[] = [
  ...new Set(
    Object.values(ERRORS)
      .map(({ status }) => status)
      .filter(isDocumented),
  ),
];
/** Statuses that OTLP shares. Its errors use the encoding of the request. */
const OTLP_STATUSES = STATUSES.filter((status) => status !== 422);

const RETRY_AFTER = { 'Retry-After': { description: 'Seconds', schema: { type: 'integer' } } } as const;

function component(status: Status, content: Record<string, { schema?: Reference }>) {
  return {
    description: REFUSALS[status][1],
    content,
    ...((status === 429 || status === 503) && { headers: RETRY_AFTER }),
  };
}

/** Error responses as named components. The names of those for OTLP begin with `Otlp`. */
export function refusalComponents(): readonly (readonly [name: string, component: ReturnType<typeof component>])[] {
  const problem = { 'application/problem+json': { schema: ref('Problem') } };
  const rpcStatus = { 'application/x-protobuf': {}, 'application/json': { schema: ref('Status') } };
  return [
    ...STATUSES.map((status) => [REFUSALS[status][0], component(status, problem)] as const),
    ...OTLP_STATUSES.map((status) => [`Otlp${REFUSALS[status][0]}`, component(status, rpcStatus)] as const),
  ];
}

/** Responses for errors with these codes, by status. */
export function refusals(form: 'problem' | 'otlp', codes: readonly ErrorCode[]): Responses {
  const prefix = form === 'otlp' ? 'Otlp' : '';
  return Object.fromEntries(
    codes
      .map((code) => ERRORS[code].status)
      .filter(isDocumented)
      .map((status) => [status, { $ref: `#/components/responses/${prefix}${REFUSALS[status][0]}` }]),
  );
}
