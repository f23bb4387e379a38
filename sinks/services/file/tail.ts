import type { FileHandle } from 'node:fs/promises';

const CHUNK_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** The end of a file of lines. */
export interface Tail {
  /** Its last whole lines, the last one last. */
  readonly lines: readonly string[];
  /** Bytes up to the end of the last whole line: what follows was being written when the power went. */
  readonly wholeBytes: number;
}

/** Reads a file from its end until it has so many lines. */
export async function readTail(file: FileHandle, lines: number): Promise<Tail> {
  const { size } = await file.stat();
  let start = size;
  let text = Buffer.alloc(0);
  let newlines = 0;
  while (start > 0 && newlines <= lines) {
    const length = Math.min(CHUNK_BYTES, start);
    const chunk = Buffer.alloc(length);
    const { bytesRead } = await file.read(chunk, 0, length, start - length);
    if (bytesRead !== length) throw new Error('the file became shorter while it was read');
    start -= length;
    for (const byte of chunk) if (byte === NEWLINE) newlines += 1;
    text = Buffer.concat([chunk, text]);
  }
  const end = text.lastIndexOf(NEWLINE) + 1;
  const whole = text.subarray(0, end).toString('utf8').split('\n').slice(0, -1);
  // The first one may be the end of a line whose beginning was not read.
  const sure = start > 0 ? whole.slice(1) : whole;
  return { lines: sure.slice(-lines), wholeBytes: start + end };
}
