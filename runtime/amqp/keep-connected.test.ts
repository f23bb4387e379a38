import { describe, expect, it } from 'vitest';
import { keepConnected, type Turn } from './keep-connected.ts';

const URLS = ['amqp://u:secret@one', 'amqp://u:secret@two'];
const reconnectMs = { min: 0, max: 0 };

describe('keeping a connection', () => {
  it('begins with a random broker, so that programs spread over a cluster', async () => {
    const begun = async (random: number): Promise<string[]> => {
      const stopping = new AbortController();
      const tried: string[] = [];
      await keepConnected({
        urls: URLS,
        reconnectMs,
        random: () => random,
        signal: stopping.signal,
        stay: async ({ url }: Turn) => {
          tried.push(url);
          if (tried.length === 2) stopping.abort();
          throw new Error('away');
        },
        onLost: () => undefined,
      });
      return tried;
    };
    expect(await begun(0.2)).toEqual(URLS);
    expect(await begun(0.7)).toEqual(URLS.toReversed());
  });

  it('tries brokers in turn, even after a connected one, and reports each end without a password', async () => {
    const stopping = new AbortController();
    const tried: string[] = [];
    const lost: string[] = [];
    await keepConnected({
      urls: URLS,
      reconnectMs,
      random: () => 0,
      signal: stopping.signal,
      stay: async ({ url, connected }: Turn) => {
        tried.push(url);
        if (tried.length === 2) connected();
        if (tried.length === 4) stopping.abort();
        throw new Error('away');
      },
      onLost: ({ message }, broker) => void lost.push(`${broker} ${message}`),
    });
    expect(tried).toEqual([...URLS, ...URLS]);
    expect(lost).toHaveLength(4);
    expect(lost[1]).toContain('@two');
    expect(lost.join()).not.toContain('secret');
  });

  it('ends with the connection if that ends in order after the signal', async () => {
    const stopping = new AbortController();
    const lost: unknown[] = [];
    await keepConnected({
      urls: URLS,
      reconnectMs: { min: 60_000, max: 60_000 },
      signal: stopping.signal,
      stay: async () => stopping.abort(),
      onLost: (error) => void lost.push(error),
    });
    expect(lost).toEqual([]);
  });
});
