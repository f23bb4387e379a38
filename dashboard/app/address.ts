/** The dashboard's pages, by path. */
export const PAGES = {
  '/': 'Health',
  '/usage': 'Usage',
  '/machines': 'Machines',
  '/events': 'Events',
  '/kept': 'Undelivered',
} as const;
export type Page = keyof typeof PAGES;
export const PAGE_PATHS = Object.keys(PAGES) as Page[];

/** What is shown: a page and its filters. */
export interface Address {
  readonly page: Page;
  readonly params: Readonly<Record<string, string>>;
}

const isPage = (path: string): path is Page => Object.hasOwn(PAGES, path);

/** @param path an unknown one means the first page */
export function readAddress(path: string, search: string): Address {
  const trimmed = path.replace(/(?<=.)\/+$/, '');
  const params = Object.fromEntries([...new URLSearchParams(search)].filter(([, value]) => value !== ''));
  return { page: isPage(trimmed) ? trimmed : '/', params };
}

/** The same filters give the same address, in whichever order they were set. */
export function writeAddress({ page, params }: Address): string {
  const entries = Object.entries(params)
    .filter(([, value]) => value !== '')
    .toSorted(([one], [other]) => (one < other ? -1 : 1));
  const search = new URLSearchParams(entries).toString();
  return search === '' ? page : `${page}?${search}`;
}

/** @param changes undefined removes a filter */
export function withParams(address: Address, changes: Readonly<Record<string, string | undefined>>): Address {
  const params = { ...address.params, ...changes };
  return {
    ...address,
    params: Object.fromEntries(
      Object.entries(params).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
    ),
  };
}
