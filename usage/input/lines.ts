import { errorText } from '../../runtime/error-text.ts';
import { openFile } from './decompress.ts';
import { BrokenFileError } from './errors.ts';

export interface Line {
  readonly text: string;
  /** From 1 on. */
  readonly number: number;
  /** Where the line begins, in bytes of the decompressed file. */
  readonly offset: number;
}

/** Consecutive lines, and how many bytes of the file have been read so far. */
export interface Lines {
  readonly lines: readonly Line[];
  readonly bytes: number;
}

const NEWLINE = 10;
/** Longer lines are not ours: they come in unreadable pieces of this size. */
const LONGEST_BYTES = 16 * 1024 * 1024;

/**
 * The lines of a file, plain, gzip or zstd, in groups.
 *
 * @throws BrokenFileError if the file cannot be read, or not to its end, after the last complete line
 */
export async function* readLines(path: string): AsyncGenerator<Lines> {
  const { bytes, source, compression } = await openFile(path);
  const splitter = new Splitter();
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      const lines = splitter.add(chunk);
      if (lines.length > 0) yield { lines, bytes: source.bytesRead };
    }
  } catch (cause) {
    throw brokenOff(path, splitter.lines + 1, compression, cause);
  }
  const last = splitter.end();
  if (last !== undefined) yield { lines: [last], bytes: source.bytesRead };
}

function brokenOff(path: string, line: number, compression: string | undefined, cause: unknown): BrokenFileError {
  if (compression === undefined) return BrokenFileError.unreadable(path, cause);
  const isCut = cause instanceof Error && 'code' in cause && /BUF_ERROR|srcSize/i.test(String(cause.code));
  const what = isCut
    ? `the ${compression} ends too early: the file was cut off`
    : `the ${compression} is damaged: ${errorText(cause)}`;
  return new BrokenFileError('bad_input', `${path}:${line}: ${what}. Copy it once more from where it came`, { cause });
}

/** Splits chunks into lines. */
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

  /** The text after the last newline. */
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
