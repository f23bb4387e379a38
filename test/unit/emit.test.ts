import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { include } = JSON.parse(readFileSync(`${ROOT}tsconfig.build.json`, 'utf8')) as { include: string[] };

/**
 * `new (call() as Type).Member()`: the compiler's emit (TypeScript 7.0) drops type and parentheses. The remaining
 * `new call().Member()` constructs the call's name. Sources that run directly do not show this.
 */
function lossyNews(source: string): string[] {
  return [...source.matchAll(/\bnew \(/g)].flatMap(({ index }) => {
    const inner = parenthesised(source, index + 'new '.length);
    return /\(/.test(inner) && /\b(?:as|satisfies)\s|!$/.test(inner) ? [`new (${inner})`] : [];
  });
}

/** The text between the parenthesis at `open` and its closing one. */
function parenthesised(source: string, open: number): string {
  let depth = 0;
  for (let at = open; at < source.length; at += 1) {
    if (source[at] === '(') depth += 1;
    if (source[at] === ')') depth -= 1;
    if (depth === 0) return source.slice(open + 1, at);
  }
  return source.slice(open + 1);
}

describe("the compiler's emit means what the source says", () => {
  test.each([
    'new (load("x") as Exporters).Exporter()',
    'new (load("x") satisfies object).Exporter()',
    'new (load("x")!).Exporter()',
    'new (\n  load("x") as Exporters\n).Exporter()',
  ])('finds an expression that loses its parentheses: %j', (source) => {
    expect(lossyNews(source)).toHaveLength(1);
  });

  test.each(['new (Kind as Constructor)()', 'new (load("x").Exporter)()', 'new Exporter(load("x") as Options)'])(
    'accepts an expression that keeps its meaning: %j',
    (source) => {
      expect(lossyNews(source)).toEqual([]);
    },
  );

  test('no source has such an expression', () => {
    const files = globSync(include.map((folder) => `${ROOT}${folder}/**/*.ts`));
    expect(files.length).toBeGreaterThan(100);
    expect(files.flatMap((file) => lossyNews(readFileSync(file, 'utf8')).map((found) => `${file}: ${found}`))).toEqual(
      [],
    );
  });
});
