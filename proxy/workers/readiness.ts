import type { Readiness } from '../../runtime/admin.ts';

/** The parts of a worker's checks that are read here. */
interface Checks {
  readonly clowder?: object;
  readonly collector?: object;
}

/**
 * Whether all workers together are ready: every running worker must be. Their counts are summed.
 *
 * @param told each worker's readiness, or why there is none
 */
export function readinessOfAll(told: readonly (Readiness | string)[], workers: number): Readiness {
  const known = told.filter((one) => typeof one !== 'string');
  const missing = workers - known.length;
  const problem = told.find((one) => typeof one === 'string');
  const ofWorkers = {
    ok: missing <= 0,
    ...(missing > 0 && { reason: problem ?? `${missing} of ${workers} are being started` }),
  };
  const checks = known.map(({ body }): Checks => ('checks' in body && isObject(body.checks) ? body.checks : {}));
  const ready = known.length > 0 && known.every((one) => one.ready);
  return {
    ready,
    body: {
      status: ready ? 'ready' : 'unavailable',
      checks: {
        workers: ofWorkers,
        clowder: joined(checks.map(({ clowder }) => clowder)),
        collector: joined(checks.map(({ collector }) => collector)),
      },
    },
  };
}

/** Sums numbers; a boolean is false if it is false in any part, and the first reason is kept. */
function joined(parts: readonly (object | undefined)[]): object {
  const sum: Record<string, unknown> = {};
  for (const part of parts)
    for (const [name, value] of Object.entries(part ?? {})) {
      const before = sum[name];
      if (typeof value === 'number') sum[name] = (typeof before === 'number' ? before : 0) + value;
      else if (typeof value === 'boolean') sum[name] = before !== false && value;
      else sum[name] ??= value;
    }
  return sum;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
