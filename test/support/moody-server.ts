import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { CertificatePaths } from './certificates.ts';
import { freePort } from './processes.ts';

/** How a service behaves. */
export type Mood = 'healthy' | 'slow' | 'failing' | 'hanging' | 'dropping';

/** Response time of a slow service, in milliseconds. */
export const SLOW_MS = 250;

/** A stand-in for Clowder that is as unhealthy as a test needs. */
export interface MoodyServer extends AsyncDisposable {
  readonly url: string;
  mood: Mood;
  /** Arrival time of each request, Unix milliseconds. */
  readonly asked: readonly number[];
  /** Stops listening. */
  leave(): Promise<void>;
  /** Listens again on the same port. */
  comeBack(): Promise<void>;
}

/** @param certificate for TLS; plain http without one */
export async function startMoodyServer(certificate?: CertificatePaths): Promise<MoodyServer> {
  const port = await freePort();
  const asked: number[] = [];
  let server: Server | undefined;
  const moody: MoodyServer = {
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    mood: 'healthy',
    asked,
    async leave() {
      server?.closeAllConnections();
      server?.close();
      server = undefined;
    },
    async comeBack() {
      const tls = certificate && { cert: readFileSync(certificate.cert), key: readFileSync(certificate.key) };
      server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    [Symbol.asyncDispose]: () => moody.leave(),
  };
  const answer: RequestListener = (request, response) => {
    asked.push(Date.now());
    switch (moody.mood) {
      case 'healthy':
        response.end('healthy');
        break;
      case 'slow':
        setTimeout(() => response.end('healthy'), SLOW_MS);
        break;
      case 'failing':
        response.writeHead(500).end('no database');
        break;
      case 'hanging':
        break;
      case 'dropping':
        request.socket.destroy();
        break;
    }
  };
  await moody.comeBack();
  return moody;
}
