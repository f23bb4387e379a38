import { hash } from 'node:crypto';
import { z } from 'zod';
import { redactExtractorName } from '../../../taxonomy/redaction.ts';
import { readStatus, type StatusWord } from '../wire/status-words.ts';
import { orUndefined } from './clowder-api.ts';
import type { PollContext, Poller } from './poller.ts';

/** A file that extractors may work on. We know it from our own events, because v1 has no list of jobs. */
export interface WatchedFile {
  readonly fileId: string;
  /** Id of the event that reported the file; it identifies the submission. */
  readonly eventId: string;
  readonly atMs: number;
  /** Extractor and job id, if the job was submitted by the API. */
  readonly extractor?: string | undefined;
  readonly jobId?: string | undefined;
}

export interface V1Poller extends Poller {
  watch(file: WatchedFile): void;
}

const progressSchema = z.record(
  z.string(),
  z.object({
    eventId: z.string(),
    /** Time of the last change, in Unix milliseconds. */
    changedMs: z.number(),
    /** By extractor name, without keys: the last status, how often it restarted, and the job's id if known. */
    extractors: z.record(
      z.string(),
      z.object({
        /** Its text as a hash, because it may contain a secret. */
        said: z.string(),
        over: z.boolean(),
        run: z.number(),
        jobId: z.string().optional(),
      }),
    ),
  }),
);
type Progress = z.infer<typeof progressSchema>;
type Watched = Progress[string];

const statusesSchema = z.record(z.string(), z.string());
/** Clowder lists the file's own status beside the extractors, under this name. */
const OWN_STATUS = 'Status';

const WATCHED_MAX = 1000;
/** How long an unchanged file is watched: while something runs, and after it ended. */
const WATCH_OPEN_MS = 24 * 60 * 60_000;
const WATCH_OVER_MS = 15 * 60_000;
const OVER: ReadonlySet<StatusWord> = new Set(['done', 'skip', 'error', 'cancelled']);

/**
 * Polls Clowder v1's last status of each extractor for a file: `GET /api/extractions/:id/status`. Changes between two
 * rounds are missed, and so are datasets, for which v1 has no status.
 *
 * @param saved the `progress` of an earlier poller
 */
export function createV1Poller(saved: unknown): V1Poller {
  const parsed = progressSchema.safeParse(saved);
  const files: Progress = parsed.success ? parsed.data : {};

  return {
    get progress() {
      return files;
    },
    watch({ fileId, eventId, atMs, extractor, jobId }) {
      const known = files[fileId];
      const file: Watched = known ?? { eventId, changedMs: atMs, extractors: {} };
      file.changedMs = Math.max(file.changedMs, atMs);
      files[fileId] = file;
      // The same event may come twice.
      if (extractor !== undefined && jobId !== undefined && file.extractors[extractor]?.jobId !== jobId)
        file.extractors[extractor] = { said: '', over: false, run: (file.extractors[extractor]?.run ?? 0) + 1, jobId };
      const [oldest] = Object.keys(files);
      if (known === undefined && oldest !== undefined && Object.keys(files).length > WATCHED_MAX)
        Reflect.deleteProperty(files, oldest);
    },
    async round({ get, observe, nowMs }) {
      for (const [fileId, file] of Object.entries(files)) {
        const idleMs = isOver(file) ? WATCH_OVER_MS : WATCH_OPEN_MS;
        if (nowMs - file.changedMs > idleMs) {
          Reflect.deleteProperty(files, fileId);
          continue;
        }
        const answer = await orUndefined(get(`/api/extractions/${encodeURIComponent(fileId)}/status`));
        // The file polled last goes to the end, in case the round ends early.
        Reflect.deleteProperty(files, fileId);
        if (answer === undefined) continue;
        files[fileId] = file;
        const { data = {} } = statusesSchema.safeParse(answer);
        for (const [extractor, status] of Object.entries(data))
          if (extractor !== OWN_STATUS) look(fileId, file, extractor, status, observe, nowMs);
      }
    },
  };
}

function isOver({ extractors }: Watched): boolean {
  const statuses = Object.values(extractors);
  return statuses.length > 0 && statuses.every(({ over }) => over);
}

function look(
  fileId: string,
  file: Watched,
  named: string,
  status: string,
  observe: PollContext['observe'],
  nowMs: number,
): void {
  const extractor = redactExtractorName(named);
  const before = file.extractors[extractor];
  const said = hash('sha256', status);
  if (before?.said === said) return;
  const { word, message } = readStatus(status);
  const over = OVER.has(word);
  const begun = before?.over === true && !over;
  const run = (before?.run ?? 0) + (begun ? 1 : 0);
  const jobId = begun ? undefined : before?.jobId;
  file.extractors[extractor] = { said, over, run, ...(jobId !== undefined && { jobId }) };
  file.changedMs = nowMs;
  observe({
    what: 'told',
    atMs: nowMs,
    jobId,
    extractor,
    version: undefined,
    userId: undefined,
    resourceId: fileId,
    subject: { fileId },
    word,
    message,
    clock: `${file.eventId} ${run}`,
    clockMs: undefined,
    durationMs: undefined,
  });
}
