import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tempDir } from '../test/support/processes.ts';
import { mmdbOf } from '../test/support/usage/mmdb.ts';
import { openCountries } from './countries.ts';

let dir: Awaited<ReturnType<typeof tempDir>>;
beforeAll(async () => {
  dir = await tempDir('countries');
});
afterAll(() => dir.remove());

async function file(name: string, content: Uint8Array): Promise<string> {
  const path = join(dir.path, name);
  await writeFile(path, content);
  return path;
}

describe('a table of countries', () => {
  test('gives the country of addresses, even anonymised ones, and none for other addresses', async () => {
    const path = await file('a.mmdb', mmdbOf([['198.51.100.0/24', 'DE'], ['2001:db8::/32', 'US']])); // prettier-ignore
    const { countryOf } = openCountries(path);
    const asked = ['198.51.100.0', '198.51.100.7', '198.51.101.7', '2001:db8:1::', '2001:db9::', 'no address'];
    expect(asked.map(countryOf)).toEqual(['DE', 'DE', undefined, 'US', undefined, undefined]);
  });

  test('has another id if its content differs', async () => {
    const one = openCountries(await file('one.mmdb', mmdbOf([['198.51.100.0/24', 'DE']])));
    const other = openCountries(await file('other.mmdb', mmdbOf([['198.51.100.0/24', 'US']])));
    expect(one.id).not.toBe(other.id);
  });

  test.each([
    ['is missing', async () => join(dir.path, 'none.mmdb'), 'no such file'],
    ['is invalid', async () => file('text.mmdb', Buffer.from('no table')), 'it is not an MMDB file'],
  ])('that %s is reported with its setting', async (_title, path, why) => {
    const named = await path();
    expect(() => openCountries(named)).toThrow(new RegExp(`USAGE_COUNTRIES_FILE was ${named}: .*${why}`, 's'));
  });
});
