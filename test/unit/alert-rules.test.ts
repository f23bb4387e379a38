import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { anchorOf } from '../../tools/guide.ts';
import { alertRules } from '../support/alert-rules.ts';
import { askedFor, ownMetrics, PROGRAMS, samplesOf } from '../support/own-metrics.ts';

const DOCS = 'https://github.com/clowder-framework/clowder-otel/blob/main/docs/';
const rules = alertRules();
const named = rules.map((rule) => [rule.alert, rule] as const);
const samples = new Map(ownMetrics().flatMap((one) => samplesOf(one).map((name) => [name, one] as const)));

/** Labels that Prometheus adds to scraped metrics. */
const ADDED = ['instance', 'job', 'le'];

/** The anchors of a page in docs/. */
function anchorsOf(page: string): ReadonlySet<string> {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8').replaceAll(/^```.*?^```/gms, '');
  return new Set([...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading.replaceAll('`', ''))));
}

describe('the alert rules', () => {
  test('have distinct names', () => expect(new Set(rules.map((rule) => rule.alert)).size).toBe(rules.length));

  test.each(PROGRAMS)('say when the %s does not do its work, by its own metrics', (program) => {
    const about = rules.filter(({ expr }) => askedFor(expr).some(({ name }) => samples.get(name)?.program === program));
    expect(about.length).toBeGreaterThan(3);
  });

  test.each(named)(
    'have for %s a time, a severity, a description and what to do',
    (name, { for: time, labels, annotations }) => {
      expect(name).toMatch(/^ClowderOtel[A-Z][A-Za-z]+$/);
      expect(time).toMatch(/^\d+[smh]$/);
      expect(['critical', 'warning', 'info']).toContain(labels['severity']);
      expect(annotations['summary']).toBeTruthy();
      expect(annotations['description']).toBeTruthy();
      const [page = '', anchor = ''] = (annotations['runbook_url'] ?? '').replace(DOCS, '').split('#');
      expect(anchorsOf(page)).toContain(anchor);
    },
  );

  test.each(named)('use for %s only existing metrics and labels', (_, { expr }) => {
    const asked = askedFor(expr);
    expect(asked.length > 0 || /\bup\{/.test(expr)).toBe(true);
    for (const { name, labels } of asked) {
      expect([...samples.keys()]).toContain(name);
      for (const label of labels) expect([...(samples.get(name)?.labels ?? []), ...ADDED]).toContain(label);
    }
  });

  test.each(named)('name for %s only labels that the expression keeps', (_, { expr, annotations }) => {
    const kept = /by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ');
    const asked = askedFor(expr).flatMap(({ name }) => samples.get(name)?.labels ?? []);
    const there = kept ?? [...asked, ...ADDED];
    const mentioned = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
    for (const label of mentioned) expect(there).toContain(label);
  });
});
