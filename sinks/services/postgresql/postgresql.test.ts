import { describe, expect, it } from 'vitest';
import { postgresql } from './postgresql.ts';

const URL = 'postgresql://sink@db.example.org/clowder';

describe('the settings of the postgresql sink', () => {
  it('need only a URL', () => {
    expect(postgresql.config.parse({ url: URL })).toEqual({
      url: URL,
      schema: 'clowder',
      reader_role: 'clowder_reader',
      time_zone: 'UTC',
      statement_timeout_ms: 60_000,
    });
  });

  it('may be text, as in variables', () => {
    const config = postgresql.config.parse({ url: URL, retention_months: '24' });
    expect(config).toMatchObject({ retention_months: 24 });
  });

  it.each([
    [{}, 'url'],
    [{ url: 'mysql://db.example.org/clowder' }, 'url'],
    [{ url: URL, schema: 'clowder; DROP TABLE users' }, 'schema'],
    [{ url: URL, reader_role: 'Reader' }, 'reader_role'],
    [{ url: URL, retention_months: '0' }, 'retention_months'],
    [{ url: URL, retention_months: 'all' }, 'retention_months'],
  ])('%j are refused over %s', (settings, name) => {
    const { error } = postgresql.config.safeParse(settings);
    expect(error?.issues.map(({ path }) => path.join('.'))).toEqual([name]);
  });

  it('each have a variable of their own', () => {
    for (const [variable, setting] of Object.entries(postgresql.variables)) {
      expect(variable).toBe(`SINK_POSTGRESQL_${setting.toUpperCase()}`);
      expect(postgresql.config.safeParse({ url: URL, [setting]: {} }).error?.issues[0]?.path).toEqual([setting]);
    }
  });
});
