import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { errorText } from '../../runtime/error-text.ts';
import { compressionOf } from '../input/compression.ts';

export interface Line {
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** Where it begins, in bytes of what the file holds once it is decompressed. */
  readonly offset: number;
}

/** Some lines, and how many bytes of the file have been read for them so far. */
export interface Lines {
  readonly lines: readonly Line[];
  readonly bytes: number;
}

/** A file that ends in the middle, or that cannot be read on. What came before has been given. */
export class CutOffError extends Error {
  override readonly name = 'CutOffError';
  readonly code = 'cut_off';
}

const NEWLINE = 10;
/** A longer line is none of ours: it is given in pieces of this size, which nobody can read. */
const LONGEST_BYTES = 16 * 1024 * 1024;
const READ_BYTES = 256 * 1024;

/**
 * The lines of a file, plain, gzip or zstd, whatever it is called.
 *
 * @throws CutOffError after the last whole line that could be read
 */
export async function* readLines(path: string): AsyncGenerator<Lines> {
  const file = createReadStream(path, { highWaterMark: READ_BYTES });
  const { found } = await compressionOf(path);
  const stream: Readable = found === undefined ? file : pipeline(file, found.stream(), () => undefined);
  const splitter = new Splitter();
  try {
    for await (const chunk of stream) {
      const lines = splitter.add(chunk as Buffer);
      if (lines.length > 0) yield { lines, bytes: file.bytesRead };
    }
  } catch (error) {
    throw new CutOffError(`${path} cannot be read on after line ${splitter.lines}: ${errorText(error)}`, {
      cause: error,
    });
  }
  const last = splitter.end();
  if (last !== undefined) yield { lines: [last], bytes: file.bytesRead };
}

/** Cuts what comes in chunks into lines. */
class Splitter {
  #rest: Buffer = Buffer.alloc(0);
  #offset = 0;
  lines = 0;

  add(chunk: Buffer): Line[] {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const lines: Line[] = [];
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      lines.push(this.#line(data.subarray(start, end), end + 1 - start));
      start = end + 1;
    }
    this.#rest = data.subarray(start);
    if (this.#rest.length > LONGEST_BYTES) {
      lines.push(this.#line(this.#rest, this.#rest.length));
      this.#rest = Buffer.alloc(0);
    }
    return lines;
  }

  /** What follows the last newline. */
  end(): Line | undefined {
    return this.#rest.length === 0 ? undefined : this.#line(this.#rest, this.#rest.length);
  }

  #line(bytes: Buffer, length: number): Line {
    const offset = this.#offset;
    this.#offset += length;
    this.lines += 1;
    return { text: bytes.toString('utf8').replace(/\r$/, ''), number: this.lines, offset };
  }
}
