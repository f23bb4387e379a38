import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { amplitude } from '../../sinks/services/amplitude/amplitude.ts';
import { ga4 } from '../../sinks/services/ga4/ga4.ts';
import { matomo } from '../../sinks/services/matomo/matomo.ts';
import { otlp } from '../../sinks/services/otlp/otlp.ts';

describe.each([amplitude, ga4, matomo, otlp])('the page of the sink $name', ({ name, variables, config }) => {
  const page = readFileSync(new URL(`../../docs/sinks/${name}.md`, import.meta.url), 'utf8');

  test('has every variable with its setting, and no others', () => {
    const rows = [...page.matchAll(/^\| `([A-Z0-9_]+)` \| `([a-z_]+)` \|/gm)].map(([, variable, setting]) => [
      variable,
      setting,
    ]);
    expect(Object.fromEntries(rows)).toEqual(variables);
  });

  test('has a variable for every setting', () => {
    const schema = z.toJSONSchema(config, { io: 'input', unrepresentable: 'any' });
    expect(Object.keys(schema.properties ?? {}).sort()).toEqual(Object.values(variables).sort());
  });
});
