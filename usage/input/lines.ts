import { StringDecoder } from 'node:string_decoder';
import { errorText } from '../../runtime/error-text.ts';
import { openFile } from './decompress.ts';
import { InputError } from './errors.ts';

/** Longer than any line that we write. */
const LINE_MAX = 16 * 1024 * 1024;

/** Some lines of a file that follow one another. */
export interface Lines {
  /** Number of the first one, from 1. */
  readonly first: number;
  readonly lines: readonly string[];
}

/**
 * The lines of a file, plain, gzip or zstd, some at once.
 *
 * @throws InputError where it cannot be read to its end; with the line that it came to
 */
export async function* linesOf(path: string): AsyncGenerator<Lines> {
  const { bytes, compression } = await openFile(path);
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let first = 1;
  try {
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > LINE_MAX)
        throw InputError.atLine(
          path,
          first + lines.length,
          `longer than ${LINE_MAX / 1024 ** 2} MiB; is it lines at all?`,
        );
      if (lines.length > 0) yield { first, lines };
      first += lines.length;
    }
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw brokenOff(path, first, compression, cause);
  }
  rest += decoder.end();
  if (rest !== '') yield { first, lines: [rest] };
}

function brokenOff(path: string, line: number, compression: string | undefined, cause: unknown): InputError {
  if (compression === undefined) return InputError.unreadable(path, cause);
  const isCut = cause instanceof Error && 'code' in cause && /BUF_ERROR|srcSize/i.test(String(cause.code));
  const what = isCut
    ? `the ${compression} ends too early: the file was cut off`
    : `the ${compression} is damaged: ${errorText(cause)}`;
  return new InputError('bad_input', `${path}, line ${line}: ${what}. Copy it once more from where it came`, { cause });
}
