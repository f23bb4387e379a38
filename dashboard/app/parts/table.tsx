import type { ComponentChildren } from 'preact';

export interface Column<Item> {
  readonly name: string;
  readonly cell: (item: Item) => ComponentChildren;
  readonly isFigure?: boolean;
  /** The first such column names the row. */
  readonly isName?: boolean;
  /** Text that needs the whole width of a card. */
  readonly isLong?: boolean;
  /** The column's name is for screen readers only. */
  readonly isHidden?: boolean;
  /** Orders the rows by this column, largest first. */
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

/** With more columns, a phone shows each row as a card, with column names beside the figures. */
const COLUMNS_MANY = 4;

/** A table whose first column names the row. On a narrow screen it scrolls sideways, or its rows are cards. */
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

/** A state as a word and a sign that needs no colour. */
export function State({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }) {
  return (
    <span class={`state ${tone}`}>
      <i aria-hidden="true">{SIGNS[tone]}</i> {children}
    </span>
  );
}

const SIGNS: Readonly<Record<Tone, string>> = { good: '✓', warn: '!', bad: '✕', none: '·' };

/** A figure with its name and its value before. */
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
