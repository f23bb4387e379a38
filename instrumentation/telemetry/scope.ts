/** Instrumentation scope of everything we record. */
export const SCOPE = 'clowder-otel';
