import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { ResponseHead } from './upstream/index.ts';

/** The head of a 101 as received, including Connection and Upgrade. */
export function switchingHead(head: ResponseHead): string {
  let text = `HTTP/1.1 ${head.status} ${head.reason}\r\n`;
  for (let i = 0; i + 1 < head.rawHeaders.length; i += 2)
    text += `${head.rawHeaders[i] ?? ''}: ${head.rawHeaders[i + 1] ?? ''}\r\n`;
  return `${text}\r\n`;
}

/**
 * Passes bytes both ways until both sides have ended. The end of one side is passed on, and the other side may continue; if one
 * breaks, the other is closed.
 *
 * @param closed called once both are closed
 */
export function tunnel(client: Duplex, upstream: Socket, closed: () => void): void {
  let open = 2;
  const over = (other: Duplex) => (): void => {
    open -= 1;
    if (!other.destroyed) other.destroy();
    if (open === 0) closed();
  };
  client.on('error', () => upstream.destroy());
  upstream.on('error', () => client.destroy());
  client.on('close', over(upstream));
  upstream.on('close', over(client));
  client.pipe(upstream);
  upstream.pipe(client);
}
