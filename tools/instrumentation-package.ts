import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import type { Manifest } from './release/refusals.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const NAME = 'clowder-otel-instrumentation';
/** Modules that users import, or that are loaded by path. */
const ENTRIES = [
  'instrumentation/index',
  'instrumentation/register',
  'instrumentation/telemetry/exit-sender',
  'taxonomy/index',
] as const;
const EXPORTS = {
  '.': './dist/instrumentation/index.js',
  './register': './dist/instrumentation/register.js',
  './taxonomy': './dist/taxonomy/index.js',
  './package.json': './package.json',
};
/** Parts of OpenTelemetry that few sites use and that take half of the space: bundled without unused code. */
const VENDORED = {
  '#otel-sdk': ['@opentelemetry/sdk-node', ['NodeSDK', 'startNodeSdk']],
  '#otel-grpc-traces': ['@opentelemetry/exporter-trace-otlp-grpc', ['OTLPTraceExporter']],
  '#otel-grpc-logs': ['@opentelemetry/exporter-logs-otlp-grpc', ['OTLPLogExporter']],
} as const;
const VENDOR_FILE = 'dist/vendor/opentelemetry.cjs';

/**
 * Makes the package with only the instrumentation, from the same build as the whole one (run `npm run build` first): the
 * files that its entries reach, with the packages that these import as dependencies.
 *
 * @param dist the build. @default that of this checkout
 * @returns the directory
 */
export function makeInstrumentationPackage(directory: string, dist = DIST): string {
  rmSync(directory, { recursive: true, force: true });
  const { files, packages } = reached(dist);
  for (const file of files) copy(join(dist, file), join(directory, 'dist', file));
  const own = new Set([...packages].filter((name) => !name.startsWith('#')));
  const bundled = bundleVendored(directory, own);
  const main = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest & Record<string, unknown>;
  const ranges = main.dependencies ?? {};
  const needed = [...new Set([...own, ...bundled])].toSorted();
  const unknown = needed.filter((name) => ranges[name] === undefined);
  if (unknown.length > 0)
    throw new Error(`package.json does not name ${unknown.join(', ')}, which the instrumentation needs`);
  const pinned = versionsOfSdk();
  const manifest = {
    name: NAME,
    version: main.version,
    description:
      'Clowder in OpenTelemetry: instrumentation of Node servers, and events by hand; without the other programs of clowder-otel',
    license: main.license,
    repository: main.repository,
    type: 'module',
    exports: EXPORTS,
    imports: Object.fromEntries(Object.keys(VENDORED).map((name) => [name, `./${VENDOR_FILE}`])),
    files: ['dist', 'LICENSE', 'README.md'],
    dependencies: Object.fromEntries(needed.map((name) => [name, pinned[name] ?? ranges[name]])),
    engines: main.engines,
    publishConfig: main.publishConfig,
  };
  writeFileSync(join(directory, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  copy(join(ROOT, 'instrumentation/README.md'), join(directory, 'README.md'));
  copy(join(ROOT, 'LICENSE'), join(directory, 'LICENSE'));
  return directory;
}

/**
 * The versions that the SDK itself requires. Its packages are usually, but not always, released together: with two patch
 * versions, npm would install another copy of everything for each package that requires the older one.
 */
function versionsOfSdk(): Readonly<Record<string, string>> {
  const { dependencies = {} } = JSON.parse(
    readFileSync(join(ROOT, 'node_modules/@opentelemetry/sdk-node/package.json'), 'utf8'),
  ) as Manifest;
  const exact = Object.entries(dependencies).filter(([, version]) => /^\d/.test(version));
  const base = dependencies['@opentelemetry/otlp-exporter-base'];
  return { ...Object.fromEntries(exact), ...(base !== undefined && { '@opentelemetry/otlp-transformer': base }) };
}

const RELATIVE = /(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'|new URL\('(\.[^']+)', import\.meta\.url\)/g;
const PACKAGE = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*'((?:#|@[\w-]+\/)?[a-z][\w./-]*)'/g;

/** Every file of the build that the entries reach, with its types, and every package that these import. */
function reached(dist: string): { readonly files: ReadonlySet<string>; readonly packages: ReadonlySet<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const queue: string[] = ENTRIES.flatMap((entry) => [`${entry}.js`, `${entry}.d.ts`]);
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const text = readFileSync(join(dist, file), 'utf8');
    for (const [, imported, located] of text.matchAll(RELATIVE)) {
      const target = relative(dist, resolve(dist, dirname(file), imported ?? located ?? '')).replace(/\.ts$/, '.js');
      queue.push(target, target.replace(/\.js$/, '.d.ts'));
    }
    for (const [, name = ''] of text.matchAll(PACKAGE)) packages.add(name.startsWith('#') ? name : packageOf(name));
  }
  return { files, packages };
}

const packageOf = (specifier: string): string => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier;

/** @param own direct dependencies of the package, left out of the bundle @returns further packages that the bundle needs */
function bundleVendored(directory: string, own: ReadonlySet<string>): readonly string[] {
  const ranges = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest).dependencies ?? {};
  const outside = [...own, '@opentelemetry/sdk-metrics', '@opentelemetry/otlp-transformer', '@opentelemetry/otlp-exporter-base']
    .filter((name) => ranges[name] !== undefined); // prettier-ignore
  const { metafile } = buildSync({
    absWorkingDir: ROOT,
    stdin: {
      // By require: the packages' ESM form creates its own require, which no bundler understands.
      contents: Object.values(VENDORED)
        .flatMap(([name, exported]) => exported.map((one) => `exports.${one} = require('${name}').${one};`))
        .join('\n'),
      resolveDir: ROOT,
    },
    outfile: join(directory, VENDOR_FILE),
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'cjs',
    target: 'node22',
    legalComments: 'linked',
    // Lets ESM import the names from CommonJS.
    footer: {
      js: `0 && (module.exports = { ${Object.values(VENDORED)
        .flatMap(([, exported]) => exported)
        .join(', ')} });`,
    },
    external: outside.flatMap((name) => [name, `${name}/*`]),
    metafile: true,
    logLevel: 'error',
  });
  writeFileSync(join(directory, dirname(VENDOR_FILE), 'LICENSES.md'), licencesOf(Object.keys(metafile.inputs)));
  const imported = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.filter(({ external }) => external === true).map(({ path }) => packageOf(path)),
  );
  return [...new Set(imported)].filter((name) => ranges[name] !== undefined);
}

/** The packages in the bundle, with their licences. */
function licencesOf(inputs: readonly string[]): string {
  const directories = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []));
  const lines = [...directories].toSorted().map((path) => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8')) as Manifest;
    return `- ${name} ${version}: ${license}`;
  });
  return `# What opentelemetry.cjs is made of\n\n${[...new Set(lines)].join('\n')}\n`;
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

if (import.meta.main) console.log(makeInstrumentationPackage(join(ROOT, '.cache', 'release', 'instrumentation')));
