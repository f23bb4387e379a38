import { useState } from 'preact/hooks';
import { act, ApiError, type Acts } from '../api.ts';
import { count } from '../format.ts';
import type { Column } from './table.tsx';

type ActPath = keyof Acts;

/** Does something for an administrator and shows the result. */
export function useAct(after: () => void): {
  readonly said: string | undefined;
  readonly doIt: <Path extends ActPath>(
    path: Path,
    body: Acts[Path]['body'],
    tell: (answer: Acts[Path]['answer']) => string,
  ) => void;
} {
  const [said, setSaid] = useState<string>();
  const doIt = <Path extends ActPath>(
    path: Path,
    body: Acts[Path]['body'],
    tell: (answer: Acts[Path]['answer']) => string,
  ): void => {
    void (async () => {
      try {
        setSaid(tell(await act(path, body)));
        after();
      } catch (error) {
        setSaid(error instanceof ApiError ? error.message : String(error));
      }
    })();
  };
  return { said, doIt };
}

interface Choice<Item, Id> {
  /** The chosen ids that are still listed, in the list's order. */
  readonly ids: readonly Id[];
  readonly column: Column<Item>;
  readonly clear: () => void;
}

/** Rows chosen with checkboxes. */
export function useChoice<Item, Id extends string | number>(
  items: readonly Item[],
  idOf: (item: Item) => Id,
): Choice<Item, Id> {
  const [chosen, setChosen] = useState<ReadonlySet<Id>>(new Set());
  const toggle = (id: Id): void =>
    setChosen(new Set(chosen.has(id) ? [...chosen].filter((one) => one !== id) : [...chosen, id]));
  return {
    ids: items.map(idOf).filter((id) => chosen.has(id)),
    clear: () => setChosen(new Set()),
    column: {
      name: 'Choose',
      isHidden: true,
      cell: (item) => (
        <input
          type="checkbox"
          aria-label={`Choose ${idOf(item)}`}
          disabled={idOf(item) === ''}
          checked={chosen.has(idOf(item))}
          onChange={() => toggle(idOf(item))}
        />
      ),
    },
  };
}

/** "Replay 3", or "Replay chosen" while none is chosen. */
export const ofChosen = (verb: string, ids: readonly unknown[]): string =>
  `${verb} ${ids.length === 0 ? 'chosen' : count(ids.length)}`;
