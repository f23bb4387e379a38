import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Forwards connections to another port of this machine until it is closed, so a test can make a broker come and go. */
export interface TcpForwarder extends AsyncDisposable {
  /** Cuts every connection and accepts no more. */
  close(): Promise<void>;
}

/** Listens on port `from` of 127.0.0.1 and forwards to port `to`. */
export async function forwardTcp(from: number, to: number): Promise<TcpForwarder> {
  const ends = new Set<Socket>();
  const join = (one: Socket, other: Socket): void => {
    ends.add(one);
    one.on('error', () => other.destroy());
    one.on('close', () => {
      ends.delete(one);
      other.destroy();
    });
    one.pipe(other);
  };
  const server = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    join(near, far);
    join(far, near);
  }).listen(from, '127.0.0.1');
  await once(server, 'listening');
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const end of ends) end.destroy();
    await closed;
  };
  return { close, [Symbol.asyncDispose]: close };
}
