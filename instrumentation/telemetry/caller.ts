import type { SpanContext } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import type { IncomingHttpHeaders } from 'node:http';
import { isOneOf } from '../../runtime/config/networks.ts';
import type { RequestHead } from '../capture/types.ts';

/** Whether a request comes from a reverse proxy of ours, whose trace goes on (docs/design.md, "Identity"). */
export type TrustsCaller = (head: Pick<RequestHead, 'remoteAddress'>) => boolean;

/** Anybody may call, and choose any trace. */
export const trustsNobody: TrustsCaller = () => false;

/**
 * @param trusted addresses and networks (TRUSTED_PROXIES)
 * @param isBehindProxy whether a proxy in front names the client: without a list of them, whoever calls is one
 */
export function trustsCaller(trusted: readonly string[], isBehindProxy: boolean): TrustsCaller {
  if (trusted.length === 0) return () => isBehindProxy;
  const isTrusted = isOneOf(trusted);
  return ({ remoteAddress }) => remoteAddress !== undefined && isTrusted(remoteAddress);
}

/** By which NGINX with our configuration tells which context its client sent, where it began a trace of its own. */
const CLIENT_CONTEXT = 'x-clowder-client-traceparent';

/** The context that a stranger sent: the request's span links to it. Undefined if there is none. */
export function strangersContext(headers: IncomingHttpHeaders, trusted: boolean): SpanContext | undefined {
  const sent = headers[trusted ? CLIENT_CONTEXT : 'traceparent'];
  const context = typeof sent === 'string' ? parseTraceParent(sent) : null;
  return context === null ? undefined : { ...context, isRemote: true };
}
