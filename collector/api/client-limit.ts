import { CollectorError } from '../errors.ts';

/** Limits how many requests of one client are read at once, so that a stalling client does not block others. */
export interface ClientLimit {
  /**
   * @param client '' if unknown; all unknown clients share one limit
   * @returns a function to call once the request is read
   * @throws CollectorError too_many_requests
   */
  enter(client: string): () => void;
}

export function createClientLimit(most: number): ClientLimit {
  const open = new Map<string, number>();
  return {
    enter(client) {
      const before = open.get(client) ?? 0;
      if (before >= most)
        throw new CollectorError('too_many_requests', `${most} requests of this client are still on their way`, {
          retryAfterS: 1,
        });
      open.set(client, before + 1);
      return () => {
        const left = (open.get(client) ?? 1) - 1;
        if (left === 0) open.delete(client);
        else open.set(client, left);
      };
    },
  };
}
