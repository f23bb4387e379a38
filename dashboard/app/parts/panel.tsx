import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { csvOf } from '../csv.ts';
import { inFormat } from '../question.ts';

interface PanelProps {
  readonly title: string;
  /** API calls behind what is shown; the first one is exported. */
  readonly questions?: readonly string[];
  /** Makes a picture of what is shown. */
  readonly picture?: () => Promise<Blob | null>;
  readonly error?: ApiError | undefined;
  readonly isLoading?: boolean;
  /** There is no answer yet, so nothing is shown. */
  readonly isEmpty?: boolean;
  readonly note?: ComponentChildren;
  readonly wide?: boolean;
  readonly children?: ComponentChildren;
}

/** Part of a page: the figures, the question behind them, and ways to export them. */
export function Panel({ title, questions = [], picture, error, isLoading, isEmpty, note, wide, children }: PanelProps) {
  const [isAsked, setAsked] = useState(false);
  const [first] = questions;
  const name = title
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  const isStats = first?.startsWith('/api/v1/stats') === true || first?.startsWith('/api/v1/events') === true;
  return (
    <section class={wide ? 'panel wide' : 'panel'} aria-labelledby={`panel-${name}`} aria-busy={isLoading === true}>
      <header>
        <h2 id={`panel-${name}`}>{title}</h2>
        {questions.length > 0 && (
          <div class="tools">
            <button type="button" aria-expanded={isAsked} onClick={() => setAsked(!isAsked)}>
              Question
            </button>
            {first !== undefined && isStats && (
              <a href={inFormat(first, 'csv')} download={`${name}.csv`} aria-label={`CSV of ${title}`}>
                CSV
              </a>
            )}
            {!isStats && (
              <button
                type="button"
                aria-label={`CSV of ${title}`}
                onClick={(event) => saveTable(event.currentTarget.closest('section'), `${name}.csv`)}
              >
                CSV
              </button>
            )}
            {first !== undefined && (
              <a
                href={isStats ? inFormat(first, 'json') : first}
                download={`${name}.json`}
                aria-label={`JSON of ${title}`}
              >
                JSON
              </a>
            )}
            {picture !== undefined && (
              <button type="button" aria-label={`PNG of ${title}`} onClick={() => void save(picture, `${name}.png`)}>
                PNG
              </button>
            )}
          </div>
        )}
      </header>
      {isAsked && <Questions urls={questions} />}
      {error !== undefined && (
        <p class="lack" role="note">
          <strong>{error.code === 'usage_unavailable' ? 'Not counted now. ' : 'Not known now. '}</strong>
          {error.message}
        </p>
      )}
      {isEmpty !== true && children}
      {isEmpty === true && error === undefined && (
        <p class="empty">{isLoading === true ? 'Asking…' : 'Nothing yet.'}</p>
      )}
      {note !== undefined && <p class="note">{note}</p>}
    </section>
  );
}

/** The API calls behind what is shown. */
export function Questions({ urls }: { readonly urls: readonly string[] }) {
  return (
    <ul class="questions">
      {urls.map((url) => (
        <li key={url}>
          <code>GET {url}</code>
        </li>
      ))}
    </ul>
  );
}

/** Saves what is shown, a table or named figures, as CSV if the API cannot. */
function saveTable(section: Element | null, name: string): void {
  const textsOf = (of: Element, selector: string): string[] =>
    [...of.querySelectorAll(selector)].map((cell) => (cell.textContent ?? '').trim());
  const rows = [...(section?.querySelectorAll('tr') ?? [])].map((row) => textsOf(row, 'th, td'));
  const tiles = [...(section?.querySelectorAll('.tile') ?? [])].map((tile) => textsOf(tile, 'dt, dd > *'));
  saveBlob(new Blob([csvOf([...rows, ...tiles])], { type: 'text/csv' }), name);
}

async function save(picture: () => Promise<Blob | null>, name: string): Promise<void> {
  const blob = await picture();
  if (blob !== null) saveBlob(blob, name);
}

function saveBlob(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
