/** Frees the memory of bytes that nobody reads any more at once; V8 would do so only when it next collects. */
export function releaseBytes({ buffer }: { readonly buffer: ArrayBufferLike }): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
