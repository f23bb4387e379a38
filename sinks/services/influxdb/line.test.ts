import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLine } from '../../../test/support/sinks/line-protocol.ts';
import { toLine, type LineValue, type Point } from './line.ts';
import { runs } from '../../../test/support/form.ts';

const unit = fc.constantFrom(
  'a',
  'Z',
  '7',
  ' ',
  ',',
  '=',
  '"',
  '\\',
  '\n',
  '\r',
  '\0',
  '\t',
  '#',
  '漢',
  '🐘',
  '\uD83D',
);
const text = fc.string({ unit, maxLength: 8 });
const lineValue: fc.Arbitrary<LineValue> = fc.oneof(
  text.map((value) => ({ kind: 'text', value }) as const),
  fc.boolean().map((value) => ({ kind: 'boolean', value }) as const),
  fc.maxSafeInteger().map((value) => ({ kind: 'integer', value }) as const),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => ({ kind: 'float', value }) as const),
);
const name = text.filter((given) => given !== '');
const point: fc.Arbitrary<Point> = fc.record({
  measurement: name.filter((given) => given.trim() !== ''),
  tags: fc.dictionary(name, text, { maxKeys: 4 }).map(Object.entries<string>),
  fields: fc.dictionary(name, lineValue, { minKeys: 1, maxKeys: 4 }).map(Object.entries<LineValue>),
  timeNs: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
});

/** What the protocol can carry of a name or tag, implemented in another way. */
function carried(given: string): string {
  const chars = Array.from(given.toWellFormed().replaceAll(/[\0\t\r\n]+/g, ' '));
  for (let index = chars.length - 1; index >= 0; index -= 1) {
    const next = chars[index + 1];
    const read = next === undefined || next === ',' || next === '=' || next === ' ' || next === '/slash';
    if (chars[index] === '\\' && read) chars[index] = '/slash';
  }
  return chars.join('').replaceAll('/slash', '/');
}

function carriedValue(given: LineValue): unknown {
  if (given.kind === 'integer') return BigInt(given.value);
  if (given.kind === 'float') return given.value + 0;
  return given.kind === 'text' ? given.value.toWellFormed().replaceAll(/[\0\t\r\n]+/g, ' ') : given.value;
}

describe('a line', () => {
  it('is escaped as the protocol says', () => {
    const line = toLine({
      measurement: 'my events,=',
      tags: [
        ['user id', 'a b,c=d\\e'],
        ['event', 'file.uploaded'],
        ['none', ''],
      ],
      fields: [
        ['name', { kind: 'text', value: 'a "b" \\ c, d=e' }],
        ['size', { kind: 'integer', value: 12 }],
        ['ms', { kind: 'float', value: 12 }],
        ['ok', { kind: 'boolean', value: false }],
      ],
      timeNs: 1n,
    });
    expect(line).toBe(
      'my\\ events\\,=,event=file.uploaded,user\\ id=a\\ b\\,c\\=d\\e name="a \\"b\\" \\\\ c, d=e",size=12i,ms=12,ok=false 1',
    );
  });

  it('has a slash for a backslash that would be read as an escape, and a space for control characters', () => {
    const tags: Point['tags'] = [
      ['a', 'ends\\'],
      ['b', 'x\\,y'],
      ['c', 'x\r\n\0y'],
    ];
    const fields: Point['fields'] = [['f', { kind: 'text', value: 'x\ny\\' }]];
    expect(toLine({ measurement: 'm', tags, fields, timeNs: 0n })).toBe('m,a=ends/,b=x/\\,y,c=x\\ y f="x y\\\\" 0');
  });

  it('is read back as the same point, whatever is in it', () => {
    fc.assert(
      fc.property(point, (given) => {
        const line = toLine(given);
        expect(line).not.toMatch(/[\r\n]/);
        // Names that become equal are one name: the later one counts.
        const tags = given.tags
          .filter(([, tag]) => tag !== '')
          .map(([key, tag]) => [carried(key), carried(tag)] as const);
        fc.pre(new Set(tags.map(([key]) => key)).size === tags.length);
        expect(readLine(line)).toEqual({
          measurement: carried(given.measurement),
          tags: Object.fromEntries(tags),
          fields: Object.fromEntries(given.fields.map(([key, field]) => [carried(key), carriedValue(field)])),
          timeNs: given.timeNs,
        });
      }),
      runs(500),
    );
  });
});
