import type { Attributes } from '../../taxonomy/telemetry.ts';

/**
 * Attributes that are read when first asked for, as most records need none of their resource.
 *
 * @returns a function that gives the same each time, or throws the same where they cannot be read
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
