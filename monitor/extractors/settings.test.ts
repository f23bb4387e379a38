import { describe, expect, it } from 'vitest';
import { extractorsSchema, extractorsSettings } from './settings.ts';

describe('extractors: of monitor.yaml', () => {
  it('may be empty: everything has a default', () => {
    expect(extractorsSettings(extractorsSchema.parse({}), 'amqp://h', 'v1')).toEqual({
      amqpUrl: 'amqp://h',
      clowder: 'v1',
      tlsFiles: { ca: undefined, cert: undefined, key: undefined },
      heartbeats: { exchange: 'extractors', intervalMs: 300_000, missed: 3, pingMs: 60_000, forgetMs: 86_400_000 },
      jobs: 'auto',
      firehose: {
        queue: 'clowder-otel.firehose',
        exchanges: ['', 'clowder'],
        maxLength: 100_000,
        maxBytes: 2 ** 28,
        expiresMs: 21_600_000,
      },
      poll: undefined,
      downloads: { enabled: true, waitMs: 10_000 },
    });
  });

  it('polls the URL without the slash at its end', () => {
    const yaml = extractorsSchema.parse({
      url: 'amqp://other',
      jobs: 'poll',
      poll: { url: 'https://c.example.org/clowder/', api_key: 'k', interval: '5s' },
    });
    expect(extractorsSettings(yaml, 'amqp://h', 'v2')).toMatchObject({
      amqpUrl: 'amqp://other',
      jobs: 'poll',
      poll: {
        url: 'https://c.example.org/clowder',
        apiKey: 'k',
        intervalMs: 5000,
        timeoutMs: 10_000,
        maxRequests: 100,
      },
    });
  });

  it.each([
    [{ jobs: 'sometimes' }, 'one of auto, firehose, poll, off'],
    [{ poll: { interval: '5s' } }, 'text'],
    [{ firehose: { max_length: 1 } }, 'a whole number from 100 on'],
    [{ firehose: { exchanges: [] } }, 'a list of exchanges'],
    [{ heartbeat: {} }, 'one of url, ca_file'],
  ])('%j is refused with what may be', (given, message) => {
    expect(extractorsSchema.safeParse(given).error?.issues[0]?.message).toContain(message);
  });
});
