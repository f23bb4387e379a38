import { z } from '@hono/zod-openapi';
import { Hono, type Context } from 'hono';
import {
  counterException,
  type CounterAnswer,
  type CounterCode,
  type CounterRequest,
} from '../../usage/ask/counter.ts';
import { CollectorError, type ErrorCode } from '../errors.ts';
import { answer, json } from './answers.ts';
import { defineRoute, type Route } from './route.ts';

/** Our error codes as COUNTER exceptions. */
const EXCEPTION_OF: Readonly<Partial<Record<ErrorCode, CounterCode>>> = {
  unauthorized: 2020,
  forbidden: 2010,
  too_many_requests: 1020,
  busy: 1010,
};

const exceptionSchema = z
  .object({ Code: z.number(), Message: z.string(), Data: z.string().optional() })
  .describe('An exception of COUNTER Release 5.1');

const parameter = (description: string) => z.string().optional().describe(description);
const whoAsks = {
  customer_id: parameter('Of The World: 0000000000000000; needed'),
  requestor_id: parameter('A key with scope counter'),
  api_key: parameter('The same; one of the two is required once keys are made'),
  platform: parameter('Ignored: there is only one'),
};
const ofReports = {
  ...whoAsks,
  begin_date: parameter('First month, 2026-10, or its first day; required'),
  end_date: parameter('Last month, or its last day; required'),
  metric_type: parameter('Metric types, separated by |'),
  data_type: parameter('Dataset'),
  access_method: parameter('Regular, TDM'),
  access_type: parameter('Of ir: Open, Controlled, Free_To_Read'),
  yop: parameter('For ir: years of publication, 2024 or 2020-2024'),
  item_id: parameter('Of ir: DOI:… or Proprietary:…'),
  attributes_to_show: parameter(
    'Of ir: Authors, Publication_Date, YOP, Access_Type, Access_Method; of pr: Access_Method',
  ),
  granularity: parameter('Month or Total'),
};

const refusals = {
  400: answer('Exception 1030 or 3020', json(exceptionSchema)),
  401: answer('Exception 2020: no key, or an unknown one', json(exceptionSchema)),
  403: answer(
    'Exception 2010: the key lacks the scope counter, or the customer is not The World',
    json(exceptionSchema),
  ),
  404: answer('There is no such report', json(exceptionSchema)),
  429: answer('Exception 1020: more requests than the rate of the key allows', json(exceptionSchema)),
  503: answer('Exception 1000: reports are not available now', json(exceptionSchema)),
};
const shared: { method: 'get'; tags: string[]; errorForm: 'counter' } = {
  method: 'get',
  tags: ['usage'],
  errorForm: 'counter',
};

const getStatus = defineRoute({
  ...shared,
  path: '/r51/status',
  scope: 'public',
  operationId: 'get_counter_status',
  summary: 'COUNTER API: whether reports are available',
  responses: { 200: answer('The service', json(z.array(z.looseObject({})))), 503: refusals[503] },
});
const getMembers = defineRoute({
  ...shared,
  path: '/r51/members',
  scope: 'counter',
  operationId: 'get_counter_members',
  summary: 'COUNTER API: the institutions that reports cover: The World',
  request: { query: z.looseObject(whoAsks) },
  responses: { 200: answer('The World', json(z.array(z.looseObject({})))), ...refusals },
});
const getReports = defineRoute({
  ...shared,
  path: '/r51/reports',
  scope: 'counter',
  operationId: 'get_counter_reports',
  summary: 'COUNTER API: the available reports and their months',
  request: { query: z.looseObject(whoAsks) },
  responses: { 200: answer('The reports', json(z.array(z.looseObject({})))), ...refusals },
});
const getReport = defineRoute({
  ...shared,
  path: '/r51/reports/{report}',
  scope: 'counter',
  operationId: 'get_counter_report',
  summary: 'COUNTER API: a report of Release 5.1: ir, pr or pr_p1',
  request: { query: z.looseObject(ofReports), params: z.object({ report: z.string() }) },
  responses: { 200: answer('The report', json(z.looseObject({}))), ...refusals },
});

export const COUNTER_ROUTES: readonly Route[] = [getStatus, getMembers, getReports, getReport];

/** @param ask answers a request of the COUNTER API; absent if this collector does not count usage */
export function counterRoutes(ask: ((request: CounterRequest) => Promise<CounterAnswer>) | undefined): Hono {
  const app = new Hono();
  const handle = async (c: Context): Promise<Response> => {
    if (ask === undefined) throw new CollectorError('usage_unavailable', 'Usage is not counted here: USAGE is off');
    const { status, body } = await ask({ path: c.req.path.slice('/r51'.length), query: c.req.query() });
    return c.body(body, status, { 'content-type': 'application/json' });
  };
  for (const { method, path } of COUNTER_ROUTES) app.on(method.toUpperCase(), path, handle);
  return app;
}

/** One of our errors in the form of COUNTER. */
export function counterError(c: Context, { code, status, message, retryAfterS }: CollectorError): Response {
  if (retryAfterS !== undefined) c.header('retry-after', String(retryAfterS));
  const exception = EXCEPTION_OF[code] ?? (status === 503 ? 1000 : undefined);
  return c.json(exception === undefined ? { Code: 0, Message: message } : counterException(exception, message), status);
}

/** Whether a path belongs to the COUNTER API, even if it does not exist. */
export const isCounter = (path: string): boolean => path === '/r51' || path.startsWith('/r51/');

/** Clients of the COUNTER API send the key in the query, as `api_key` or `requestor_id`, or in the usual headers. */
export function counterHeader(c: Context, name: string): string | undefined {
  const inQuery = c.req.query('api_key') ?? c.req.query('requestor_id');
  return name === 'x-api-key' && inQuery !== undefined && inQuery !== '' ? inQuery : c.req.header(name);
}
