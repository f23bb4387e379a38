import type { ComponentChildren } from 'preact';

export interface Column<Item> {
  readonly name: string;
  readonly cell: (item: Item) => ComponentChildren;
  readonly isFigure?: boolean;
  /** The first that names the row. */
  readonly isName?: boolean;
  /** Text that wants the width of a card. */
  readonly isLong?: boolean;
  /** Its name is for who does not see the column. */
  readonly isHidden?: boolean;
  /** Orders the rows by it, the most first. */
  readonly onOrder?: () => void;
  readonly isOrder?: boolean;
}

interface TableProps<Item> {
  readonly caption: string;
  readonly columns: readonly Column<Item>[];
  readonly items: readonly Item[];
  readonly keyOf: (item: Item, index: number) => string;
  readonly rowClass?: (item: Item) => string | undefined;
}

/** More columns than a phone has room for: there each row is a card, with the names of the columns beside the figures. */
const COLUMNS_MANY = 4;

/** Rows, of which the first column is the name; where the screen is narrow, they scroll sideways or are cards. */
export function Table<Item>({ caption, columns, items, keyOf, rowClass }: TableProps<Item>) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={caption}>
      <table class={columns.length > COLUMNS_MANY ? 'cards' : undefined}>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, isFigure, isHidden, onOrder, isOrder }) => (
              <th
                key={name}
                scope="col"
                class={isFigure ? 'figure' : undefined}
                aria-sort={isOrder ? 'descending' : undefined}
              >
                {isHidden ? (
                  <span class="hidden">{name}</span>
                ) : onOrder === undefined ? (
                  name
                ) : (
                  <button type="button" class="order" onClick={onOrder}>
                    {name}
                    <span aria-hidden="true">{isOrder ? ' ↓' : ''}</span>
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item, index) => (
            <tr key={keyOf(item, index)} class={rowClass?.(item)}>
              {columns.map(({ name, cell, isFigure, isName, isLong }) =>
                isName ? (
                  <th key={name} scope="row">
                    {cell(item)}
                  </th>
                ) : (
                  <td key={name} class={isFigure ? 'figure' : isLong ? 'long' : undefined} data-name={name}>
                    {cell(item)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'none';

/** A state by its word, and by a sign that needs no colour. */
export function State({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`state ${tone}`}>
      <i aria-hidden="true">{SIGNS[tone]}</i> {children}
    </span>
  );
}

const SIGNS: Readonly<Record<Tone, string>> = { good: '✓', warn: '!', bad: '✕', none: '·' };

/** A figure with its name, and what it was before. */
export function Tile({
  name,
  value,
  more,
  tone,
}: {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly more?: ComponentChildren;
  readonly tone?: Tone;
}) {
  return (
    <div class={`tile ${tone ?? ''}`}>
      <dt>{name}</dt>
      <dd>
        <b>{value}</b>
        {more !== undefined && more !== '' && <small>{more}</small>}
      </dd>
    </div>
  );
}
