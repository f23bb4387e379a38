import { Transform, type TransformCallback } from 'node:stream';
import { placeOf } from './place.ts';

/** Inserts something into the head of a page; anything that is no page passes unchanged. */
export class InsertInto extends Transform {
  readonly #inserted: Buffer;
  /** The beginning, kept until the place is known; then undefined. */
  #held: Buffer[] | undefined = [];

  constructor(inserted: Buffer) {
    super();
    this.#inserted = inserted;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#held === undefined) {
      done(null, chunk);
      return;
    }
    this.#held.push(chunk);
    this.#look(this.#held, false);
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#held !== undefined) this.#look(this.#held, true);
    done();
  }

  #look(held: readonly Buffer[], isAll: boolean): void {
    const beginning = Buffer.concat(held);
    const place = placeOf(beginning.toString('latin1'), isAll);
    if (place === 'later') return;
    this.#held = undefined;
    if (place === 'nowhere') {
      this.push(beginning);
      return;
    }
    this.push(beginning.subarray(0, place));
    this.push(this.#inserted);
    this.push(beginning.subarray(place));
  }
}
