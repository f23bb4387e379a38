import { textAttribute } from '../attributes.ts';
import { observedKind } from '../client.ts';
import type { Attributes } from '../telemetry.ts';
import type { MapContext } from './context.ts';

/** Returns the kind of client by a record's attributes. @param bringsKey whether its request carried an API key */
export function kindOf(attributes: Attributes, context: MapContext, bringsKey: boolean): unknown {
  const client = {
    userAgent: textAttribute(attributes, 'user_agent.original'),
    address: textAttribute(attributes, 'client.address'),
    stated: textAttribute(attributes, 'clowder.client.kind'),
    bringsKey,
  };
  return observedKind(client, context.isExtractor);
}
