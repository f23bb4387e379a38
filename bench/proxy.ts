import { fileURLToPath } from 'node:url';
import { startProxyProcess } from '../test/support/proxy-process.ts';
import { freePort, startProcess } from '../test/support/processes.ts';
import { answersOk } from '../test/support/wait-for.ts';
import type { Measure, Row } from './row.ts';
import { load } from './wrk.ts';

const SECONDS = 5;
const CONNECTIONS = 64;
/** Long enough for both sides to run on optimised code. */
const WARM_UP_SECONDS = 3;

const program = (name: string): string => fileURLToPath(new URL(`peer/${name}.ts`, import.meta.url));

/** Starts a program in bench/peer/, whose first argument is its port, and waits until it answers. */
async function startPeerProgram(
  name: string,
  args: readonly string[] = [],
  { node = [], env = {} }: { node?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const running = await startProcess(process.execPath, [...node, program(name), String(port), ...args], {
    env: { NODE_ENV: 'production', NODE_NO_WARNINGS: '1', ...env },
    ready: () => answersOk(`${url}/`),
  });
  return { url, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

/** The upstream of both proxies. */
export const startUpstream = (): Promise<{ url: string } & AsyncDisposable> => startPeerProgram('proxy-upstream');

/** Receives the telemetry of both proxies. */
export const startOtlpSink = (): Promise<{ url: string } & AsyncDisposable> => startPeerProgram('otlp-sink');

function proxyRow(name: string, target: number, stockOtel: boolean): Row {
  return {
    name,
    unit: 'requests/s',
    target,
    async start() {
      await using stack = new AsyncDisposableStack();
      const upstream = stack.use(await startUpstream());
      const sink = stack.use(await startOtlpSink());
      const ours = stack.use(
        await startProxyProcess({ target: upstream.url, otlpUrl: sink.url, flags: ['--clowder', 'v2'] }),
      );
      const peer = stack.use(
        await startPeerProgram('express-proxy', [upstream.url], {
          env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url },
          ...(stockOtel && { node: ['--import', program('stock-otel')] }),
        }),
      );
      const measure =
        (url: string, seconds: number): Measure =>
        async () => {
          const done = await load({ script: 'get-clowder.lua', args: [], url, connections: CONNECTIONS, seconds });
          return done.perSecond;
        };
      for (const { url } of [ours, peer]) await measure(url, WARM_UP_SECONDS)();
      const owned = stack.move();
      return {
        ours: measure(ours.url, SECONDS),
        peer: measure(peer.url, SECONDS),
        [Symbol.asyncDispose]: () => owned.disposeAsync(),
      };
    },
  };
}

/** The proxy with full capture, against Express with http-proxy-middleware and no instrumentation. */
export const proxy: Row = proxyRow('proxy', 1, false);

/** The proxy with full capture, against the same peer with stock OpenTelemetry: NodeSDK, http and Express instrumentations. */
export const proxyOtel: Row = proxyRow('proxy-otel', 4, true);
