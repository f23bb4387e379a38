/** Name of the instrumentation scope of everything we record. */
export const SCOPE = 'clowder-otel';
