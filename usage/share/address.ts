import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Longer names may not fit a socket's address (sockaddr_un: 108 bytes with the terminator). */
const NAME_MAX_BYTES = 100;

/** A name for binding or connecting a socket; call `close` afterwards. */
export interface SocketAddress {
  readonly path: string;
  readonly close: () => void;
}

/** A long path is replaced by its opened directory, for which Linux has a short name. */
export function addressOf(path: string): SocketAddress {
  if (Buffer.byteLength(path) <= NAME_MAX_BYTES) return { path, close: () => undefined };
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${directory}/${basename(path)}`, close: () => closeSync(directory) };
}
