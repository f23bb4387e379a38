import { propagation } from '@opentelemetry/api';
import type { HttpInstrumentationConfig } from '@opentelemetry/instrumentation-http';
import { IncomingMessage, type IncomingHttpHeaders } from 'node:http';
import type { TrustsCaller } from '../telemetry/caller.ts';

type Hidden = readonly (readonly [name: string, value: IncomingHttpHeaders[string]])[];

/**
 * Makes the http instrumentation begin a trace for each request of an untrusted caller. The first hook hides the caller's trace
 * context, which the instrumentation reads right after it; the second hook restores the headers.
 */
export function strangersBeginTraces(trusts: TrustsCaller): HttpInstrumentationConfig {
  const hidden = new WeakMap<IncomingMessage, Hidden>();
  return {
    ignoreIncomingRequestHook: (request) => {
      const { headers, socket } = request;
      if (trusts({ remoteAddress: socket.remoteAddress })) return false;
      const sent = propagation
        .fields()
        .flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]] as const]));
      if (sent.length === 0) return false;
      for (const [name] of sent) headers[name] = undefined;
      hidden.set(request, sent);
      return false;
    },
    requestHook: (_span, request) => {
      if (!(request instanceof IncomingMessage)) return;
      for (const [name, value] of hidden.get(request) ?? []) request.headers[name] = value;
    },
  };
}
