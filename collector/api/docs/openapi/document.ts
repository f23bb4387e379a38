import { OpenAPIHono } from '@hono/zod-openapi';
import { registerComponents } from './components.ts';
import { ROUTES } from '../../../routes.ts';

/**
 * OpenAPI 3.1 document of the collector, from the schemas of the taxonomy and of the routes. It plays no part in handling
 * requests, so no body is parsed twice.
 */
export function openApiDocument(version: string): object {
  const app = new OpenAPIHono();
  registerComponents(app.openAPIRegistry);
  for (const entry of ROUTES.flatMap(({ documented }) => documented)) app.openAPIRegistry.registerPath(entry);
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'clowder-otel collector',
      version,
      description:
        'Accepts events of Clowder and its parts. A 202 means that the event is on disk and will reach RabbitMQ.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'events' },
      { name: 'events by type' },
      { name: 'rejected', description: 'Invalid events in telemetry, and events that RabbitMQ refuses' },
      { name: 'held', description: 'Events that no queue took' },
      { name: 'dead letters', description: 'Events that the service behind a sink will never take' },
      { name: 'usage', description: 'How much was it used' },
      { name: 'overview', description: 'What is going on' },
      { name: 'OpenTelemetry', description: 'OTLP receiver' },
      { name: 'state' },
      { name: 'descriptions', description: 'Of this API, and of the messages' },
    ],
  });
}
