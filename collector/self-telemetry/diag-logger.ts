import type { DiagLogger } from '@opentelemetry/api';
import type { Logger } from '../../runtime/logging.ts';
import { errorText } from '../../runtime/error-text.ts';

const ONCE_IN_MS = 60_000;
const TEXT_MAX = 500;

/**
 * Writes the SDK's own messages to the collector's log. If an endpoint is down, every export fails. So after one error or
 * warning, further ones of that level are only counted for a minute.
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
      // At most a warning, because events are not affected.
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
