import { z } from 'zod';
import { InputError } from '../input/errors.ts';
import { readLines } from '../input/lines.ts';
import { ACCESS_TYPES, publisherIdsOf } from '../reports/settings.ts';
import type { CatalogPlaces } from '../store/usage-store.ts';

const DOI = /^10\.[1-9]\d{2}[\d.]*\/.+$/;
const words = z.string().trim().min(1);

/** A name, alone or with an id that reports can show. */
const creator = z.preprocess(
  (given) => (typeof given === 'string' ? { name: given } : given),
  z.object({
    name: words,
    orcid: z
      .string()
      .regex(/^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$/)
      .optional(),
    isni: z
      .string()
      .regex(/^\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{3}[\dX]$/)
      .optional(),
  }),
);

/** What a catalog says about a dataset; everything but the id may be missing. */
const entry = z.object({
  dataset_id: words,
  title: words.optional(),
  creators: z.array(creator).optional(),
  publisher: words.optional(),
  publisher_id: words.optional(),
  /** Year of publication. */
  year: z.union([z.number().int().min(1).max(9999), z.string().regex(/^\d{4}$/)]).optional(),
  publication_date: z.iso.date().optional(),
  doi: words
    .transform((given) => given.replace(/^(?:https?:\/\/(?:dx\.)?doi\.org\/|doi:\s*)/i, ''))
    .refine((given) => DOI.test(given), 'must be a DOI, such as 10.5072/abc')
    .optional(),
  url: z.url({ protocol: /^https?$/ }).optional(),
  access: z
    .string()
    .transform((given) => ACCESS_TYPES.find((type) => type.toLowerCase() === given.toLowerCase()))
    .refine((given) => given !== undefined, `must be one of ${ACCESS_TYPES.join(', ')}`)
    .optional(),
  space_id: words.optional(),
  /** A dataset counts for the first of its collections only, so that collections add up. */
  collection_ids: z.array(words).optional(),
  /** Ids of its files, for those whose dataset no event names. */
  files: z.array(words).optional(),
});

export type CatalogEntry = z.output<typeof entry>;

/** A stored entry. @throws ZodError if it is not one */
export const entryOf = (json: string): CatalogEntry => entry.parse(JSON.parse(json));

/** What is known about datasets besides their usage, by id. */
export type Catalog = ReadonlyMap<string, CatalogEntry>;

/**
 * Reads a catalog: one JSON object per line, or one JSON array of them. If a dataset occurs twice, the last entry counts.
 *
 * @throws InputError with file and line, or place in the array
 */
export async function readCatalog(path: string): Promise<Catalog> {
  const catalog = new Map<string, CatalogEntry>();
  for await (const { value, place } of valuesOf(path)) {
    const parsed = entry.safeParse(value);
    if (!parsed.success) throw new InputError('bad_input', `${place}: ${problemOf(parsed.error)}`);
    catalog.set(parsed.data.dataset_id, parsed.data);
  }
  return catalog;
}

interface Placed {
  readonly value: unknown;
  /** `FILE:LINE`, or the place in the array. */
  readonly place: string;
}

async function* valuesOf(path: string): AsyncGenerator<Placed> {
  let whole: string[] | undefined;
  for await (const { lines } of readLines(path)) {
    for (const { text, number } of lines) {
      if (number === 1 && text.trimStart().startsWith('[')) whole = [];
      if (whole !== undefined) whole.push(text);
      else if (text.trim() !== '') yield { value: jsonOf(text, `${path}:${number}`), place: `${path}:${number}` };
    }
  }
  if (whole === undefined) return;
  const values = jsonOf(whole.join('\n'), `${path}, the array`);
  for (const [index, value] of (values as readonly unknown[]).entries())
    yield { value, place: `${path}, entry ${index + 1}` };
}

function jsonOf(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputError('bad_input', `${place}: it is not JSON`, { cause });
  }
}

function problemOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return `${issue?.path.join('.') || 'the entry'}: ${issue?.message ?? 'is wrong'}`;
}

/** The places of files and datasets in the catalog. */
export function placesOf(catalog: Catalog): CatalogPlaces {
  const entries = [...catalog.values()];
  return {
    files: entries.flatMap(({ dataset_id: dataset, files = [] }) => files.map((file) => [file, dataset] as const)),
    datasets: entries.map(({ dataset_id: dataset, space_id: space, collection_ids: [collection] = [], access }) => ({
      dataset,
      space,
      collection,
      isOpen: access === 'Open',
    })),
  };
}

/** Ids of a dataset's publisher, if the catalog has any. */
export const idsOfPublisher = ({ publisher_id: given }: CatalogEntry): ReturnType<typeof publisherIdsOf> =>
  publisherIdsOf(given);
