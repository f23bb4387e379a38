import { SpanKind, trace, type Context, type Span } from '@opentelemetry/api';
import { RPCType, getRPCMetadata } from '@opentelemetry/core';

/** The server span of the HTTP request handled in a context, if another instrumentation started one. */
export function serverSpanOf(context: Context): Span | undefined {
  const rpc = getRPCMetadata(context);
  if (rpc?.type === RPCType.HTTP) return rpc.span;
  const span = trace.getSpan(context);
  return span !== undefined && 'kind' in span && span.kind === SpanKind.SERVER ? span : undefined;
}
