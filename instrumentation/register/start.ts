import { getStringListFromEnv } from '@opentelemetry/core';
import { isWrapped, type Instrumentation } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { ClowderInstrumentation } from '../server/clowder-instrumentation.ts';
import { enrichmentSettings } from '../server/enrich-settings.ts';
import { callerTrust, captureOptions } from '../server/settings.ts';
import { startConfiguredSdk, type ConfiguredSdk } from '../telemetry/config-file.ts';
import { flushAtExit } from '../telemetry/flush-at-exit.ts';
import { hasSdk } from '../telemetry/sdk.ts';
import { otelProblems } from '../telemetry/otel-settings.ts';
import { logToStderr, setUpTelemetry } from '../telemetry/set-up.ts';
import { hookImports } from './module-hooks.ts';
import { keepRequests } from './outgoing-requests.ts';
import { strangersBeginTraces } from './strangers.ts';
import { errorText } from '../../runtime/error-text.ts';

/** By the names used in OTEL_NODE_ENABLED_INSTRUMENTATIONS and OTEL_NODE_DISABLED_INSTRUMENTATIONS. */
const INSTRUMENTATIONS: ReadonlyMap<string, () => Instrumentation> = new Map<string, () => Instrumentation>([
  ['clowder', () => clowderInstrumentation()],
  ['http', () => new HttpInstrumentation(strangersBeginTraces(callerTrust({}, process.env, logToStderr)))],
  ['express', () => new ExpressInstrumentation()],
]);

/** Configured by the environment. Problems are logged to standard error, where the operator sees them. */
function clowderInstrumentation(): ClowderInstrumentation {
  const options = captureOptions({}, process.env, logToStderr);
  const isOff = enrichmentSettings(undefined, options.clowder, process.env, logToStderr) === undefined;
  return new ClowderInstrumentation({ ...options, ...(isOff && { enrich: false }) });
}

/** Starts the SDK with its instrumentations, or adds ours to an existing SDK, and flushes at the end. */
export function start(): void {
  const problems = otelProblems(process.env);
  for (const { message } of problems) logToStderr(message);
  // Do not fall back to another endpoint: the SDK would use this machine.
  if (problems.some(({ name }) => name.endsWith('_ENDPOINT'))) {
    logToStderr('nothing is captured or sent until that is corrected; the program itself runs as usual');
    return;
  }
  let configured: ConfiguredSdk | undefined;
  try {
    configured = startConfiguredSdk();
  } catch (error) {
    // Let the program run: it is not ours.
    logToStderr(`nothing is observed: ${errorText(error)}`);
    return;
  }
  const names = enabledNames();
  // An SDK that the program set up already has the instrumentations that it needs.
  if (hasSdk()) for (const name of names) if (name !== 'clowder') names.delete(name);
  if (names.has('express')) hookExpress();
  const described = names.has('http') ? outgoing().map(keepRequests) : [];
  const instrumentations: Instrumentation[] = [];
  for (const name of names) {
    const instrumentation = INSTRUMENTATIONS.get(name)?.();
    if (instrumentation !== undefined) instrumentations.push(instrumentation);
  }
  const telemetry = setUpTelemetry({ instrumentations, configured });
  const release = (): void => {
    for (const one of instrumentations) if (one instanceof ClowderInstrumentation) one.flush();
  };
  flushAtExit(
    () => {
      release();
      return telemetry.flush();
    },
    () => {
      release();
      telemetry.flushSync();
    },
  );
  if (names.has('http')) {
    if (!patchHttp())
      logToStderr('node:http was not patched: requests that this program makes do not carry the trace context');
    for (const describe of described) describe();
    syncBuiltinESMExports();
  }
  if (!names.has('clowder')) {
    logToStderr('nothing was patched: the instrumentation "clowder" is switched off by OTEL_NODE_*_INSTRUMENTATIONS');
  }
}

function enabledNames(): Set<string> {
  const names = new Set(getStringListFromEnv('OTEL_NODE_ENABLED_INSTRUMENTATIONS') ?? INSTRUMENTATIONS.keys());
  for (const name of getStringListFromEnv('OTEL_NODE_DISABLED_INSTRUMENTATIONS') ?? []) names.delete(name);
  return names;
}

function hookExpress(): void {
  try {
    hookImports(['express']);
  } catch (error) {
    logToStderr(`Express is instrumented only in CommonJS, because hooks for import failed: ${errorText(error)}`);
  }
}

/** The modules that make requests, before they are instrumented. */
function outgoing(): readonly object[] {
  return [process.getBuiltinModule('node:http'), process.getBuiltinModule('node:https')];
}

/**
 * The http instrumentation patches only what is required after it: require it now, so programs that import its functions by
 * name get the patched ones.
 */
function patchHttp(): boolean {
  const require = createRequire(import.meta.url);
  const modules: unknown[] = [require('node:http'), require('node:https')];
  return modules.every((module) => isPatched(module));
}

function isPatched(module: unknown): boolean {
  return typeof module === 'object' && module !== null && 'request' in module && isWrapped(module.request);
}
