import type { Draft } from '../check-draft.ts';

/** File events may be stated by `resource_id` alone; view and download events by `file_id` or `dataset_id`. */
export function nameResource(type: string, draft: Draft): void {
  if (type.startsWith('file.')) draft['file_id'] ??= draft['resource_id'];
  if (type === 'view.resource' || type === 'view.download') {
    const resourceType =
      draft['resource_type'] ??
      (draft['file_id'] !== undefined ? 'file' : draft['dataset_id'] !== undefined ? 'dataset' : undefined);
    draft['resource_type'] ??= resourceType;
    if (typeof resourceType === 'string') draft['resource_id'] ??= draft[`${resourceType}_id`];
  }
}
