import { isSecretSetting, shown } from '../../runtime/config/blank.ts';
import { isUnset, type Given } from '../../runtime/config/source.ts';
import { httpUrl, integer, list, number, oneOf, type Value } from '../../runtime/config/values.ts';

const SIGNALS = ['', 'TRACES_', 'LOGS_', 'METRICS_'] as const;
const PROTOCOLS = ['grpc', 'http/protobuf', 'http/json'] as const;

const pairs = list((entry) => /^[^=]+=/.test(entry), 'pairs such as name=value');
const exporters = (...names: readonly string[]): Value<string> =>
  list((entry) => names.includes(entry), `a list of ${names.join(', ')}`);
const milliseconds = number('a number of milliseconds', { above: 0 });
const count = integer({ least: 1 });
/** gRPC targets need no scheme, and have other schemes. */
const grpcTarget: Value<string> = {
  mayBe: 'an address such as http://127.0.0.1:4317',
  parse: (given) => (typeof given === 'string' && /^\S+$/.test(given.trim()) ? given : undefined),
};

/** The SDK's settings that decide whether and where events are sent, with the valid values of each. */
const SETTINGS: ReadonlyMap<string, Value<unknown>> = new Map<string, Value<unknown>>([
  ...SIGNALS.flatMap((signal): [string, Value<unknown>][] => [
    [`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`, httpUrl],
    [`OTEL_EXPORTER_OTLP_${signal}PROTOCOL`, oneOf(PROTOCOLS)],
    [`OTEL_EXPORTER_OTLP_${signal}HEADERS`, pairs],
    [`OTEL_EXPORTER_OTLP_${signal}TIMEOUT`, milliseconds],
    [`OTEL_EXPORTER_OTLP_${signal}COMPRESSION`, oneOf(['gzip', 'none'])],
  ]),
  ['OTEL_TRACES_EXPORTER', exporters('otlp', 'console', 'none')],
  ['OTEL_LOGS_EXPORTER', exporters('otlp', 'console', 'none')],
  ['OTEL_METRICS_EXPORTER', exporters('otlp', 'console', 'prometheus', 'none')],
  ['OTEL_RESOURCE_ATTRIBUTES', pairs],
  ['OTEL_SDK_DISABLED', oneOf(['true', 'false', 'TRUE', 'FALSE', 'True', 'False'])],
  ['OTEL_TRACES_SAMPLER', oneOf(['always_on', 'always_off', 'traceidratio', 'parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'])],
  ['OTEL_TRACES_SAMPLER_ARG', number('a number', { least: 0, most: 1 })],
  // For batches of spans and of log records, which carry the events.
  ...['BSP', 'BLRP'].flatMap((batch): [string, Value<unknown>][] => [
    [`OTEL_${batch}_MAX_QUEUE_SIZE`, count],
    [`OTEL_${batch}_MAX_EXPORT_BATCH_SIZE`, count],
    [`OTEL_${batch}_SCHEDULE_DELAY`, milliseconds],
    [`OTEL_${batch}_EXPORT_TIMEOUT`, milliseconds],
  ]),
  ['OTEL_METRIC_EXPORT_INTERVAL', milliseconds],
  ['OTEL_METRIC_EXPORT_TIMEOUT', milliseconds],
]); // prettier-ignore

export interface OtelProblem {
  readonly name: string;
  /** One sentence: the name, its value and the valid values. No secrets. */
  readonly message: string;
}

/** What is wrong with the SDK's settings. The SDK itself would use its defaults, which send to this machine. */
export function otelProblems(given: Given): OtelProblem[] {
  const problems: OtelProblem[] = [];
  for (const [name, usual] of SETTINGS) {
    const value = given[name];
    if (isUnset(value)) continue;
    const rule = name.endsWith('ENDPOINT') && protocolOf(name, given) === 'grpc' ? grpcTarget : usual;
    if (rule.parse(typeof value === 'string' ? value.trim() : String(value)) !== undefined) continue;
    problems.push({ name, message: `${name} was ${shown(value, isSecretSetting(name))}: it may be ${rule.mayBe}` });
  }
  return problems;
}

/** The protocol used at the endpoint of this name. */
function protocolOf(endpoint: string, given: Given): unknown {
  const own = given[endpoint.replace('ENDPOINT', 'PROTOCOL')];
  return isUnset(own) ? given['OTEL_EXPORTER_OTLP_PROTOCOL'] : own;
}
