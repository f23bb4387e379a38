import type { Context, Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import type { Logger } from '../runtime/logging.ts';
import { counterError, isCounter } from './api/counter-routes.ts';
import { problem } from './api/problem.ts';
import { CollectorError } from './errors.ts';
import { otlpError } from './otlp/error.ts';

/**
 * Answers errors that routes throw, unknown paths, and methods that a path does not support (RFC 9110, section 15.5.6).
 * An unexpected error is logged, and its answer reveals nothing. Call this before routes are added.
 */
export function answerErrors(app: Hono, log: Pick<Logger, 'error'>): void {
  const refuseMethods = methodNotAllowed({ app, onMethodNotAllowed: refuseMethod });
  app.notFound(async (c) => {
    c.res = answerError(c, nothingAt(c.req.path));
    await refuseMethods(c, noop);
    return c.res;
  });
  app.onError((error, c) => {
    if (error instanceof CollectorError) return answerError(c, error);
    log.error({ err: error, path: c.req.path }, 'request failed');
    return answerError(c, new CollectorError('internal_error'));
  });
}

/** Answers in the error format of the requested path, whether or not the path exists. */
function answerError(c: Context, error: CollectorError): Response {
  if (isCounter(c.req.path)) return counterError(c, error);
  return isOtlp(c.req.path) ? otlpError(c, error) : problem(c, error);
}

function refuseMethod(c: Context, allowed: readonly string[]): Response {
  c.header('allow', allowed.join(', '));
  return answerError(
    c,
    new CollectorError('method_not_allowed', `${c.req.method} is not allowed here: use ${allowed.join(', ')}`),
  );
}

function nothingAt(path: string): CollectorError {
  return isOtlp(path)
    ? new CollectorError(
        'not_found',
        `There is nothing at ${path.slice(0, 200)}: OTLP goes to /v1/traces, /v1/logs and /v1/metrics`,
      )
    : new CollectorError('not_found', 'Nothing is here: GET /docs lists all endpoints');
}

const noop = (): Promise<void> => Promise.resolve();

const isOtlp = (path: string): boolean => path === '/v1' || path.startsWith('/v1/');
