import { getStringListFromEnv } from '@opentelemetry/core';
import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  osDetector,
  processDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  type DetectedResourceAttributes,
  type Resource,
  type ResourceDetector,
} from '@opentelemetry/resources';
import { redactText, redactUrl } from '../../taxonomy/redaction.ts';

/** The process, without the secrets in its command line. */
export const redactedProcessDetector: ResourceDetector = {
  detect(config) {
    const { attributes = {} } = processDetector.detect(config);
    const redacted: DetectedResourceAttributes = { ...attributes };
    const args = attributes['process.command_args'];
    if (Array.isArray(args)) {
      redacted['process.command_args'] = args.map((argument) => redactText(redactUrl(String(argument))));
    }
    return { attributes: redacted };
  },
};

/** By their names in OTEL_NODE_RESOURCE_DETECTORS, in the SDK's order: later ones win. */
const DETECTORS: Readonly<Record<string, ResourceDetector>> = {
  serviceinstance: serviceInstanceIdDetector,
  process: redactedProcessDetector,
  host: hostDetector,
  os: osDetector,
  env: envDetector,
};

/**
 * The resource as the SDK would detect it: OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME, host, process, …
 *
 * @param serviceName used if the environment gives none
 */
export function detectedResource(serviceName: string | undefined): Resource {
  const names = new Set(getStringListFromEnv('OTEL_NODE_RESOURCE_DETECTORS') ?? ['all']);
  const detectors = Object.entries(DETECTORS)
    .filter(([name]) => !names.has('none') && (names.has('all') || names.has(name)))
    .map(([, detector]) => detector);
  const named = serviceName === undefined ? {} : { 'service.name': serviceName };
  return defaultResource().merge(resourceFromAttributes(named)).merge(detectResources({ detectors }));
}
