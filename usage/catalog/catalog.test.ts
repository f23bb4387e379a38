import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tempDir } from '../../test/support/processes.ts';
import { placesOf, readCatalog, type Catalog } from './catalog.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
beforeEach(async () => {
  dir = await tempDir('catalog');
});
afterEach(() => dir.remove());

async function read(content: string): Promise<Catalog> {
  const path = join(dir.path, 'catalog');
  await writeFile(path, content);
  return readCatalog(path);
}

const RIVER = { dataset_id: 'd1', title: 'River', creators: ['Ana', { name: 'Ben', orcid: '0000-0002-1825-0097' }] };

test('a catalog is one object a line, or one array', async () => {
  const expected = [{ dataset_id: 'd1', title: 'River', creators: [{ name: 'Ana' }, { name: 'Ben', orcid: '0000-0002-1825-0097' }] }, { dataset_id: 'd2' }]; // prettier-ignore
  const lines = await read(`${JSON.stringify(RIVER)}\n\n{"dataset_id":"d2"}\n`);
  expect([...lines.values()]).toEqual(expected);
  const array = await read(JSON.stringify([RIVER, { dataset_id: 'd2' }], undefined, 2));
  expect([...array.values()]).toEqual(expected);
});

test('a DOI may be a link, and access may have any case', async () => {
  const catalog = await read('{"dataset_id":"d","doi":"https://doi.org/10.5072/Abc","access":"open","year":2024}');
  expect(catalog.get('d')).toEqual({ dataset_id: 'd', doi: '10.5072/Abc', access: 'Open', year: 2024 });
});

test('files are in the dataset that lists them', async () => {
  const catalog = await read('{"dataset_id":"d1","files":["f1","f2"]}\n{"dataset_id":"d2","files":["f3"]}');
  expect([...placesOf(catalog).files]).toEqual([
    ['f1', 'd1'],
    ['f2', 'd1'],
    ['f3', 'd2'],
  ]);
});

test.each([
  ['{"dataset_id":"d"}\n{"dataset_id":', ':2: it is not JSON'],
  ['{"title":"x"}', ':1: dataset_id: '],
  ['{"dataset_id":"d","doi":"abc"}', ':1: doi: must be a DOI'],
  ['{"dataset_id":"d","access":"secret"}', ':1: access: must be one of Open, Controlled, Free_To_Read'],
  ['[{"dataset_id":"d"},{"dataset_id":""}]', 'entry 2: dataset_id: '],
])('%j is refused, naming the place', async (content, message) => {
  await expect(read(content)).rejects.toThrow(message);
});
