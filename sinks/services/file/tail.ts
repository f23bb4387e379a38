import type { FileHandle } from 'node:fs/promises';

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** Positions of a file's last whole lines, in bytes from its beginning. */
export interface Tail {
  readonly beginBytes: number;
  /** End of the last whole line. Anything after it was incomplete when the process stopped. */
  readonly wholeBytes: number;
}

/** Finds the last lines of a file without keeping them in memory. @param lines at least 1 */
export async function findTail(file: FileHandle, lines: number): Promise<Tail> {
  const { size } = await file.stat();
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let wholeBytes = 0;
  let newlines = 0;
  for (let end = size; end > 0;) {
    const length = Math.min(CHUNK_BYTES, end);
    const { bytesRead } = await file.read(chunk, 0, length, end - length);
    if (bytesRead !== length) throw new Error('the file became shorter while it was read');
    end -= length;
    for (let at = chunk.lastIndexOf(NEWLINE, length - 1); at !== -1;) {
      if (newlines === 0) wholeBytes = end + at + 1;
      newlines += 1;
      if (newlines > lines) return { beginBytes: end + at + 1, wholeBytes };
      at = at === 0 ? -1 : chunk.lastIndexOf(NEWLINE, at - 1);
    }
  }
  return { beginBytes: 0, wholeBytes };
}
