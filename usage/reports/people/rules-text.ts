import { DOUBLE_CLICK_MS } from '../../rules/facts.ts';
import { escaped } from '../formats.ts';

/** The last section: the counting rules, and what the figures cannot say. */
export function rulesHtml(zone: string): string {
  return `<section class="rules">
<h2>How is it counted?</h2>
<p>By the rules of COUNTER Release 5.1 for repositories of data.</p>
${list(RULES(zone))}
<h2>What can these figures not say?</h2>
${list(LIMITS)}
</section>`;
}

const list = (sentences: readonly string[]): string =>
  `<ul>\n${sentences.map((sentence) => `<li>${escaped(sentence)}</li>`).join('\n')}\n</ul>`;

const RULES = (zone: string): readonly string[] => [
  'The unit is the dataset. A page or download of a file counts for its dataset.',
  'Views and downloads: pages of a dataset and its files that were shown, and every download. COUNTER calls them investigations.',
  'Downloads: the content itself, sent whole. COUNTER calls them requests. A download that broke off counts as a view, not as a download.',
  `Double clicks: the same request again within ${DOUBLE_CLICK_MS / 1000} seconds counts once.`,
  'Unique: once for each dataset and session. A session is a login session on one day, or else one user or client in one hour.',
  'Visitors: different users, or sessions, or clients where nobody logged in. A person who uses two computers without logging in counts as two.',
  'Robots, AI agents, extractors and tools without a user or key are shown separately and are in no other figure.',
  'What a page fetches by itself to show a file is not a download.',
  `Days, hours and months are those of the time zone ${zone}.`,
];

const LIMITS: readonly string[] = [
  'Several people behind one address who use the same browser and do not log in count as one visitor.',
  'A robot that calls itself a browser is counted as one.',
  'Usage that was not recorded is missing: from times when neither the proxy nor the access log was in place.',
  'If the dataset of a file is not known, its usage counts for no dataset.',
  'Events that come after the report was made change the month. Make the report again: it replaces the one before.',
];
