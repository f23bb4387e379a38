import type { EventType } from '../../../taxonomy/index.ts';
import type { ExpectedEvent } from './scenario.ts';

type Fields = Readonly<Record<string, string | number | boolean>>;

/** An event about a file. The `resource_*` fields follow from the others, as consumers are promised. */

export function fileEvent(event: EventType, fields: Fields): ExpectedEvent {
  const { file_id: id, file_name: name } = fields;
  return {
    event,
    resource_type: 'file',
    ...(id !== undefined && { resource_id: id }),
    ...(name !== undefined && { resource_name: name }),
    ...fields,
  };
}

export const uploaded = (fields: Fields): ExpectedEvent => fileEvent('file.uploaded', fields);

/** An event about a dataset, collection or space. */
export function containerEvent(event: EventType, fields: Fields): ExpectedEvent {
  return { event, resource_type: event.split('.')[0] ?? '', ...fields };
}

export function queued(fields: Fields): ExpectedEvent {
  const { file_id: file, dataset_id: dataset } = fields;
  const resource =
    file === undefined
      ? { resource_type: 'dataset', resource_id: dataset ?? '' }
      : { resource_type: 'file', resource_id: file };
  return { event: 'extraction.queued', ...resource, ...fields };
}

export const viewed = (type: string, id: string, fields: Fields = {}): ExpectedEvent => ({
  event: 'view.resource',
  resource_type: type,
  resource_id: id,
  ...fields,
});

/** A download that Clowder counts and whose client stayed to the end, unless the fields say otherwise. */
export const downloaded = (type: string, fields: Fields): ExpectedEvent => ({
  event: 'view.download',
  resource_type: type,
  tracked: true,
  complete: true,
  ...(type === 'file' &&
    fields['file_name'] !== undefined &&
    fields['format'] === undefined && { resource_name: fields['file_name'], content_type: 'text/plain' }),
  ...fields,
});

export const pageView = (fields: Fields = {}): ExpectedEvent => ({ event: 'view.page', ...fields });
