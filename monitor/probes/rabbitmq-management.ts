import { z } from 'zod';
import type { ManagementSettings } from '../config/management.ts';
import type { Measures } from '../reading.ts';
import { readCa } from './connection.ts';
import { timedRequest } from './http-request.ts';
import { errorText } from '../../runtime/error-text.ts';

/** The figures of the management API; if it does not answer properly, only the reason. */
interface Figures {
  readonly error: string | undefined;
  readonly measures: Measures;
}

export interface ManagementClient {
  /** Alarms, connections, rates, and the shortest uptime of the cluster's nodes. */
  broker(signal: AbortSignal): Promise<Figures>;
  /** Rates and unacknowledged messages of a queue. */
  queue(name: string, signal: AbortSignal): Promise<Figures>;
  /**
   * Messages of a queue that were taken and not acknowledged, and how often a message was acknowledged or redelivered.
   *
   * @throws Error if the API does not answer properly
   */
  taken(name: string, signal: AbortSignal): Promise<{ readonly unacknowledged: number; readonly turns: number }>;
}

const BODY_KEPT = 16 * 1024 * 1024;
const rate = z.object({ rate: z.number().nonnegative() }).optional();
const rates = z.object({ publish_details: rate, deliver_get_details: rate }).optional();
const overview = z.object({
  rabbitmq_version: z.string().optional(),
  message_stats: rates,
  object_totals: z.object({ connections: z.number().optional() }).optional(),
});
const nodes = z.array(
  z.object({
    name: z.string(),
    running: z.boolean().optional(),
    mem_alarm: z.boolean().optional(),
    disk_free_alarm: z.boolean().optional(),
    uptime: z.number().optional(),
  }),
);
const connections = z.array(z.object({ state: z.string().optional() }));
const queueFigures = z.object({ messages_unacknowledged: z.number().optional(), message_stats: rates });
const takenFigures = z.object({
  messages_unacknowledged: z.number().default(0),
  message_stats: z.object({ ack: z.number().default(0), redeliver: z.number().default(0) }).optional(),
});

/** RabbitMQ's management API for one virtual host. */
export function managementClient(settings: ManagementSettings, vhost: string): ManagementClient {
  const { user = 'guest', password = 'guest' } = settings;
  const base = settings.url.replace(/\/+$/, '');
  const headers = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };

  async function get<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const chunks: Buffer[] = [];
    let kept = 0;
    const { status, certificateProblem } = await timedRequest({
      url: `${base}/api/${path}`,
      method: 'GET',
      headers,
      redirects: 0,
      redirectOrigins: [],
      ca: readCa(settings.ca_file),
      signal,
      onData: (chunk) => {
        kept += chunk.length;
        if (kept > BODY_KEPT) throw new Error('its answer is too long');
        chunks.push(chunk);
      },
    });
    if (status !== 200) throw new Error(certificateProblem ?? `HTTP ${status} of /api/${path.split('?')[0]}`);
    return schema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  }

  const pathOf = (queue: string): string => `queues/${encodeURIComponent(vhost)}/${encodeURIComponent(queue)}`;

  return {
    broker: (signal) =>
      figures(async () => {
        const [all, alarms, open] = await Promise.all([
          get('overview', overview, signal),
          get('nodes', nodes, signal),
          get('connections?columns=state', connections, signal),
        ]);
        const memory = alarms.filter((node) => node.mem_alarm === true).map((node) => node.name);
        const disk = alarms.filter((node) => node.disk_free_alarm === true).map((node) => node.name);
        const gone = alarms.filter((node) => node.running === false).map((node) => node.name);
        const uptimes = alarms.flatMap((node) => (node.uptime === undefined ? [] : [node.uptime / 1000]));
        const wrong = [
          ...(memory.length > 0 ? [`memory alarm of ${memory.join(', ')}`] : []),
          ...(disk.length > 0 ? [`disk alarm of ${disk.join(', ')}`] : []),
          ...(gone.length > 0 ? [`not running: ${gone.join(', ')}`] : []),
        ];
        return {
          error: wrong.length > 0 ? wrong.join('; ') : undefined,
          measures: {
            version: all.rabbitmq_version,
            ...ratesOf(all.message_stats),
            memory_alarm: memory.length > 0,
            disk_alarm: disk.length > 0,
            broker_connections: all.object_totals?.connections ?? open.length,
            blocked_connections: open.filter(({ state }) => state === 'blocked' || state === 'blocking').length,
            ...(uptimes.length > 0 && { reported_uptime_s: Math.min(...uptimes) }),
          },
        };
      }),
    queue: (name, signal) =>
      figures(async () => {
        const { messages_unacknowledged, message_stats } = await get(pathOf(name), queueFigures, signal);
        return { error: undefined, measures: { messages_unacknowledged, ...ratesOf(message_stats) } };
      }),
    async taken(name, signal) {
      const { messages_unacknowledged: unacknowledged, message_stats } = await get(pathOf(name), takenFigures, signal);
      return { unacknowledged, turns: (message_stats?.ack ?? 0) + (message_stats?.redeliver ?? 0) };
    },
  };
}

/** @returns only an error if the API does not answer properly: the broker itself was reached */
async function figures(read: () => Promise<Figures>): Promise<Figures> {
  try {
    return await read();
  } catch (error) {
    return { error: `the management API: ${errorText(error)}`, measures: {} };
  }
}

function ratesOf(stats: z.infer<typeof rates>): Measures {
  return { publish_rate: stats?.publish_details?.rate, deliver_rate: stats?.deliver_get_details?.rate };
}
