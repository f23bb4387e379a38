import { once } from 'node:events';
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { errorText } from '../../runtime/error-text.ts';
import { VERSION } from '../../runtime/version.ts';
import type { OnProgress, UsageStore } from '../store/usage-store.ts';
import { addressOf } from './address.ts';
import { socketOf, type Call, type CallName, type Calls, type Said } from './protocol.ts';

type Serve<Name extends CallName> = (
  store: UsageStore,
  args: Calls[Name]['args'],
  onProgress: OnProgress,
) => Promise<Calls[Name]['result']>;

const CALLS: { readonly [Name in CallName]: Serve<Name> } = {
  ingest: (store, { events, marks }) => store.ingest(events, marks),
  mark: async (store, { name }) => (await store.mark(name)) ?? null,
  verdicts: (store, options) => store.verdicts(options),
  contents: (store) => store.contents(),
  place: async (store, places) => {
    await store.place(places);
    return null;
  },
  rebuild: async (store, _args, onProgress) => {
    await store.rebuild(onProgress);
    return null;
  },
  forget: (store, { userId }, onProgress) => store.forget(userId, onProgress),
  dropBefore: (store, { ms }) => store.dropBefore(ms),
  query: (store, { sql }) => store.engine.query(sql),
  run: async (store, { statements }) => {
    await store.engine.run(...statements);
    return null;
  },
};

/** Generic for TypeScript: the call's name determines the type of its arguments. */
const serve = <Name extends CallName>(
  store: UsageStore,
  { call, args }: { readonly call: Name; readonly args: Calls[Name]['args'] },
  onProgress: OnProgress,
): Promise<Calls[Name]['result']> => CALLS[call](store, args, onProgress);

export interface SharedStore {
  /** Stops answering; the end of the connection tells this to those who wait for an answer. */
  close(): Promise<void>;
}

/**
 * Lets commands, and other processes of this user, ask the store in a file, which only one process can open.
 *
 * @param place the store's file; the socket is beside it, for this user only
 * @throws Error if no socket can be made
 */
export async function serveStore(store: UsageStore, place: string): Promise<SharedStore> {
  const path = socketOf(place);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    answer(socket, store);
  });
  // A killed process may leave a socket; the process that has the store owns the only valid one.
  rmSync(path, { force: true });
  const address = addressOf(path);
  // Created with these rights, not changed afterwards: nobody else must get in between.
  const mask = process.umask(0o177);
  try {
    server.listen(address.path);
    await once(server, 'listening');
  } finally {
    process.umask(mask);
    address.close();
  }
  chmodSync(path, 0o600);
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
      rmSync(path, { force: true });
    },
  };
}

function answer(socket: Socket, store: UsageStore): void {
  const say = (said: Said): void => void (socket.writable && socket.write(`${JSON.stringify(said)}\n`));
  // The caller is gone and needs no answer.
  const forget = (): void => void socket.destroy();
  socket.on('error', forget);
  say({ version: VERSION });
  const lines = createInterface({ input: socket });
  lines.on('error', forget);
  lines.on('line', (line) => {
    const call = JSON.parse(line) as Call;
    const { id } = call;
    serve(store, call, (done, total) => say({ id, done, total })).then(
      (result) => say({ id, result }),
      (error: unknown) => say({ id, error: errorText(error) }),
    );
  });
}
