import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ApiError } from '../api.ts';
import { inFormat } from '../question.ts';

interface PanelProps {
  readonly title: string;
  /** Calls of the API that made what is seen; the first is what is exported. */
  readonly questions?: readonly string[];
  /** Makes a picture of what is seen. */
  readonly picture?: () => Promise<Blob | null>;
  readonly error?: ApiError | undefined;
  readonly isLoading?: boolean;
  /** Nothing is known yet, so that there is nothing to show meanwhile. */
  readonly isEmpty?: boolean;
  readonly note?: ComponentChildren;
  readonly wide?: boolean;
  readonly children?: ComponentChildren;
}

/** A part of a page: what is seen, the question that made it, and how to take it away. */
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
      {isAsked && (
        <ul class="questions">
          {questions.map((url) => (
            <li key={url}>
              <code>GET {url}</code>
            </li>
          ))}
        </ul>
      )}
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

async function save(picture: () => Promise<Blob | null>, name: string): Promise<void> {
  const blob = await picture();
  if (blob === null) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
