import { createServer, type IncomingHttpHeaders } from 'node:http';

export interface AskedOfClowder {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** The parts of Clowder's job APIs that the monitor uses: `answers` by path, without the query; 404 for other paths. */
export interface JobApi extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly AskedOfClowder[];
  readonly answers: Record<string, unknown>;
  /** Status of every answer; 200 unless the test changes it. */
  status: number;
}

export async function startJobApi(): Promise<JobApi> {
  const asked: AskedOfClowder[] = [];
  const answers: Record<string, unknown> = {};
  const server = createServer(({ url = '', headers }, response) => {
    asked.push({ path: url, headers });
    const answer = answers[url.replace(/\?.*/, '')];
    response.statusCode = answer === undefined ? 404 : api.status;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer ?? { detail: 'not found' }));
  });
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const api: JobApi = {
    url: `http://127.0.0.1:${port}`,
    asked,
    answers,
    status: 200,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((closed) => {
        server.close(closed);
      });
    },
  };
  return api;
}
