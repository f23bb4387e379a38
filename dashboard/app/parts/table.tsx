import type { ComponentChildren } from 'preact';

export interface Column<Item> {
  readonly name: string;
  readonly cell: (item: Item) => ComponentChildren;
  readonly isFigure?: boolean;
  /** The first that names the row. */
  readonly isName?: boolean;
  /** Its name is for who does not see the column. */
  readonly isHidden?: boolean;
}

interface TableProps<Item> {
  readonly caption: string;
  readonly columns: readonly Column<Item>[];
  readonly items: readonly Item[];
  readonly keyOf: (item: Item, index: number) => string;
  readonly rowClass?: (item: Item) => string | undefined;
}

/** Rows that scroll sideways by themselves where the screen is narrow. */
export function Table<Item>({ caption, columns, items, keyOf, rowClass }: TableProps<Item>) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={caption}>
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ name, isFigure, isHidden }) => (
              <th key={name} scope="col" class={isFigure ? 'figure' : undefined}>
                {isHidden ? <span class="hidden">{name}</span> : name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((item, index) => (
            <tr key={keyOf(item, index)} class={rowClass?.(item)}>
              {columns.map(({ name, cell, isFigure, isName }) =>
                isName ? (
                  <th key={name} scope="row">
                    {cell(item)}
                  </th>
                ) : (
                  <td key={name} class={isFigure ? 'figure' : undefined}>
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
