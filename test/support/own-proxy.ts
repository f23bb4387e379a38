import type { CaptureResult, RequestHead } from '../../instrumentation/capture/types.ts';
import { startCapture } from '../../instrumentation/capture/start-capture.ts';
import { startProxy, type RunningProxy } from '../../proxy/proxy.ts';
import { parseProxySettings } from '../../proxy/settings.ts';
import type { Outcome } from '../../instrumentation/telemetry/server-request.ts';
import { startRawServer, type OnBytes, type RawServer } from './raw-http.ts';

/** What the proxy observed of one request. */
export interface Watched extends CaptureResult, Outcome {
  readonly head: RequestHead;
}

/** Our proxy in the test's own process, with real capture and no SDK. */
export interface OwnProxy extends AsyncDisposable {
  readonly port: number;
  readonly running: RunningProxy;
  /** Finished requests, in order of completion. */
  readonly watched: readonly Watched[];
  readonly logged: readonly { readonly level: string; readonly fields: object; readonly message: string }[];
}

/** Used for every request's span. */
const SPAN_ID = 'b7ad6b7169203331';
export const TRACEPARENT = `00-0af7651916cd43dd8448eb211c80319c-${SPAN_ID}-01`;

/** @param settings by name; the proxy listens on a free port of 127.0.0.1 */
export async function startOwnProxy(
  target: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnProxy> {
  const watched: Watched[] = [];
  const logged: { level: string; fields: object; message: string }[] = [];
  const logAs = (level: string) => (fields: object, message: string) => void logged.push({ level, fields, message });
  const trustForwarded = settings['PROXY_X_FORWARDED'] === 'append';
  const running = await startProxy({
    settings: parseProxySettings({ PROXY_LISTEN: '127.0.0.1:0', PROXY_TARGET: target, ...settings }),
    log: { debug: logAs('debug'), info: logAs('info'), warn: logAs('warn'), error: logAs('error') },
    observer: {
      startCapture: (head) => startCapture(head, { source: 'proxy', clowder: 'auto', contextPath: '', trustForwarded }),
      telemetry: {
        start: (head, capture) => ({
          context: NO_CONTEXT,
          traceId: '0af7651916cd43dd8448eb211c80319c',
          requestId: SPAN_ID,
          forwardHeaders: () => ({
            traceparent: TRACEPARENT,
            tracestate: capture.mayBeEvent ? `clowder=${SPAN_ID}` : undefined,
          }),
          end: (outcome) => {
            watched.push({
              head,
              ...outcome,
              ...capture.end(outcome.complete, '0af7651916cd43dd8448eb211c80319c', SPAN_ID),
            });
          },
        }),
      },
    },
  });
  return {
    port: Number(new URL(running.url).port),
    running,
    watched,
    logged,
    [Symbol.asyncDispose]: () => running.stop(),
  };
}

/** A Clowder whose bytes the test controls, with our proxy in front. */
export async function behindProxy(
  stack: AsyncDisposableStack,
  onBytes: OnBytes,
  settings: Readonly<Record<string, string>> = {},
): Promise<{ clowder: RawServer; proxy: OwnProxy }> {
  const clowder = stack.use(await startRawServer(onBytes));
  // Disposed of first, so that it can finish what is in flight.
  const proxy = stack.use(await startOwnProxy(clowder.url, { PROXY_DRAIN_S: '0.2', ...settings }));
  return { clowder, proxy };
}

const NO_CONTEXT = {
  getValue: () => undefined,
  setValue: () => NO_CONTEXT,
  deleteValue: () => NO_CONTEXT,
};
