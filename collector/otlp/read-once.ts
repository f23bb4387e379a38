import type { Attributes } from '../../taxonomy/telemetry.ts';

/**
 * Reads attributes when first asked for, because most records need none of their resource.
 *
 * @returns a function that returns the same attributes, or throws the same error, each time
 */
export function readOnce(read: () => Attributes): () => Attributes {
  let done: { readonly attributes: Attributes } | { readonly error: unknown } | undefined;
  return () => {
    done ??= attempt(read);
    if ('error' in done) throw done.error;
    return done.attributes;
  };
}

function attempt(read: () => Attributes): { readonly attributes: Attributes } | { readonly error: unknown } {
  try {
    return { attributes: read() };
  } catch (error) {
    return { error };
  }
}
