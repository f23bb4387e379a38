/** A file of the archive: `clowder-events-2026-11-24-0001.ndjson`, `….ndjson.gz` once it is closed. */
export interface ArchiveFile {
  readonly name: string;
  /** UTC. */
  readonly day: string;
  readonly number: number;
  readonly closed: boolean;
}

const PATTERN = /^clowder-events-(\d{4}-\d{2}-\d{2})-(\d{4,})\.ndjson(\.gz)?$/;
/** Suffix of a file that is still being compressed. */
export const UNFINISHED = '.unfinished';

/** @param names in a directory @returns the archive's files, oldest first */
export function archiveFiles(names: readonly string[]): readonly ArchiveFile[] {
  return names
    .flatMap((name) => {
      const [, day, number, closed] = PATTERN.exec(name) ?? [];
      return day === undefined ? [] : [{ name, day, number: Number(number), closed: closed !== undefined }];
    })
    .toSorted((a, b) => compare(a.day, b.day) || a.number - b.number);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Returns the UTC day of a time in milliseconds. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Returns the name of the file after the last one. It never goes back, even if the clock does. */
export function nextName(last: ArchiveFile | undefined, today: string): string {
  const day = last !== undefined && last.day > today ? last.day : today;
  const number = last?.day === day ? last.number + 1 : 1;
  return `clowder-events-${day}-${String(number).padStart(4, '0')}.ndjson`;
}
