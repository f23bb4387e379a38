import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';

/** What a stand-in of Kubernetes' API was asked for. */
export interface AskedOfKubernetes {
  readonly verb: 'list' | 'watch' | 'other';
  readonly path: string;
}

/** A stand-in of Kubernetes' API that serves the EndpointSlice of one headless service. */
export interface KubernetesApi extends AsyncDisposable {
  /** Content of a KUBECONFIG file that leads here. */
  readonly kubeconfig: string;
  readonly asked: readonly AskedOfKubernetes[];
  /** Changes which pods are ready, and tells all watchers. */
  ready(pods: readonly Pod[]): void;
}

export interface Pod {
  readonly hostname: string;
  readonly address: string;
}

/** Starts it. @param port of the service's pods */
export async function startKubernetesApi(namespace: string, service: string, port: number): Promise<KubernetesApi> {
  const asked: AskedOfKubernetes[] = [];
  const watchers = new Set<ServerResponse>();
  let pods: readonly Pod[] = [];
  let version = 1;
  const slice = () => ({
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: {
      name: `${service}-1`,
      namespace,
      uid: '1',
      resourceVersion: String(version),
      labels: { 'kubernetes.io/service-name': service },
    },
    addressType: 'IPv4',
    endpoints: pods.map(({ hostname, address }) => ({ hostname, addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'grpc', port, protocol: 'TCP' }],
  });
  const tell = (to: ServerResponse, type: string, object: object): void =>
    void to.write(`${JSON.stringify({ type, object })}\n`);
  const server = createServer((request, response) => {
    const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://kubernetes');
    const isSlices = path === `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
    const isOurs = searchParams.get('labelSelector') === `kubernetes.io/service-name=${service}`;
    const watches = searchParams.get('watch') === 'true' || searchParams.get('watch') === '1';
    asked.push({ verb: !isSlices || !isOurs ? 'other' : watches ? 'watch' : 'list', path });
    response.setHeader('content-type', 'application/json');
    if (!isSlices || !isOurs) {
      response.statusCode = 403;
      response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Forbidden', code: 403 })); // prettier-ignore
      return;
    }
    if (!watches) {
      const metadata = { resourceVersion: String(version) };
      response.end(JSON.stringify({ kind: 'EndpointSliceList', apiVersion: 'discovery.k8s.io/v1', metadata, items: [slice()] })); // prettier-ignore
      return;
    }
    response.flushHeaders();
    watchers.add(response);
    response.on('close', () => watchers.delete(response));
    if (searchParams.get('sendInitialEvents') !== 'true') return;
    // Kubernetes API, "Streaming lists".
    tell(response, 'ADDED', slice());
    const annotations = { 'k8s.io/initial-events-end': 'true' };
    tell(response, 'BOOKMARK', { kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata: { resourceVersion: String(version), annotations } }); // prettier-ignore
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  return {
    // JSON is valid YAML.
    kubeconfig: JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url } }],
      users: [{ name: 'test', user: {} }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    }),
    asked,
    ready: (now) => {
      pods = now;
      version += 1;
      for (const watcher of watchers) tell(watcher, 'MODIFIED', slice());
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
