import { SpanKind, trace } from '@opentelemetry/api';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { startRecordingSdk } from '../../test/support/recording-sdk.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { ClowderInstrumentation } from './clowder-instrumentation.ts';

test('an instrumentation registered after the http instrumentation still finds its span', async () => {
  await using sdk = startRecordingSdk();
  const http = new HttpInstrumentation();
  createRequire(import.meta.url)('node:http');
  const clowder = new ClowderInstrumentation({ clowder: 'v1' });
  let inHandler = '';
  const server = createServer((_request, response) => {
    inHandler = trace.getActiveSpan()?.spanContext().traceState?.serialize() ?? '';
    response.setHeader('listeners', server.listenerCount('request')).end('bytes');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given');
  try {
    const answer = await fetch(`http://127.0.0.1:${address.port}/api/files/5f1e00000000000000000001/blob`);
    expect(http.isEnabled()).toBe(true);
    expect(answer.headers.get('listeners')).toBe('1');
    expect(await answer.text()).toBe('bytes');
    const ended = await waitFor(() => sdk.spans.find(({ kind }) => kind === SpanKind.SERVER), { what: 'the span' });
    expect(sdk.spans.filter(({ kind }) => kind === SpanKind.SERVER)).toHaveLength(1);
    expect(ended.instrumentationScope.name).toBe('@opentelemetry/instrumentation-http');
    expect(ended.attributes['clowder.route']).toBe('/api/files/:id/blob');
    expect(inHandler).toBe(`clowder=${ended.spanContext().spanId}`);
    expect(sdk.records.map(({ eventName }) => eventName)).toEqual(['clowder.view.download']);
  } finally {
    clowder.disable();
    server.closeAllConnections();
    server.close();
  }
});
