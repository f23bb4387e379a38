import { z } from 'zod';
import type { Subscription } from '../broker/subscription.ts';
import type { WatchedFile } from '../polling/v1.ts';
import { parseObject, wireText } from '../wire/json-object.ts';
import type { Download, Downloads } from './downloads.ts';

const schema = z.object({
  event_id: z.string(),
  event: z.string(),
  created: z.number(),
  client_kind: wireText,
  resource_id: wireText,
  dataset_id: wireText,
  file_id: wireText,
  bytes: z.number().nonnegative().optional().catch(undefined),
  extractor_name: wireText,
  job_id: wireText,
});
type Body = z.infer<typeof schema>;

export interface EventListenerOptions {
  readonly downloads: Downloads | undefined;
  /** Called for files that extractors may work on. */
  readonly watch: ((file: WatchedFile) => void) | undefined;
  readonly nowMs: () => number;
}

/** Which of our own events are needed: routing keys in `clowder.events`. */
export function wantedEvents({ downloads, watch }: EventListenerOptions): readonly string[] {
  return [
    ...(downloads === undefined ? [] : ['view.download']),
    ...(watch === undefined ? [] : ['file.uploaded', 'extraction.queued']),
  ];
}

/** Reads our own events from `clowder.events`: the extractors' downloads, and new files if jobs are polled. */
export function eventListener(options: EventListenerOptions): Pick<Subscription, 'onBegin' | 'onEnd' | 'onMessage'> {
  const { downloads, watch, nowMs } = options;
  return {
    onBegin: () => downloads?.begin(nowMs()),
    onEnd: () => downloads?.end(),
    onMessage: ({ message }) => {
      const { success, data } = schema.safeParse(parseObject(message.content));
      if (!success) return;
      if (data.event === 'view.download') {
        const download = downloadOf(data);
        if (download !== undefined) downloads?.add(download);
      } else if (data.file_id !== undefined) {
        watch?.({
          fileId: data.file_id,
          eventId: data.event_id,
          atMs: data.created,
          extractor: data.extractor_name,
          jobId: data.job_id,
        });
      }
    },
  };
}

function downloadOf({
  event_id: eventId,
  created: atMs,
  client_kind: kind,
  resource_id: resourceId,
  dataset_id: datasetId,
  bytes,
}: Body): Download | undefined {
  if (kind !== 'extractor' || resourceId === undefined || bytes === undefined) return undefined;
  return { eventId, atMs, resourceId, datasetId, bytes };
}
