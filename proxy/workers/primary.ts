import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { AggregatorRegistry } from 'prom-client';
import { startAdmin, type Readiness } from '../../runtime/admin.ts';
import { errorText } from '../../runtime/error-text.ts';
import { listenError } from '../../runtime/listen-error.ts';
import type { HttpServer } from '../../runtime/listener.ts';
import { backOff } from '../../runtime/sending/back-off.ts';
import type { ProxyLog } from '../report.ts';
import type { ProxySettings } from '../settings.ts';
import { readinessOfAll } from './readiness.ts';
import { toldSchema, type Answers, type Ask, type Question } from './messages.ts';
import { WORKER_PORT } from './worker.ts';

export interface PrimaryOptions {
  readonly workers: number;
  readonly settings: Pick<ProxySettings, 'PROXY_ADMIN' | 'PROXY_LISTEN'>;
  readonly log: ProxyLog;
}

/** Several processes that act as one proxy. */
export interface RunningWorkers {
  readonly url: string;
  readonly adminUrl: string | undefined;
  /** Makes each worker read certificate and key again. */
  reloadTls(): void;
  /** Stops all workers; each finishes its requests in flight. */
  stop(): Promise<void>;
}

/** A worker ended before it listened, and has itself reported why. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
  readonly code = 'worker_ended';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`a worker of the proxy ended with ${exitCode} before it listened`);
    this.exitCode = exitCode;
  }
}

const ANSWER_MS = 5000;
const PAUSES = { first: 500, longest: 30_000 };
/** A worker that ran this long did not fail at start. */
const SETTLED_MS = 60_000;

/** Finds a free port first: processes that share an address do not notice other programs on it. @throws ListenError */
async function findAddress(address: ProxySettings['PROXY_LISTEN']): Promise<AddressInfo> {
  const server = createServer().listen(address);
  await once(server, 'listening').catch((cause: unknown) => {
    throw listenError(cause, { ...address, setting: 'PROXY_LISTEN' });
  });
  const found = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return found;
}

/**
 * Starts this program several times as workers that share its address; the system distributes the connections. A worker that
 * ends unasked is started again.
 *
 * @throws WorkerError if the first one ends before it listens
 * @throws ListenError if an address cannot be listened on
 */
export async function startWorkers({ workers, settings, log }: PrimaryOptions): Promise<RunningWorkers> {
  const pending = new Map<number, PromiseWithResolvers<unknown>>();
  let asked = 0;
  let failures = 0;
  let stopping = false;

  const { port } = await findAddress(settings.PROXY_LISTEN);
  const url = await start();
  const admin = settings.PROXY_ADMIN === undefined ? undefined : await openAdmin(settings.PROXY_ADMIN);
  await Promise.all(Array.from({ length: workers - 1 }, start));
  log.info({ url, workers, admin: admin?.url }, 'proxy is listening');

  /** @returns the URL where the worker listens */
  function start(): Promise<string> {
    const listening = Promise.withResolvers<string>();
    const worker = cluster.fork({ [WORKER_PORT]: String(port) });
    const startedMs = performance.now();
    let listens = false;
    worker.on('message', (message: unknown) => {
      const { success, data } = toldSchema.safeParse(message);
      if (!success) return;
      if ('listening' in data) {
        listens = true;
        listening.resolve(data.listening);
      } else if ('answer' in data) pending.get(data.id)?.resolve(data.answer);
      else pending.get(data.id)?.reject(new Error(data.failed));
    });
    worker.on('error', (error) => log.error({ err: error }, 'a worker of the proxy cannot be talked to'));
    worker.on('exit', (code: number | null, signal: string | null) => {
      listening.reject(new WorkerError(code ?? 1));
      if (stopping || !listens) return;
      log.error({ pid: worker.process.pid, code, signal }, 'a worker of the proxy ended; another takes its place');
      if (performance.now() - startedMs > SETTLED_MS) failures = 0;
      void startAgain();
    });
    return listening.promise;
  }

  async function startAgain(): Promise<void> {
    for (;;) {
      failures += 1;
      await delay(backOff(failures, PAUSES, Math.random));
      if (stopping) return;
      try {
        await start();
        return;
      } catch (error) {
        log.error({ err: error }, 'a worker of the proxy could not be started; trying again');
      }
    }
  }

  const alive = (): readonly Worker[] =>
    Object.values(cluster.workers ?? {}).flatMap((worker) => (worker?.isConnected() === true ? [worker] : []));

  async function ask<Q extends Question>(worker: Worker, question: Q): Promise<Answers[Q]> {
    const id = (asked += 1);
    const answer = Promise.withResolvers<unknown>();
    pending.set(id, answer);
    const late = setTimeout(() => answer.reject(new Error('a worker does not answer')), ANSWER_MS);
    const gone = (): void => answer.reject(new Error('a worker has ended'));
    worker.once('exit', gone);
    try {
      worker.send({ ask: question, id } satisfies Ask);
      // Unchecked: the worker is the same program in the same version.
      return (await answer.promise) as Answers[Q];
    } finally {
      clearTimeout(late);
      worker.off('exit', gone);
      pending.delete(id);
    }
  }

  async function openAdmin(address: { host: string; port: number }): Promise<HttpServer> {
    const readiness = async (): Promise<Readiness> => {
      if (stopping) return { ready: false, body: { status: 'stopping' } };
      const told = await Promise.allSettled(alive().map((worker) => ask(worker, 'readiness')));
      return readinessOfAll(
        told.map((one) => (one.status === 'fulfilled' ? one.value : errorText(one.reason))),
        workers,
      );
    };
    const registry = {
      contentType: AggregatorRegistry.PROMETHEUS_CONTENT_TYPE,
      metrics: async () => {
        const figures = await Promise.all(alive().map((worker) => ask(worker, 'figures')));
        return AggregatorRegistry.aggregate(figures).metrics();
      },
    };
    return startAdmin({ ...address, setting: 'PROXY_ADMIN' }, { readiness, registry });
  }

  async function stop(): Promise<void> {
    stopping = true;
    log.info({ workers: alive().length }, 'stopping');
    await Promise.all(
      Object.values(cluster.workers ?? {}).map(
        (worker) =>
          new Promise<void>((resolve) => {
            if (worker === undefined || worker.isDead()) return resolve();
            worker.once('exit', () => resolve());
            // Not a signal: a user who signals the whole process group would send it twice.
            worker.send({ stop: true } satisfies Ask);
          }),
      ),
    );
    await admin?.close();
  }

  return {
    url,
    adminUrl: admin?.url,
    reloadTls: () => {
      for (const worker of alive()) worker.process.kill('SIGHUP');
    },
    stop,
  };
}
