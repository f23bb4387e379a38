import cluster from 'node:cluster';
import { errorText } from '../../runtime/error-text.ts';
import type { RunningProxy } from '../proxy.ts';
import { askSchema, type Answers, type Question, type Told } from './messages.ts';

/** Where a worker is told to listen, whatever its settings say: port 0 is the same one for all. */
export const WORKER_PORT = 'CLOWDER_OTEL_WORKER_PORT';

/** Where this process listens if it is one of several workers of a proxy; undefined if it is not. */
export function workerPort(): number | undefined {
  const port = Number(process.env[WORKER_PORT] ?? NaN);
  return cluster.isWorker && Number.isInteger(port) ? port : undefined;
}

/**
 * Answers the primary for this worker, and tells it that it listens.
 *
 * @param onStop called when it is to stop, and when the primary is gone: nobody hands it connections any more
 */
export function joinPrimary(proxy: RunningProxy, onStop: () => void): void {
  const answers: { readonly [Q in Question]: () => Promise<Answers[Q]> } = {
    readiness: async () => (await proxy.pages()).readiness(),
    figures: async () => (await proxy.pages()).registry.getMetricsAsJSON(),
  };
  const tell = (message: Told): void => void process.send?.(message);
  process.on('message', (message: unknown) => {
    const { success, data } = askSchema.safeParse(message);
    if (!success) return;
    if ('stop' in data) return onStop();
    const { ask, id } = data;
    answers[ask]().then(
      (answer) => tell({ id, answer }),
      (error: unknown) => tell({ id, failed: errorText(error) }),
    );
  });
  // Before Node's own listener, which would end the process with all that is in flight.
  process.prependOnceListener('disconnect', () => {
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
    onStop();
  });
  tell({ listening: proxy.url });
}
