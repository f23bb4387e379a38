import type { Logger } from '../../runtime/logging.ts';
import type { BrokerTls } from '../../runtime/amqp/connection.ts';
import { startAdmin, type Readiness } from '../../runtime/admin.ts';
import { systemClock } from '../../runtime/sending/clock.ts';
import type { ConfiguredSink } from '../settings/load.ts';
import { SinkMetrics } from './metrics.ts';
import { SinkRunner } from './runner.ts';

export interface SinksOptions {
  readonly sinks: readonly ConfiguredSink[];
  /** URLs of one broker each, tried in turn. */
  readonly urls: readonly string[];
  readonly tls: BrokerTls | undefined;
  readonly hashSecret: string | undefined;
  readonly admin: { readonly host: string; readonly port: number } | undefined;
  readonly log: Logger;
}

export interface RunningSinks {
  /** Finishes the batches in flight within 10 s. */
  stop(): Promise<void>;
}

const LOOK_MS = 10_000;

/** Runs the sinks independently of each other. */
export async function startSinks({ sinks, urls, tls, hashSecret, admin, log }: SinksOptions): Promise<RunningSinks> {
  const metrics = new SinkMetrics();
  const runners = sinks.map(
    (configured) => new SinkRunner({ configured, urls, tls, hashSecret, metrics, log, clock: systemClock }),
  );
  metrics.watch(runners, () => Date.now());
  const readiness = (): Readiness => {
    const ready = runners.every((runner) => runner.readiness.ok);
    const of = Object.fromEntries(runners.map((runner) => [runner.name, runner.readiness]));
    return { ready, body: { status: ready ? 'ready' : 'degraded', sinks: of } };
  };
  const listener =
    admin === undefined
      ? undefined
      : await startAdmin({ ...admin, setting: 'SINK_ADMIN' }, { registry: metrics.registry, readiness });
  for (const runner of runners) runner.start();
  const looking = setInterval(() => {
    for (const runner of runners) void runner.look();
  }, LOOK_MS);
  log.info({ sinks: runners.map(({ name }) => name), admin: listener?.url }, 'sinks are running');
  return {
    async stop() {
      clearInterval(looking);
      await Promise.all(runners.map((runner) => runner.stop()));
      await listener?.close();
    },
  };
}
