import type { PublisherState } from '../../exporter/publisher.ts';

/** The part of a pino logger that is used here. */
export interface BrokerLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

const AWAY = 'not connected to RabbitMQ: events wait in the journal';

/**
 * Logs once when RabbitMQ goes away, and once when it is back, with the duration. Attempts in between are logged at debug.
 * The same goes for a RabbitMQ that blocks publishers.
 *
 * @param now Unix time in milliseconds
 * @returns a listener for `PublisherOptions.onStateChange`
 */
export function createBrokerLog(log: BrokerLogger, now: () => number): (state: PublisherState) => void {
  let awaySinceMs: number | undefined;
  let connected = false;
  let blocked = false;
  return function logState(state) {
    const { broker } = state;
    if (!state.connected) {
      const level = awaySinceMs === undefined ? 'warn' : 'debug';
      log[level]({ reason: state.lastError?.message }, AWAY);
      awaySinceMs ??= now();
    } else if (!connected) {
      const away = awaySinceMs === undefined ? {} : { away_s: Math.round((now() - awaySinceMs) / 1000) };
      log.info({ broker, ...away }, 'connected to RabbitMQ');
      awaySinceMs = undefined;
    } else if (state.blocked && !blocked) {
      log.warn({ broker }, 'RabbitMQ has blocked publishers (memory or disk alarm): events wait in the journal');
    } else if (!state.blocked && blocked) log.info({ broker }, 'RabbitMQ takes events again');
    connected = state.connected;
    blocked = state.connected && state.blocked;
  };
}
