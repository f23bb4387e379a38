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

/** By the names that OTEL_NODE_ENABLED_INSTRUMENTATIONS and OTEL_NODE_DISABLED_INSTRUMENTATIONS use. */
const INSTRUMENTATIONS: ReadonlyMap<string, () => Instrumentation> = new Map<string, () => Instrumentation>([
  ['clowder', () => clowderInstrumentation()],
  ['http', () => new HttpInstrumentation(strangersBeginTraces(callerTrust({}, process.env, logToStderr)))],
  ['express', () => new ExpressInstrumentation()],
]);

/** With what the environment says, and what is wrong with that told where the operator sees it. */
function clowderInstrumentation(): ClowderInstrumentation {
  const options = captureOptions({}, process.env, logToStderr);
  const isOff = enrichmentSettings(undefined, options.clowder, process.env, logToStderr) === undefined;
  return new ClowderInstrumentation({ ...options, ...(isOff && { enrich: false }) });
}

/** Starts the SDK with its instrumentations, or adds ours to the SDK that is there, and flushes at the end. */
export function start(): void {
  const problems = otelProblems(process.env);
  for (const { message } of problems) logToStderr(message);
  // Somewhere else is no place for them: the SDK would take this machine.
  if (problems.some(({ name }) => name.endsWith('_ENDPOINT'))) {
    logToStderr('nothing is captured or sent until that is corrected; the program itself runs as usual');
    return;
  }
  let configured: ConfiguredSdk | undefined;
  try {
    configured = startConfiguredSdk();
  } catch (error) {
    // The program goes on: it is not ours.
    logToStderr(`nothing is observed: ${errorText(error)}`);
    return;
  }
  const names = enabledNames();
  // An SDK that somebody else set up has the instrumentations that they want.
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

/** What makes requests in this process, as it is before the instrumentation has it. */
function outgoing(): readonly object[] {
  return [process.getBuiltinModule('node:http'), process.getBuiltinModule('node:https')];
}

/**
 * The http instrumentation patches what is required after it: so require it, and hand the patched functions on to those
 * who import them by name.
 */
function patchHttp(): boolean {
  const require = createRequire(import.meta.url);
  const modules: unknown[] = [require('node:http'), require('node:https')];
  return modules.every((module) => isPatched(module));
}

function isPatched(module: unknown): boolean {
  return typeof module === 'object' && module !== null && 'request' in module && isWrapped(module.request);
}
