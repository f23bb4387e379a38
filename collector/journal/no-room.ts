import { isFull } from './damage.ts';
import { ROOM_TO_FREE } from './refusals.ts';

/** The disk has no room for opening a database. The message says what to do. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
  readonly code = 'no_room';
}

/** Opens something in DATA_DIR. @throws NoRoomError if the disk has no room for it; otherwise whatever `open` throws */
export function opening<T>(dir: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    if (!isFull(cause)) throw cause;
    throw new NoRoomError(
      `The disk of DATA_DIR ${dir} has no room to open what is there: free ${ROOM_TO_FREE} on it and start again. Nothing accepted is lost`,
      { cause },
    );
  }
}
