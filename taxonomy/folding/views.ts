import { filledFrom, type Fields, type Folding, type Gathered, type Part } from './folding.ts';

/** Calls of one page come within so long of it, and of one another. */
export const VIEW_WITHIN_S = 30;
/** A page of Clowder 2 has asked for what it shows by then. */
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
/** What the page says of itself, and not the call that it makes. */
const OF_PAGE = ['url', 'referrer', 'title'];

function add({ fields, state }: Gathered, other: Fields, part: Part): Gathered {
  const filled: Record<string, Fields[string]> = { ...filledFrom(fields, other, FILLED) };
  if (part === 'page') for (const name of OF_PAGE) filled[name] = other[name] ?? filled[name];
  filled['created'] = Math.min(Number(fields['created']), Number(other['created']));
  return { fields: filled, state: part === 'call' ? { called: true } : state };
}

/**
 * The view of a resource: its page, and the calls by which a page of Clowder 2 gets what it shows. The page's address and
 * the earliest time count; user and name come from whoever knows them.
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
