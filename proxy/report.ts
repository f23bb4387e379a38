import { redactUrl } from '../taxonomy/redaction.ts';
import { count, type ProxyStats } from './admin/stats.ts';
import type { UpstreamError } from './upstream/index.ts';

/** The part of a pino logger used here. */
export interface ProxyLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What an exchange reports, for counters and logs. */
export interface ExchangeReport {
  started(): void;
  answered(): void;
  retried(): void;
  /** @param path of the request with its query, not redacted */
  failed(error: UpstreamError, request: { method: string; path: string; traceId: string }): void;
  clientLeft(): void;
  switched(): void;
  finished(): void;
}

/** Counts, and logs once when Clowder goes away and once when it is back. */
export function createReport(stats: ProxyStats, log: ProxyLog): ExchangeReport {
  let failures = 0;
  return {
    started: () => {
      stats.inFlight += 1;
    },
    answered: () => {
      stats.answered += 1;
      if (failures === 0) return;
      log.info({ failed_requests: failures }, 'Clowder answers again');
      failures = 0;
    },
    retried: () => {
      stats.retried += 1;
    },
    failed: (error, { method, path, traceId }) => {
      count(stats.upstreamErrors, error.code);
      const fields = { code: error.code, reason: error.message, method, url: redactUrl(path), trace_id: traceId };
      if (failures === 0) log.warn(fields, 'Clowder gave no proper answer');
      else log.debug(fields, 'Clowder gave no proper answer');
      failures += 1;
    },
    clientLeft: () => {
      stats.clientsLeft += 1;
    },
    switched: () => {
      stats.tunnels += 1;
    },
    finished: () => {
      stats.inFlight -= 1;
    },
  };
}
