import { SpanKind, SpanStatusCode, propagation, context, trace } from '@opentelemetry/api';
import { Hono, type MiddlewareHandler } from 'hono';
import type { Logger } from '../runtime/logging.ts';
import { stateRoutes } from './api/state-routes.ts';
import { guardRoutes, routeLabel } from './routes.ts';
import { answerErrors } from './answer-error.ts';
import type { CollectorMetrics } from './self-telemetry/metrics.ts';
import type { Readiness } from './readiness.ts';

export interface AppParts {
  readonly otlp: Hono;
  readonly events: Hono;
  readonly rejected: Hono;
  readonly held: Hono;
  readonly deadLetters: Hono;
  readonly stats: Hono;
  readonly counter: Hono;
  readonly shared: Hono;
  readonly badge: Hono;
  readonly overview: Hono;
  readonly session: Hono;
  readonly browser: Hono;
  readonly snippet: Hono;
  readonly docs: Hono;
  readonly dashboard: Hono;
  /** Guards for the routes that need a key, by scope. */
  readonly guards: {
    readonly otlp: MiddlewareHandler;
    readonly ingest: MiddlewareHandler;
    readonly read: MiddlewareHandler;
    readonly counter: MiddlewareHandler;
    readonly admin: MiddlewareHandler;
  };
  readonly metrics: CollectorMetrics;
  readonly readiness: () => Readiness;
  readonly log: Logger;
  /** Whether API requests become spans. Those that bring telemetry never do: that would be a loop. */
  readonly traced: boolean;
}

/** All routes of the collector; the contract is docs/design.md, "HTTP of the collector". */
export function createApp(parts: AppParts): Hono {
  const app = new Hono();
  app.use(countRequests(parts.metrics));
  answerErrors(app, parts.log);
  // Only for our own routes: a span of /api/status would be taken for Clowder's when it returns here.
  if (parts.traced) app.use('/api/v1/*', traceRequests());

  app.use('/v1/*', parts.guards.otlp);
  app.route('/', parts.otlp);
  app.use('/api/v1/*', guardRoutes(parts.guards));
  app.use('/r51/*', guardRoutes(parts.guards));
  app.route('/', parts.events);
  app.route('/', parts.rejected);
  app.route('/', parts.held);
  app.route('/', parts.deadLetters);
  app.route('/', parts.stats);
  app.route('/', parts.counter);
  app.route('/', parts.shared);
  app.route('/', parts.badge);
  app.route('/', parts.overview);
  app.route('/', parts.session);
  app.route('/', parts.browser);
  app.route('/', parts.snippet);
  app.route('/', stateRoutes({ readiness: parts.readiness, registry: parts.metrics.registry }));
  app.route('/', parts.docs);
  app.route('/', parts.dashboard);

  return app;
}

/** A server span for each API request, in the context of its `traceparent`. */
function traceRequests(): MiddlewareHandler {
  const tracer = trace.getTracer('clowder-otel-collector');
  return async function traceRequest(c, next) {
    const parent = propagation.extract(context.active(), c.req.header());
    const span = tracer.startSpan(
      c.req.method,
      { kind: SpanKind.SERVER, attributes: { 'http.request.method': c.req.method, 'url.path': c.req.path } },
      parent,
    );
    await context.with(trace.setSpan(parent, span), next);
    span.setAttribute('http.response.status_code', c.res.status);
    if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  };
}

function countRequests(metrics: CollectorMetrics): MiddlewareHandler {
  return async function countRequest(c, next) {
    await next();
    metrics.countRequest(routeLabel(c.req.path), c.res.status);
  };
}
