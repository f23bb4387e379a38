import { fileURLToPath } from 'node:url';
import { freePort, startProcess } from './processes.ts';
import { toolPath } from './tools.ts';
import { answersOk, waitFor } from './wait-for.ts';

/** The real Jaeger with in-memory storage. */
export interface Jaeger extends AsyncDisposable {
  /** URL of OTLP/HTTP (`/v1/traces`). */
  readonly otlpUrl: string;
  /** URL of its query API and pages. */
  readonly url: string;
  output(): string;
  /** Spans of one trace, by id (32 hex digits); empty until Jaeger has the trace. */
  trace(traceId: string): Promise<readonly JaegerSpan[]>;
  /** Ids of a service's traces that have a span with all these tags. */
  find(service: string, tags: Readonly<Record<string, string>>): Promise<readonly string[]>;
  /**
   * Spans of one trace, once the condition holds for them.
   *
   * @throws Error naming what was waited for
   */
  waitForTrace(
    traceId: string,
    condition: (spans: readonly JaegerSpan[]) => boolean,
    what: string,
  ): Promise<readonly JaegerSpan[]>;
}

/** A span from the query API, with references and processes resolved. */
export interface JaegerSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  /** Spans of other traces that it links to. */
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly name: string;
  readonly service: string;
  readonly tags: Tags;
  /** Span events; `event` has the name. */
  readonly events: readonly Tags[];
}

type Tags = Readonly<Record<string, string | number | boolean>>;

interface Tag {
  readonly key: string;
  readonly value: string | number | boolean;
}

/** The parts of the query API's answer that are read here. */
interface Answer {
  readonly data: readonly {
    readonly traceID: string;
    readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
    readonly spans: readonly {
      readonly spanID: string;
      readonly operationName: string;
      readonly processID: string;
      readonly references: readonly { readonly refType: string; readonly traceID: string; readonly spanID: string }[];
      readonly tags: readonly Tag[];
      readonly logs: readonly { readonly fields: readonly Tag[] }[];
    }[];
  }[];
}

const CONFIG = fileURLToPath(new URL('../../otel-config/jaeger.yaml', import.meta.url));

/**
 * Starts Jaeger with the shipped configuration on free ports, and waits until it is healthy.
 *
 * @throws Error with Jaeger's output if it does not come up
 */
export async function startJaeger(): Promise<Jaeger> {
  const [otlp, http, grpc, health] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const running = await startProcess(toolPath('jaeger'), ['--config', CONFIG], {
    env: {
      JAEGER_OTLP_PORT: String(otlp),
      JAEGER_QUERY_PORT: String(http),
      JAEGER_QUERY_GRPC_PORT: String(grpc),
      JAEGER_HEALTH_PORT: String(health),
    },
    ready: () => answersOk(`http://127.0.0.1:${health}/status`),
  });
  const url = `http://127.0.0.1:${http}`;
  const trace = async (traceId: string): Promise<readonly JaegerSpan[]> =>
    spansOf(await ask(`${url}/api/traces/${traceId}`));
  return {
    url,
    otlpUrl: `http://127.0.0.1:${otlp}`,
    output: () => running.output(),
    trace,
    find: async (service, tags) => {
      const query = new URLSearchParams({ service, tags: JSON.stringify(tags), limit: '100', lookback: '1h' });
      return (await ask(`${url}/api/traces?${query.toString()}`)).data.map((one) => one.traceID.padStart(32, '0'));
    },
    waitForTrace: (traceId, condition, what) =>
      waitFor(
        async () => {
          const spans = await trace(traceId);
          return condition(spans) && spans;
        },
        { what, everyMs: 100 },
      ),
    [Symbol.asyncDispose]: async () => {
      await running.kill();
    },
  };
}

async function ask(url: string): Promise<Answer> {
  const response = await fetch(url);
  const text = await response.text();
  // The trace is not there yet.
  if (response.status === 404) return { data: [] };
  if (!response.ok) throw new Error(`Jaeger answered ${response.status}: ${text}`);
  return JSON.parse(text) as Answer;
}

function spansOf({ data }: Answer): readonly JaegerSpan[] {
  return data.flatMap(({ traceID, processes, spans }) =>
    spans.map((span) => ({
      traceId: traceID.padStart(32, '0'),
      spanId: span.spanID,
      parentId: span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
      links: span.references
        .filter(({ refType }) => refType === 'FOLLOWS_FROM')
        .map((one) => ({ traceId: one.traceID.padStart(32, '0'), spanId: one.spanID })),
      name: span.operationName,
      service: processes[span.processID]?.serviceName ?? '',
      tags: toTags(span.tags),
      events: span.logs.map(({ fields }) => toTags(fields)),
    })),
  );
}

const toTags = (tags: readonly Tag[]): Tags => Object.fromEntries(tags.map(({ key, value }) => [key, value]));
