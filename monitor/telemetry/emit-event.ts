import { randomUUID } from 'node:crypto';
import type { Logger } from '@opentelemetry/api';
import { ATTRIBUTE_OF_FIELD, type EventType } from '../../taxonomy/index.ts';

type Field = keyof typeof ATTRIBUTE_OF_FIELD;

/** Fields of an event by name; undefined fields are left out. */
export type EventFields = { readonly [F in Field]?: string | number | boolean | undefined };

/** An event that the monitor observed. */
export interface MonitorEvent {
  readonly type: EventType;
  /** When it happened, in Unix milliseconds: the event keeps this time however late it arrives. */
  readonly createdMs: number;
  readonly fields: EventFields;
  /** @default monitor */
  readonly source?: 'monitor' | 'rabbitmq';
  /** If the same event may be seen twice, an id derived from what it describes. @default a random one */
  readonly id?: string;
}

/** States an event. It is on disk after the current turn of the event loop, or after `Telemetry.persist()`. */
export type EmitEvent = (event: MonitorEvent) => void;

const FIELDS = Object.keys(ATTRIBUTE_OF_FIELD) as Field[];

/** The log record of an event: `clowder.<type>`, attributes from the taxonomy's table, its own time and id. */
export function createEmitEvent(logger: Pick<Logger, 'emit'>): EmitEvent {
  return ({ type, createdMs, fields, source = 'monitor', id = randomUUID() }) => {
    const attributes: Record<string, string | number | boolean> = {};
    for (const field of FIELDS) {
      const value = fields[field];
      if (value !== undefined) attributes[ATTRIBUTE_OF_FIELD[field]] = value;
    }
    attributes[ATTRIBUTE_OF_FIELD.source] = source;
    attributes[ATTRIBUTE_OF_FIELD.event_id] = id;
    logger.emit({ eventName: `clowder.${type}`, timestamp: createdMs, attributes });
  };
}
