import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseMonitorConfig } from '../config/load.ts';
import { planOf } from '../config/plan.ts';
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

  it('use the polling URL without its final slash', () => {
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
    [{ firehose: { max_length: 1 } }, 'an integer, 100 or more'],
    [{ firehose: { exchanges: [] } }, 'a list of exchanges'],
    [{ heartbeat: {} }, 'one of url, ca_file'],
  ])('%j is refused, with what is allowed', (given, message) => {
    expect(extractorsSchema.safeParse(given).error?.issues[0]?.message).toContain(message);
  });

  it('may name several brokers, whose passwords are known as secrets and missing from the plan', () => {
    const url = 'amqp://u:first%20one@h1:5672,amqp://u:second@h2:5672/v';
    const config = parseMonitorConfig(
      `extractors: { url: "${url}", poll: { url: "https://c/x/", api_key: the-key } }`,
      {},
    );
    expect(config.extractors?.amqpUrl).toBe(url);
    expect([...config.secrets].sort()).toEqual(['first one', 'first%20one', 'second', 'the-key']);
    expect(planOf(config).extractors).toEqual([
      {
        extractors: 'amqp://u:***@h1:5672,amqp://u:***@h2:5672/v',
        jobs: 'auto',
        poll: 'v1 https://c every 30s',
        downloads: 'yes',
      },
    ]);
  });

  it('are off if the section is missing', () => {
    const config = parseMonitorConfig('probes: []', {});
    expect([config.extractors, planOf(config).extractors]).toEqual([undefined, []]);
  });

  it('match docs/extractors.md: its examples are valid, and its table names every setting', () => {
    const page = readFileSync(new URL('../../docs/extractors.md', import.meta.url), 'utf8');
    const environment = { AMQP_URL: 'amqp://h', CLOWDER_KEY: 'k' };
    const examples = [...page.matchAll(/^```yaml\n([^]*?)^```$/gm)].map((match) => match[1] ?? '');
    expect(examples).toHaveLength(2);
    for (const example of examples) expect(parseMonitorConfig(example, environment).extractors).toBeDefined();
    const table = page.slice(page.indexOf('## Settings'), page.indexOf('## Metrics'));
    const named = [...table.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell = '']) => {
      const [first = '', ...others] = [...cell.matchAll(/`([\w.]+)`/g)].map((match) => match[1] ?? '');
      const section = first.includes('.') ? `${first.split('.')[0]}.` : '';
      return [first].concat(others.map((name) => (name.includes('.') ? name : section + name)));
    });
    const schema = z.toJSONSchema(extractorsSchema, { io: 'input', unrepresentable: 'any' });
    const settings = Object.entries(schema.properties ?? {}).flatMap(([name, value]) =>
      typeof value === 'object' && value.properties !== undefined
        ? Object.keys(value.properties).map((inner) => `${name}.${inner}`)
        : [name],
    );
    expect(named.toSorted()).toEqual(settings.toSorted());
  });
});
