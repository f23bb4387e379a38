import { Writable } from 'node:stream';

/** A terminal with this many columns and no colours, or a pipe, with the text written to it. */
export function streamOf(columns: number | undefined): { stream: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  const terminal = columns === undefined ? {} : { isTTY: true, columns, getColorDepth: () => 1 };
  return { stream: Object.assign(stream, terminal) as unknown as NodeJS.WriteStream, text: () => text };
}
