import { getStringFromEnv } from '@opentelemetry/core';
import {
  envDetector,
  hostDetector,
  osDetector,
  processDetector,
  serviceInstanceIdDetector,
  type DetectedResourceAttributes,
  type ResourceDetector,
} from '@opentelemetry/resources';
import { redactText, redactUrl } from '../../taxonomy/redaction.ts';

/** The process, without the secrets of its command line. */
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

/** What the SDK detects unless told otherwise; undefined leaves it to OTEL_NODE_RESOURCE_DETECTORS. */
export function resourceDetectors(): ResourceDetector[] | undefined {
  if (getStringFromEnv('OTEL_NODE_RESOURCE_DETECTORS') !== undefined) return undefined;
  return [serviceInstanceIdDetector, redactedProcessDetector, hostDetector, osDetector, envDetector];
}
