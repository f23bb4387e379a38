import { statSync } from 'node:fs';

/** Whether a file is still where it was when this was made: one that was removed is written on, and lost with the process. */
export function watchFile(path: string): () => boolean {
  const { ino, dev } = statSync(path);
  return () => {
    const found = statSync(path, { throwIfNoEntry: false });
    return found !== undefined && found.ino === ino && found.dev === dev;
  };
}
