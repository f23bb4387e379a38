import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TSC = join(ROOT, 'node_modules', '.bin', 'tsc');

/** An edit that docs/extend.md describes: insert `text` before the line that begins with `before`. */
interface Step {
  readonly file: string;
  readonly before: string;
  readonly text: string;
}

const FIELD = 'restored_from: thing(z.string().max(256).optional())';
const UNCLASSED_FIELD = 'restored_from: z.string().max(256).optional()';

const TYPE_ALONE: Step = {
  file: 'taxonomy/event-types.ts',
  before: "  'dataset.created': eventType(",
  text: `  'file.restored': eventType('file.restored', { ...file, ${FIELD} }, 'A file was brought back', {
    stated: [['file_id']],
    v1: { category: 'restore' },
  }),
`,
};
const WHOLE_TYPE: Step = {
  ...TYPE_ALONE,
  text: `  'file.restored': eventType('file.restored', { ...file, ${FIELD} }, 'A file was brought back', {
    stated: [['file_id']],
    resource: fileResource,
    v1: { category: 'restore' },
    identity: ['file_id'],
    enriched: FILE,
    folds: 'never',
  }),
`,
};
/** Files that need no edit of their own, and have errors until the record is complete. */
const READ_THE_RECORD = ['instrumentation/enrichment/completion.ts', 'taxonomy/json-schema.ts'];
const UNCLASSED_TYPE: Step = { ...WHOLE_TYPE, text: WHOLE_TYPE.text.replace(FIELD, UNCLASSED_FIELD) };
const ATTRIBUTE: Step = {
  file: 'taxonomy/attributes.ts',
  before: '  dataset_id:',
  text: `  restored_from: 'clowder.restored.from',
`,
};
const SHOWN: Step = {
  file: 'sinks/services/matomo/tracking.ts',
  before: "  'dataset.created': RESOURCE,",
  text: `  'file.restored': RESOURCE,
`,
};
const ROUTE: Step = {
  file: 'taxonomy/routes/v2.ts',
  before: "  ['POST', '/api/v2/users', 'signup-answer'],",
  text: `  ['POST', '/api/v2/files/:id/restore', 'restore-file'],
`,
};
const RULE: Step = {
  file: 'taxonomy/http/rules.ts',
  before: "  'delete-bulk':",
  text: `  'restore-file': byAnswer((facts) => {
    const id = facts.pathId('id');
    return facts.ok && id !== undefined && !facts.refusedInBody ? one('file.restored', { file_id: id }) : [];
  }),
`,
};
const BLIND_RULE: Step = { ...RULE, text: RULE.text.replace('byAnswer', 'byHead') };

const FOLDERS = ['taxonomy', 'runtime', 'sinks', 'instrumentation'];
/** Files that declare event types, fields and rules or read them by type; their imports are checked too. */
const CHECKED = [
  'taxonomy/index.ts',
  'taxonomy/map.ts',
  'taxonomy/json-schema.ts',
  'sinks/event/privacy.ts',
  'sinks/services/matomo/tracking.ts',
  'instrumentation/events/properties.ts',
  'instrumentation/enrichment/completion.ts',
];

let checkout: string;

beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'clowder-otel-extend-'));
  for (const folder of FOLDERS) await cp(join(ROOT, folder), join(checkout, folder), { recursive: true });
  const { compilerOptions } = JSON.parse(await readFile(join(ROOT, 'tsconfig.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  // The rest has no such lists and would take the compiler several times as long.
  const config = { compilerOptions, files: CHECKED };
  await writeFile(join(checkout, 'tsconfig.json'), JSON.stringify(config));
  await cp(join(ROOT, 'package.json'), join(checkout, 'package.json'));
  await symlink(join(ROOT, 'node_modules'), join(checkout, 'node_modules'), 'dir');
});

afterEach(() => rm(checkout, { recursive: true, force: true }));

async function write({ file, before, text }: Step): Promise<void> {
  const path = join(checkout, file);
  const source = await readFile(path, 'utf8');
  expect(source.split(`\n${before}`), `${file} has one line that begins with ${before}`).toHaveLength(2);
  await writeFile(
    path,
    source.replace(`\n${before}`, () => `\n${text}${before}`),
  );
}

/** Messages of the type checker by file. */
async function complaints(): Promise<Readonly<Record<string, string>>> {
  const output = await new Promise<string>((resolve) => {
    execFile(TSC, ['-p', 'tsconfig.json', '--pretty', 'false'], { cwd: checkout }, (error, stdout, stderr) =>
      resolve(error === null ? '' : `${stdout}${stderr}`),
    );
  });
  const found: Record<string, string> = {};
  let file = 'no file';
  for (const line of output.split('\n').filter((one) => one !== '')) {
    file = /^(\S+?)\(\d+,\d+\): /.exec(line)?.[1] ?? file;
    found[file] = `${found[file] ?? ''}${line}\n`;
  }
  return found;
}

async function replace({ file, text }: Step, other: Step): Promise<void> {
  const path = join(checkout, file);
  const source = await readFile(path, 'utf8');
  await writeFile(
    path,
    source.replace(text, () => other.text),
  );
}

test('the compiler names every place to change for a new event type, field and route', async () => {
  for (const step of [TYPE_ALONE, ROUTE]) await write(step);
  const told = await complaints();
  const places = [SHOWN.file, ATTRIBUTE.file, TYPE_ALONE.file, ROUTE.file];
  expect(Object.keys(told).toSorted()).toEqual([...places, ...READ_THE_RECORD].toSorted());
  expect(told[TYPE_ALONE.file]).toMatch(/missing the following properties.*: identity, enriched, folds/);
  expect(told[ATTRIBUTE.file]).toContain("Property 'restored_from' is missing");
  expect(told[SHOWN.file]).toContain(`Property '"file.restored"' is missing`);
  expect(told[ROUTE.file]).toContain(`"restore-file"' is not assignable to type`);

  await replace(TYPE_ALONE, UNCLASSED_TYPE);
  for (const step of [ATTRIBUTE, SHOWN, BLIND_RULE]) await write(step);
  const blind = await complaints();
  expect(blind[RULE.file]).toContain("Property 'refusedInBody' does not exist");
  expect(blind[TYPE_ALONE.file]).toContain("Property 'tells' is missing");

  await replace(UNCLASSED_TYPE, WHOLE_TYPE);
  await replace(BLIND_RULE, RULE);
  expect(await complaints()).toEqual({});
}, 120_000);

test('docs/extend.md has the steps that these tests take', async () => {
  const page = await readFile(join(ROOT, 'docs', 'extend.md'), 'utf8');
  for (const { text } of [TYPE_ALONE, WHOLE_TYPE, ATTRIBUTE, SHOWN, ROUTE, RULE]) expect(page).toContain(text);
});
