import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { monitorJsonSchema } from './config/json-schema.ts';
import { parseMonitorConfig } from './config/load.ts';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
const PAGE = read('../docs/monitor.md');

/** Every name of a setting, at any depth. */
function namesOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, child]) =>
    (key === 'properties' ? Object.keys(child as object) : []).concat(namesOf(child)),
  );
}

describe('docs/monitor.md', () => {
  it('has every setting', () => {
    const { properties } = monitorJsonSchema() as { properties: Record<string, unknown> };
    const { extractors: _elsewhere, ...own } = properties;
    const names = new Set([...Object.keys(properties), ...namesOf(own)]);
    expect(names.size).toBeGreaterThan(50);
    expect([...names].filter((name) => !new RegExp(`\\b${name}\\b`).test(PAGE))).toEqual([]);
  });

  it('has every metric and no others', () => {
    const made = new Set(read('./metrics.ts').match(/clowder\.monitor\.[a-z_.]+(?=')/g));
    const told = new Set(PAGE.match(/clowder\.monitor\.[a-z_.]+(?=`)/g));
    expect(made.size).toBeGreaterThan(20);
    expect([...told].toSorted()).toEqual([...made].toSorted());
  });

  it('shows only valid configurations', () => {
    const shown = [...PAGE.matchAll(/^( *)```yaml\n([^]*?)```/gm)].map(([, indent = '', block = '']) =>
      block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    );
    expect(shown.length).toBe(2);
    const environment = { SLACK_WEBHOOK: 'https://h.example/', HOOK_SECRET: 's', SMTP_PASSWORD: 'p' };
    for (const yaml of shown) {
      const { probes = [], notify = [] } = parse(yaml) as { probes?: unknown[]; notify?: unknown[] };
      expect(probes.length + notify.length).toBeGreaterThan(0);
      expect(() => parseMonitorConfig(yaml, environment)).not.toThrow();
    }
  });
});
