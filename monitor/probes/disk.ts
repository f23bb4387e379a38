import { randomUUID } from 'node:crypto';
import { open, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Planned } from '../config/config.ts';
import type { Probe } from '../reading.ts';
import { round } from './milliseconds.ts';

const MAX_USED = 90;

/** How much of a file system is free for programs that do not run as root. */
export function diskProbe(settings: Planned<'disk'>): Probe {
  const { path: target, min_free: minFree, max_used: maxUsed = minFree === undefined ? MAX_USED : 100 } = settings;
  return {
    target,
    async run() {
      const { bsize, blocks, bfree, bavail } = await statfs(target);
      const free = bavail * bsize;
      // Blocks that only root may use count as neither free nor used.
      const usable = (blocks - bfree + bavail) * bsize;
      const used = usable === 0 ? 0 : Math.round(((usable - free) / usable) * 10_000) / 100;
      const error =
        minFree !== undefined && free < minFree
          ? `${free} bytes are free, fewer than ${minFree}`
          : used > maxUsed
            ? `${used} % are used, more than ${maxUsed} %`
            : undefined;
      return [
        {
          target,
          healthy: error === undefined,
          error,
          measures: { disk_free_bytes: free, disk_total_bytes: blocks * bsize, disk_used_percent: used },
        },
      ];
    },
  };
}

/** Whether a file in a directory can be written, synced, read back and removed. */
export function fileWriteProbe({ path: target }: Planned<'file_write'>): Probe {
  return {
    target,
    async run() {
      const began = performance.now();
      const text = randomUUID();
      const path = join(target, `.clowder-otel-monitor-${text}`);
      const file = await open(path, 'wx+');
      try {
        await file.writeFile(text);
        await file.sync();
        const read = await file.read(Buffer.alloc(64), 0, 64, 0);
        const healthy = read.buffer.subarray(0, read.bytesRead).toString() === text;
        return [
          {
            target,
            healthy,
            error: healthy ? undefined : 'what was read is not what was written',
            measures: { response_time_ms: round(performance.now() - began) },
          },
        ];
      } finally {
        await file.close();
        await unlink(path);
      }
    },
  };
}
