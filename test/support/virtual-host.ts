import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** The RabbitMQ node that all files of this run share. */
    readonly rabbitmq: SharedNode;
  }
}

interface SharedNode {
  readonly url: string;
  readonly managementUrl: string;
}

/** Patterns of names that a user may configure, write and read. */
interface Permissions {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

/** A virtual host for the test on the shared node: exchanges, queues and permissions as on its own node. */
export interface VirtualHost extends AsyncDisposable {
  readonly name: string;
  /** URL for guest, who may do everything. */
  readonly url: string;
  /** Gives a user all permissions here, as guest has, or those in the patterns. */
  grant(user: string, permissions?: Permissions): Promise<void>;
  /** Limits the number of connections; undefined: no limit. */
  limitConnections(most: number | undefined): Promise<void>;
  /** Switches the firehose on. */
  trace(): Promise<void>;
  /** Routing keys of the bindings from an exchange to a queue. */
  bindings(exchange: string, queue: string): Promise<readonly string[]>;
  /** Names of the existing queues. */
  queues(): Promise<readonly string[]>;
}

/** A name that no other file uses. */
export const uniqueName = (purpose: string): string => `${purpose}-${randomBytes(4).toString('hex')}`;

/** URL of a virtual host on the shared node, whether or not it exists. */
export const vhostUrl = (name: string, login = 'guest:guest'): string =>
  `${inject('rabbitmq').url.replace('guest:guest', login)}/${encodeURIComponent(name)}`;

/** Creates a virtual host, isolated from those of other files. */
export async function openVhost(name = uniqueName('test')): Promise<VirtualHost> {
  const at = `/vhosts/${encodeURIComponent(name)}`;
  const grant: VirtualHost['grant'] = async (user, permissions = { configure: '.*', write: '.*', read: '.*' }) => {
    await manage('PUT', `/permissions/${encodeURIComponent(name)}/${encodeURIComponent(user)}`, permissions);
  };
  await manage('PUT', at, {});
  await grant('guest');
  return {
    name,
    url: vhostUrl(name),
    grant,
    limitConnections: async (most) => {
      const limit = `/vhost-limits/${encodeURIComponent(name)}/max-connections`;
      await (most === undefined ? manage('DELETE', limit) : manage('PUT', limit, { value: most }));
    },
    trace: async () => void (await manage('PUT', at, { tracing: true })),
    bindings: async (exchange, queue) => {
      const path = `/bindings/${encodeURIComponent(name)}/e/${exchange}/q/${encodeURIComponent(queue)}`;
      return ((await manage('GET', path)) as { routing_key: string }[]).map(({ routing_key }) => routing_key);
    },
    queues: async () => {
      const path = `/queues/${encodeURIComponent(name)}?columns=name&disable_stats=true&enable_queue_totals=true`;
      return ((await manage('GET', path)) as { name: string }[]).map((queue) => queue.name);
    },
    [Symbol.asyncDispose]: async () => void (await manage('DELETE', at)),
  };
}

/** Creates a user of the shared node, or changes their password. */
export async function putUser(name: string, password: string): Promise<void> {
  await manage('PUT', `/users/${encodeURIComponent(name)}`, { password, tags: '' });
}

async function manage(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: object): Promise<unknown> {
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
  const response = await fetch(`${inject('rabbitmq').managementUrl}/api${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} of the shared RabbitMQ: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
