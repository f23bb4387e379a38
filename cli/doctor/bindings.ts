import { z } from 'zod';
import { EVENTS_EXCHANGE, METRICS_EXCHANGE } from '../../runtime/amqp/topology.ts';
import { collectorUrl } from '../collector-url.ts';
import { urlsOf } from './broker.ts';
import { failed, ok, skipped, warning, type Finding } from './finding.ts';
import { heldOf } from './readiness.ts';
import type { Answer, Site } from './site.ts';

const bindingsSchema = z.array(z.looseObject({ destination: z.string(), destination_type: z.string() }));
const nodesSchema = z.array(z.looseObject({ name: z.string() }));
const queueSchema = z.looseObject({
  type: z.string(),
  node: z.string().optional(),
  effective_policy_definition: z.record(z.string(), z.unknown()).nullish().catch(undefined),
});

/** Whether queues receive events and keep them. Asks the collector's /readyz, then RabbitMQ's management API. */
export async function checkBindings(site: Site): Promise<readonly Finding[]> {
  const { settings, ask } = site;
  const todo = `Bind a queue to ${EVENTS_EXCHANGE} (by event type) or to ${METRICS_EXCHANGE} (all), or start the consumer that does (docs/rabbitmq.md)`;
  const held = heldOf(await ask(collectorUrl(settings, '/readyz')));
  if (held !== undefined) return [failed(held, todo)];
  if (site.management === undefined) return [skipped("AMQP_URL does not say where RabbitMQ's management API is")];
  const { host } = site.management;
  const api = managementApi(site, site.management);
  const answers = await Promise.all(
    [EVENTS_EXCHANGE, METRICS_EXCHANGE].map((exchange) => api.inVhost('exchanges', exchange, '/bindings/source')),
  );
  const bindings = answers.map((answer) => bodyOf(answer, bindingsSchema));
  if (bindings.includes(undefined))
    return [
      skipped(
        `RabbitMQ's management API at ${host} does not show the bindings (${[...new Set(answers.map(saidOf))].join('; ')}). Turn it on with "rabbitmq-plugins enable rabbitmq_management", or give its address with --management`,
      ),
    ];
  const bound = bindings.flat().filter((one) => one?.destination_type === 'queue');
  const queues = [...new Set(bound.map((one) => one?.destination ?? ''))];
  if (queues.length === 0)
    return [failed('No queue is bound: nobody gets the events, which wait in the journal', todo)];
  return [ok(`Queues that get events: ${queues.join(', ')}`), ...(await checkCluster(api, queues))];
}

/** In a cluster, a queue that lives on one node loses events while that node is down (docs/scale.md). */
async function checkCluster(api: ManagementApi, queues: readonly string[]): Promise<readonly Finding[]> {
  const answer = await api.get('/api/nodes');
  const nodes = bodyOf(answer, nodesSchema);
  if (nodes === undefined)
    return [
      skipped(`RabbitMQ does not say whether it is a cluster (${saidOf(answer)}): the user needs the tag monitoring`),
    ];
  if (nodes.length < 2) return [];
  const described = await Promise.all(
    queues.map(async (name) => ({ name, queue: bodyOf(await api.inVhost('queues', name), queueSchema) })),
  );
  return described.flatMap(({ name, queue }) => {
    if (queue?.type !== 'classic' || queue.effective_policy_definition?.['ha-mode'] !== undefined) return [];
    const where = queue.node === undefined ? 'one node' : `only the node ${queue.node}`;
    return [
      warning(
        `Queue ${name} is a classic queue, on ${where} of a cluster of ${nodes.length}: while that node is down it loses its events, and others get copies`,
        'Replace it by a quorum queue: declare one under another name, bind it, let its consumer finish the old one, and delete that (docs/scale.md)',
      ),
    ];
  });
}

interface ManagementApi {
  get(path: string): Promise<Answer>;
  /** Asks about something named in the broker's virtual host. */
  inVhost(kind: 'exchanges' | 'queues', name: string, more?: string): Promise<Answer>;
}

function managementApi({ ask, settings }: Site, management: URL): ManagementApi {
  const user = `${decodeURIComponent(management.username)}:${decodeURIComponent(management.password)}`;
  const headers = { authorization: `Basic ${Buffer.from(user).toString('base64')}` };
  const vhost = vhostOf(urlsOf(settings.AMQP_URL)[0]);
  const get = (path: string): Promise<Answer> => {
    const url = new URL(management);
    // The API's own path may have a prefix: path_prefix.
    url.pathname = url.pathname.replace(/\/$/, '') + path;
    [url.username, url.password] = ['', ''];
    return ask(url, { headers });
  };
  return {
    get,
    inVhost: (kind, name, more = '') =>
      get(`/api/${kind}/${encodeURIComponent(vhost)}/${encodeURIComponent(name)}${more}`),
  };
}

/** @returns undefined if there is no answer, or one of another form */
const bodyOf = <T>(answer: Answer, schema: z.ZodType<T>): T | undefined =>
  'problem' in answer ? undefined : schema.safeParse(answer.body).data;

const saidOf = (answer: Answer): string => ('problem' in answer ? answer.problem : `it answered ${answer.status}`);

function vhostOf(url: string | undefined): string {
  const path = url === undefined ? '' : new URL(url).pathname.slice(1);
  return path === '' ? '/' : decodeURIComponent(path);
}
