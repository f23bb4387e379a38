/** Public API for other people's Node processes. The SDK is theirs, or the one that `clowder-otel/register` starts. */
export { clowderEvents, type ClowderEvents } from './events/clowder-events.ts';
export { withExtraction, type Extraction, type ExtractionOptions } from './events/extraction.ts';
export type { EventInput } from './events/properties.ts';
export { ClowderInstrumentation, type ClowderInstrumentationConfig } from './server/clowder-instrumentation.ts';
export { DomainEventProcessor, type DomainEventProcessorOptions } from './telemetry/domain-event-processor.ts';
export { RedactingSpanProcessor } from './telemetry/redacting-span-processor.ts';
