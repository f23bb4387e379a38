import { context, diag, DiagLogLevel, logs, propagation, trace } from '@opentelemetry/api';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan, Sampler } from '@opentelemetry/sdk-trace';

/** The OTel SDK of this process, recording all it receives. */
export interface RecordingSdk extends AsyncDisposable {
  readonly records: ReadableLogRecord[];
  /** Ended spans. */
  readonly spans: ReadableSpan[];
  /** Errors reported through `diag`. */
  readonly problems: string[];
}

/** Starts an SDK with global providers and context manager, as in a user's program; only one at a time. */
export function startRecordingSdk(options: { readonly sampler?: Sampler } = {}): RecordingSdk {
  const records: ReadableLogRecord[] = [];
  const spans: ReadableSpan[] = [];
  const problems: string[] = [];
  const nothing = (): Promise<void> => Promise.resolve();
  const sdk = new NodeSDK({
    autoDetectResources: false,
    instrumentations: [],
    metricReaders: [],
    logRecordProcessors: [{ onEmit: (record) => void records.push(record), forceFlush: nothing, shutdown: nothing }],
    spanProcessors: [
      {
        onStart: () => undefined,
        onEnd: (span) => void spans.push(span),
        forceFlush: nothing,
        shutdown: nothing,
      },
    ],
    ...options,
  });
  sdk.start();
  const ignore = (): void => undefined;
  diag.setLogger(
    { error: (message) => void problems.push(message), warn: ignore, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
  return {
    records,
    spans,
    problems,
    [Symbol.asyncDispose]: async () => {
      await sdk.shutdown();
      for (const api of [trace, logs, context, propagation, diag]) api.disable();
    },
  };
}
