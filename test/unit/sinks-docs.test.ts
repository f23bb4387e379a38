import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { FIELD_CLASSES } from '../../sinks/event/field-classes.ts';
import type { FieldClass } from '../../taxonomy/event-fields.ts';
import { THIRD_PARTY_DEFAULTS } from '../../sinks/event/privacy.ts';
import { DEAD_HEADERS } from '../../sinks/queue/names.ts';
import { SINKS } from '../../sinks/registry.ts';
import { SinkMetrics } from '../../sinks/running/metrics.ts';
import { COMMON_VARIABLES, commonSettings } from '../../sinks/settings/common.ts';

const PAGE = readFileSync(fileURLToPath(new URL('../../docs/sinks.md', import.meta.url)), 'utf8');
const CELL = ' | ';

/** Cells of the table row with this first cell. */
function row(first: string): readonly string[] {
  const line = PAGE.split('\n').find((one) => one.startsWith(`| ${first}${CELL}`));
  return line?.slice(2, -2).split(CELL) ?? [];
}

const backticked = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

describe('docs/sinks.md', () => {
  it.each(SINKS.map((sink) => [sink.name, sink] as const))('has %s as it is', (name, sink) => {
    const [, , variables = '', thirdParty, twice = ''] = row(`\`${name}\``);
    for (const variable of variables.split(', '))
      expect(Object.keys(sink.variables)).toContain(variable.replaceAll('`', ''));
    expect(thirdParty).toMatch(sink.thirdParty ? /^yes/ : /^no/);
    expect(/once/.test(twice)).toBe(sink.dedupes);
  });

  it.each(Object.entries(COMMON_VARIABLES))('describes the setting %s like the schema', (suffix, path) => {
    const [head = '', tail] = path;
    const [, inFile, fallback, text] = row(`\`SINK_<NAME>_${suffix}\``);
    expect(inFile).toBe(`\`${path.join('.')}\``);
    const properties = z.toJSONSchema(commonSettings, { io: 'input', unrepresentable: 'any' }).properties as Record<
      string,
      { description?: string; default?: unknown; properties?: Record<string, { description?: string }> }
    >;
    const schema = tail === undefined ? properties[head] : properties[head]?.properties?.[tail];
    expect(text).toBe(schema?.description);
    const given: unknown = properties[head]?.default;
    if (typeof given === 'number') expect(fallback).toBe(`\`${given}\``);
  });

  it.each([
    ['who did it', 'person'],
    ['what links an event to the rest of a visit', 'trail'],
    ['what people wrote', 'words'],
    ['addresses of pages and servers', 'place'],
  ] satisfies [string, FieldClass][])('says about %s what the policy does', (first, fieldClass) => {
    const fields = Object.entries(FIELD_CLASSES).flatMap(([field, of]) => (of === fieldClass ? [field] : []));
    const [, listed = '', action] = row(first);
    expect(listed.split(', ').toSorted()).toEqual(backticked(fields).split(', ').toSorted());
    expect(action).toBe(THIRD_PARTY_DEFAULTS[fieldClass]);
  });

  it('says about things and unknown fields what the policy does', () => {
    expect(row('what happened, to which resource, figures of machines').at(-1)).toBe(THIRD_PARTY_DEFAULTS.thing);
    expect(row('fields that are in no event type').at(-1)).toBe(THIRD_PARTY_DEFAULTS.unknown);
  });

  it('has every metric of the sinks, and no others', async () => {
    const metrics = new SinkMetrics();
    metrics.watch([], () => 0);
    const names = (await metrics.registry.getMetricsAsJSON())
      .map(({ name }) => name)
      .filter((name) => name.startsWith('clowder_'));
    const listed = [...PAGE.matchAll(/^\| `(clowder_otel_sink_\w+)`/gm)].map((match) => match[1] ?? '');
    expect(listed.toSorted()).toEqual(names.toSorted());
  });

  it('has the headers of dead letters', () => {
    for (const header of Object.values(DEAD_HEADERS)) expect(PAGE).toContain(`\`${header}\``);
  });

  it("has an example that verifies the webhook's signature", async () => {
    const [, source = ''] = /```js\n([^]*?)```/.exec(PAGE) ?? [];
    const module = `data:text/javascript,${encodeURIComponent(`${source}\nexport { verify };`)}`;
    const { verify } = (await import(module)) as { verify: (headers: object, body: string, secret: string) => boolean };
    const { sign, keyOf } = await import('../../sinks/services/webhook/signature.ts');
    const { Webhook } = await import('standardwebhooks');
    for (const secret of ['a secret of ours, long', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']) {
      const key = keyOf(secret);
      if (key === undefined) throw new Error('no key');
      const time = Math.floor(Date.now() / 1000);
      const headers = (at: number) => ({
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(at),
        'webhook-signature': sign(key, 'msg_1', at, '[{"ä":1}]'),
      });
      expect(verify(headers(time), '[{"ä":1}]', secret)).toBe(true);
      // The page says that the scheme's own library gets it in this form.
      const library = new Webhook(secret, secret.startsWith('whsec_') ? {} : { format: 'raw' });
      expect(library.verify('[{"ä":1}]', headers(time))).toEqual([{ ä: 1 }]);
      expect(verify(headers(time), '[{"ä":2}]', secret)).toBe(false);
      expect(verify(headers(time - 400), '[{"ä":1}]', secret)).toBe(false);
    }
  });
});
