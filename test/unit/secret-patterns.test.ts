import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { BEFORE_SECRET, isSecretName, SECRET_PARAMETERS } from '../../taxonomy/redaction.ts';
import { OTHER_NAMES, SECRET_NAMES } from '../support/secret-names.ts';

/** Neither NGINX nor the OTel Collector can include a list, so each of their patterns has the names in its own dialect. */
const FILES = [
  { file: 'nginx/clowder-otel.conf', queries: 8, paths: 8 },
  { file: 'collector.yaml', queries: 4, paths: 4 },
  { file: 'collector-combined.yaml', queries: 1, paths: 2 },
].map((one) => Object.assign(one, { text: readFileSync(new URL(`../../otel-config/${one.file}`, import.meta.url), 'utf8') })); // prettier-ignore

/** The pattern between `&` and `=`, with `*` for the characters of a name, which differ. */
function namePatterns(text: string): readonly string[] {
  return [...text.matchAll(/\(\?:amp;\)\?\(\?:(key\|.*?)\)\(\?:\\+\[/g)].map(([, names = '']) =>
    names.replaceAll(/\[\^[^\]]+\]\*/g, '*'),
  );
}

const LISTED = [...SECRET_PARAMETERS, 'pass', 'pwd'];
const BY_THEIR_FORM =
  'x-(?:amz|goog)-*|*[-_.](?:key|pass|pwd|sig)|*(?:token|secret|passwd|password|passphrase|signature|credentials?|api_?key|access_?key)';

describe.each(FILES)('otel-config/$file', ({ text, queries, paths }) => {
  test('removes from queries the values of the names that are redacted in events, and no others', () => {
    const patterns = namePatterns(text);
    expect(patterns).toHaveLength(queries);
    expect(new Set(patterns)).toEqual(new Set([`${LISTED.join('|')}|${BY_THEIR_FORM}`]));
    expect(text.split('secretkey')).toHaveLength(text.split('|secretkey|').length);
  });

  test('removes from paths what follows the segments that are redacted in events', () => {
    const expected = [...BEFORE_SECRET].map((segment) => segment.replace('/', '/+')).join('|');
    const found = [...text.matchAll(/signup\|[a-z/+|]+/g)].map(([segments]) => segments.replaceAll(/\/\+?(?=[a-z])/g, '/+')); // prettier-ignore
    expect(new Set(found)).toEqual(new Set([expected]));
    expect(found).toHaveLength(paths);
  });
});

test('the names that other tests use as secrets, and as no secrets, are right', () => {
  expect(SECRET_NAMES.filter((name) => !isSecretName(name))).toEqual([]);
  expect(OTHER_NAMES.filter((name) => isSecretName(name))).toEqual([]);
  const pattern = new RegExp(`^(?:amp;)?(?:${LISTED.join('|')}|${BY_THEIR_FORM.replaceAll('*', '[^=&]*')})(?:\\[\\w*\\])?$`, 'i'); // prettier-ignore
  expect(SECRET_NAMES.filter((name) => !pattern.test(name))).toEqual([]);
  expect(OTHER_NAMES.filter((name) => pattern.test(name))).toEqual([]);
});
