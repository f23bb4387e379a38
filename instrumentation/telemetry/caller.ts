import type { SpanContext } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import type { IncomingHttpHeaders } from 'node:http';
import { isOneOf } from '../../runtime/config/networks.ts';
import type { RequestHead } from '../capture/types.ts';

/** Whether a request comes from our own reverse proxy, whose trace is continued (docs/design.md, "Identity"). */
export type TrustsCaller = (head: Pick<RequestHead, 'remoteAddress'>) => boolean;

/** The default: any client may call and choose any trace id. */
export const trustsNobody: TrustsCaller = () => false;

/**
 * @param trusted addresses and networks (TRUSTED_PROXIES)
 * @param isBehindProxy whether a proxy in front names the client; if `trusted` is empty, every caller counts as that proxy
 */
export function trustsCaller(trusted: readonly string[], isBehindProxy: boolean): TrustsCaller {
  if (trusted.length === 0) return () => isBehindProxy;
  const isTrusted = isOneOf(trusted);
  return ({ remoteAddress }) => remoteAddress !== undefined && isTrusted(remoteAddress);
}

/** NGINX, with our configuration, sends its client's context in this header when it begins its own trace. */
const CLIENT_CONTEXT = 'x-clowder-client-traceparent';

/** The context that an untrusted client sent, which the request's span links to. Undefined if there is none. */
export function strangersContext(headers: IncomingHttpHeaders, trusted: boolean): SpanContext | undefined {
  const sent = headers[trusted ? CLIENT_CONTEXT : 'traceparent'];
  const context = typeof sent === 'string' ? parseTraceParent(sent) : null;
  return context === null ? undefined : { ...context, isRemote: true };
}
