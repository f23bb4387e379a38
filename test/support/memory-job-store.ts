import type { StoredJob } from '../../monitor/extractors/jobs/stored-job.ts';
import type { JobStore } from '../../monitor/extractors/jobs/job-store.ts';

/** Jobs in memory, stored as JSON so that callers never get back their own objects. */
export function memoryJobStore(): JobStore {
  const jobs = new Map<string, string>();
  const progress = new Map<string, string>();
  return {
    load: () => Array.from(jobs.values(), (one) => JSON.parse(one) as StoredJob),
    save(changed, removed) {
      for (const stored of changed) jobs.set(stored.job.key, JSON.stringify(stored));
      for (const key of removed) jobs.delete(key);
    },
    loadProgress: (name) => {
      const saved = progress.get(name);
      return saved === undefined ? undefined : (JSON.parse(saved) as unknown);
    },
    saveProgress: (name, value) => void progress.set(name, JSON.stringify(value)),
    close: () => undefined,
  };
}
