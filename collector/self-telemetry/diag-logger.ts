import type { DiagLogger } from '@opentelemetry/api';
import type { Logger } from '../../runtime/logging.ts';
import { errorText } from '../../runtime/error-text.ts';

const ONCE_IN_MS = 60_000;
const TEXT_MAX = 500;

/**
 * The SDK's own messages in the collector's log. An endpoint that is down fails every export: after one message of a
 * level, further ones of it are only counted for a minute.
 */
export function diagLoggerOf(
  log: Pick<Logger, 'error' | 'warn' | 'info' | 'debug' | 'trace'>,
  now = Date.now,
): DiagLogger {
  function limited(level: 'error' | 'warn'): (message: string, ...more: unknown[]) => void {
    let silentUntil = 0;
    let omitted = 0;
    return (message, ...more) => {
      if (now() < silentUntil) {
        omitted += 1;
        return;
      }
      silentUntil = now() + ONCE_IN_MS;
      // Never worse than a warning: events are not concerned.
      log.warn(
        { otel_level: level, detail: textOf(message, more), omitted },
        'own telemetry: the OTel SDK reports a problem',
      );
      omitted = 0;
    };
  }
  const plain =
    (level: 'info' | 'debug' | 'trace') =>
    (message: string, ...more: unknown[]): void =>
      log[level]({ detail: textOf(message, more) }, 'own telemetry');
  return {
    error: limited('error'),
    warn: limited('warn'),
    info: plain('info'),
    debug: plain('debug'),
    verbose: plain('trace'),
  };
}

function textOf(message: string, more: readonly unknown[]): string {
  return [message, ...more.map(errorText)].join(' ').slice(0, TEXT_MAX);
}
