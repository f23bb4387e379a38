import cluster from 'node:cluster';
import { errorText } from '../../runtime/error-text.ts';
import type { RunningProxy } from '../proxy.ts';
import { askSchema, type Answers, type Question, type Told } from './messages.ts';

/** The port on which a worker must listen, whatever its settings say: with port 0, all must use the same one. */
export const WORKER_PORT = 'CLOWDER_OTEL_WORKER_PORT';

/** The port of this process if it is a worker of a proxy; undefined if it is not. */
export function workerPort(): number | undefined {
  const port = Number(process.env[WORKER_PORT] ?? NaN);
  return cluster.isWorker && Number.isInteger(port) ? port : undefined;
}

/**
 * Answers the primary's questions for this worker, and reports that it listens.
 *
 * @param onStop called when the worker must stop, also when the primary is gone and nothing distributes connections any more
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
  // Runs before Node's own listener, which would end the process and all requests in flight.
  process.prependOnceListener('disconnect', () => {
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
    onStop();
  });
  tell({ listening: proxy.url });
}
