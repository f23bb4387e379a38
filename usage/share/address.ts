import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Longer names have no place in an address of a socket (sockaddr_un: 108 bytes, with its end). */
const NAME_MAX_BYTES = 100;

/** A name that a socket can be bound to, or asked at; `close` when that has been done. */
export interface SocketAddress {
  readonly path: string;
  readonly close: () => void;
}

/** A long path goes by way of its directory, opened: Linux names that shortly. */
export function addressOf(path: string): SocketAddress {
  if (Buffer.byteLength(path) <= NAME_MAX_BYTES) return { path, close: () => undefined };
  const directory = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  return { path: `/proc/self/fd/${directory}/${basename(path)}`, close: () => closeSync(directory) };
}
