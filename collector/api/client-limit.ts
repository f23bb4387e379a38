import { CollectorError } from '../errors.ts';

/** How many requests of one client are being read at once: what one client stalls takes no place of others. */
export interface ClientLimit {
  /**
   * @param client '' where it is not known: these share one limit
   * @returns ends it
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
