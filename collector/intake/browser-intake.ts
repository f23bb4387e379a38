import { mapBrowser, type BrowserPoster } from '../../taxonomy/browser.ts';
import type { EventIssue } from '../../taxonomy/check-draft.ts';
import type { MapContext } from '../../taxonomy/map/context.ts';
import type { Intake } from './intake.ts';

/** The outcome of a report from a page's script. */
export type BrowserAnswer =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly issues: readonly EventIssue[] };

/**
 * Journals a report from a page's script if it is a valid event.
 *
 * @throws CollectorError journal_full or journal_unavailable
 */
export async function acceptBrowser(
  said: unknown,
  poster: BrowserPoster,
  context: MapContext,
  intake: Pick<Intake, 'submit'>,
): Promise<BrowserAnswer> {
  const verdict = mapBrowser(said, poster, context);
  if (!verdict.ok) return verdict;
  await intake.submit([verdict.candidate]);
  return { ok: true, id: verdict.candidate.body.event_id };
}
