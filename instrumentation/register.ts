/**
 * Starts capture before the program: `node --import clowder-otel/register server.mjs`, or `--require` for CommonJS. Configure
 * it with the standard OTEL_* variables and CLOWDER_VERSION, CLOWDER_CONTEXT, CLOWDER_INSTANCE, CLOWDER_TRUST_FORWARDED,
 * CLOWDER_ENRICH_*. No top-level await here or in its imports: `--require` could not load it.
 */
import { getBooleanFromEnv } from '@opentelemetry/core';
import { start } from './register/start.ts';

const STARTED = Symbol.for('clowder-otel.registered');

if (!getBooleanFromEnv('OTEL_SDK_DISABLED') && !Reflect.has(globalThis, STARTED)) {
  Reflect.set(globalThis, STARTED, true);
  start();
}
