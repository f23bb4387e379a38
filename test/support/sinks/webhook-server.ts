import { createHmac } from 'node:crypto';
import { webhookSink } from '../../../sinks/services/webhook/webhook.ts';
import { startFakeService, type ServiceRequest } from './fake-service.ts';
import type { SinkHarness } from './harness.ts';

const SECRET = 'the secret of a contract';

/** A receiver that checks signatures as documented and keeps what arrives. */
export const webhookHarness: SinkHarness = {
  definition: webhookSink,
  faults: ['throttled', 'failing', 'silent', 'cut', 'drip', 'half_stored', 'small', 'unauthorised', 'away'],
  refuses: 'unnamed',
  async start() {
    const stored: { readonly event_id: string }[] = [];
    const complaints: string[] = [];
    let refused: ReadonlySet<string> = new Set();
    const eventsOf = ({ body }: ServiceRequest): { readonly event_id: string }[] =>
      JSON.parse(body.toString('utf8')) as { event_id: string }[];
    const service = await startFakeService({
      eventsIn: (request) => eventsOf(request).length,
      storeHalf: (request) => {
        const events = eventsOf(request);
        stored.push(...events.slice(0, events.length / 2));
      },
      handle: (request) => {
        complaints.push(...complaintsAbout(request));
        const events = eventsOf(request);
        if (events.some(({ event_id: id }) => refused.has(id))) return { status: 422, body: 'one of these is no good' };
        stored.push(...events);
        return { status: 200, body: '{"ok":true}' };
      },
    });
    return {
      settings: { url: `${service.url}/hook`, secret: SECRET },
      fault: (name) => service.fault(name),
      heal: () => service.heal(),
      refuse: (ids) => {
        refused = new Set(ids);
      },
      storedIds: async () => stored.map(({ event_id: id }) => id),
      storedText: async () => service.requests.map(({ body }) => body.toString('utf8')).join('\n'),
      complaints: () => complaints,
      [Symbol.asyncDispose]: () => service[Symbol.asyncDispose](),
    };
  },
};

function complaintsAbout({ headers, body }: ServiceRequest): readonly string[] {
  const { 'webhook-id': id = '', 'webhook-timestamp': timestamp = '', 'webhook-signature': signature } = headers;
  const expected = createHmac('sha256', SECRET)
    .update(`${id}.${timestamp}.${body.toString('utf8')}`)
    .digest('base64');
  return [
    ...(signature === `v1,${expected}` ? [] : [`the signature of ${id} was ${signature}`]),
    ...(Math.abs(Date.now() / 1000 - Number(timestamp)) < 300 ? [] : [`the time of ${id} was ${timestamp}`]),
    ...(body.length <= 1024 ** 2 ? [] : [`${id} was ${body.length} bytes`]),
  ];
}
