import { setImmediate as nextTurn } from 'node:timers/promises';
import { releaseBytes } from '../release-bytes.ts';

/** Bytes copied before others get a turn: a few milliseconds, including the first use of the memory. */
const BLOCK_BYTES = 4 * 1024 * 1024;

/** The pieces of a body as they come. They are put together without holding a large body twice. */
export class BodyPieces {
  readonly #blocks: Uint8Array[] = [];
  #pieces: Uint8Array[] = [];
  #gathered = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#size += piece.byteLength;
    this.#gathered += piece.byteLength;
    if (this.#gathered >= BLOCK_BYTES) this.#gather();
  }

  /** The body. Nothing is left here afterwards. */
  async whole(): Promise<Uint8Array> {
    const [only] = this.#pieces;
    if (this.#blocks.length === 0)
      return this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces, this.#size);
    if (this.#gathered > 0) this.#gather();
    const whole = Buffer.allocUnsafeSlow(this.#size);
    let at = 0;
    for (const block of this.#blocks.splice(0)) {
      whole.set(block, at);
      at += block.byteLength;
      releaseBytes(block);
      await nextTurn();
    }
    return whole;
  }

  /** Nobody wants the body any more. */
  drop(): void {
    for (const block of this.#blocks.splice(0)) releaseBytes(block);
    this.#pieces = [];
  }

  #gather(): void {
    const block = Buffer.allocUnsafeSlow(this.#gathered);
    let at = 0;
    for (const piece of this.#pieces) {
      block.set(piece, at);
      at += piece.byteLength;
    }
    this.#blocks.push(block);
    this.#pieces = [];
    this.#gathered = 0;
  }
}
