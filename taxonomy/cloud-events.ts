import { z } from 'zod';
import { cloudEventId } from './event-id.ts';

/** The envelope of a CloudEvent in structured mode; `data` holds the fields of the event. */
export const cloudEvent = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(128),
  source: z.string().min(1),
  type: z.string().min(1),
  time: z.iso.datetime({ offset: true }).optional(),
  subject: z.string().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
});

/**
 * A CloudEvent in structured mode (CloudEvents 1.0, JSON format) as an event that somebody states.
 *
 * @returns the stated event, or what is wrong with the envelope
 */
export function fromCloudEvent(
  value: unknown,
): { ok: true; event: Record<string, unknown> } | { ok: false; issues: { field: string; message: string }[] } {
  const parsed = cloudEvent.safeParse(value);
  if (!parsed.success)
    return {
      ok: false,
      issues: parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message })),
    };
  const { id, source, type, time, subject, data = {} } = parsed.data;
  const [subjectType, subjectId] = subject?.includes('/') === true ? subject.split('/', 2) : [undefined, subject];
  return {
    ok: true,
    event: {
      event: type.replace(/^(?:org\.clowderframework\.|clowder\.)/, ''),
      event_id: cloudEventId(source, id),
      ...(time !== undefined && { created: Date.parse(time) }),
      ...(subjectId !== undefined && data['resource_id'] === undefined && { resource_id: subjectId }),
      ...(subjectType !== undefined && data['resource_type'] === undefined && { resource_type: subjectType }),
      ...data,
    },
  };
}
