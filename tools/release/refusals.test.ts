import { expect, test } from 'vitest';
import { refusalsOf, type Packed } from './refusals.ts';

const GOOD: Packed = {
  manifest: {
    name: 'clowder-otel',
    version: '1.2.3',
    license: 'Apache-2.0',
    description: 'd',
    repository: { url: 'git+https://github.com/owner/name.git' },
    engines: { node: '>=22' },
    bin: { a: './dist/a.js' },
    exports: { '.': { types: './dist/b.d.ts', default: './dist/b.js' } },
    dependencies: { zod: '^4.0.0' },
    publishConfig: { provenance: true },
  },
  files: new Map([
    ['dist/a.js', 1],
    ['dist/b.js', 1],
    ['dist/b.d.ts', 1],
  ]),
  readme: '[a](https://example.org) [b](#here)',
};
const { manifest } = GOOD;
const withFile = (path: string, size = 1): Packed => ({ ...GOOD, files: new Map([...GOOD.files, [path, size]]) });

test('a correct package is not refused', () => expect(refusalsOf(GOOD)).toEqual([]));

test.each<[string, Packed, RegExp]>([
  ['a name that no registry accepts', { ...GOOD, manifest: { ...manifest, name: 'Clowder OTel' } }, /its name is none/],
  ['no version', { ...GOOD, manifest: { ...manifest, version: 'v1' } }, /its version is none/],
  ['a private package', { ...GOOD, manifest: { ...manifest, private: true } }, /it is private/],
  ['no repository', { ...GOOD, manifest: { ...manifest, repository: {} } }, /provenance can be held against/],
  ['no provenance', { ...GOOD, manifest: { ...manifest, publishConfig: {} } }, /without provenance/],
  ['a command that is not packed', { ...GOOD, manifest: { ...manifest, bin: { a: './dist/gone.js' } } }, /names dist\/gone\.js, which is not packed/],
  ['types that are not packed', { ...GOOD, manifest: { ...manifest, exports: { '.': { types: './dist/c.d.ts' } } } }, /names dist\/c\.d\.ts/],
  ['a dependency of this machine', { ...GOOD, manifest: { ...manifest, dependencies: { a: 'file:../a' } } }, /only versions of the registry/],
  ["the compiler's build information", withFile('dist/a.test.js'), /dist\/a\.test\.js is packed, and nobody needs it/],
  ['what the compiler remembers', withFile('dist/.tsbuildinfo'), /tsbuildinfo is packed/],
  ['a file of secrets', withFile('.env'), /\.env is packed/],
  ['too many bytes', withFile('dist/large.bin', 20 * 1024 ** 2), /it takes 21 MiB/],
  ['a link within the repository', { ...GOOD, readme: '[design](docs/design.md)' }, /links to docs\/design\.md/],
])('%s is reported', (_what, packed, said) => {
  expect(refusalsOf(packed).join('\n')).toMatch(said);
}); // prettier-ignore
