import { filledFrom, type Fields, type Folding, type Gathered, type Part } from './folding.ts';

/** A page's calls come within this time of the page and of one another, in seconds. */
export const VIEW_WITHIN_S = 30;
/** Within this time, a page of Clowder 2 has requested its content. */
const HELD_MS = 5000;

const FILLED = [
  'session_id',
  'resource_name',
  'dataset_id',
  'dataset_name',
  'folder_id',
  'space_id',
  'author_id',
  'author_name',
  'title',
  'referrer',
];
/** Fields that describe the page, not its calls. */
const OF_PAGE = ['url', 'referrer', 'title'];

function add({ fields, state }: Gathered, other: Fields, part: Part): Gathered {
  const filled: Record<string, Fields[string]> = { ...filledFrom(fields, other, FILLED) };
  if (part === 'page') for (const name of OF_PAGE) filled[name] = other[name] ?? filled[name];
  filled['created'] = Math.min(Number(fields['created']), Number(other['created']));
  return { fields: filled, state: part === 'call' ? { called: true } : state };
}

/**
 * The view of a resource: its page, and the calls by which a page of Clowder 2 gets its content. The view has the page's
 * address and the earliest time; user and resource name come from any observation that knows them.
 */
export const views: Folding = {
  quietMs: HELD_MS,
  mostMs: HELD_MS,
  begin: (fields, part, awaitsCall) => ({
    fields,
    state: part === 'call' ? { called: true } : awaitsCall ? { awaitsCall: true } : {},
  }),
  add,
  mayGain: ({ fields, state }) => {
    const isAnonymous = fields['user_id'] === undefined && fields['user_name'] === undefined;
    return (
      state.awaitsCall === true || (state.called === true && (isAnonymous || fields['resource_name'] === undefined))
    );
  },
};
