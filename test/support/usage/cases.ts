import type { StoredEvent } from '../../../usage/store/columns.ts';

/** Access method, then total and unique investigations and requests. */
export type Counted = readonly [
  access: string,
  totalInvestigations: number,
  uniqueInvestigations: number,
  totalRequests: number,
  uniqueRequests: number,
];

/** Some events, and what both Codes count for October 2026 or the named month. */
export interface Case {
  readonly title: string;
  readonly events: readonly StoredEvent[];
  readonly rd1: readonly Counted[];
  readonly r51: readonly Counted[];
  readonly month?: string;
  /** @default UTC */
  readonly zone?: string;
  /** For cases about this: why each event in the month is not counted, in order of ids. */
  readonly reasons?: readonly string[];
}

export const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
const PYTHON = 'python-requests/2.32.3';
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

type Fields = Readonly<Record<string, string | number | boolean>>;

let made = 0;

/** An event at a time, `2026-10-05T10:00:00Z` or just `10:00:00` on that day, from a Firefox user. */
export function event(type: string, time: string, fields: Fields): StoredEvent {
  made += 1;
  const created = Date.parse(time.includes('T') ? time : `2026-10-05T${time}Z`);
  const event_id = `e${String(made).padStart(6, '0')}`;
  return { event_id, event: type, created, source: 'proxy', user_agent: FIREFOX, ...fields };
}

const ana = { user_id: 'ana' };
const ben = { user_id: 'ben' };
const client = { client_id: 'client-1' };

export const page = (time: string, who: Fields, dataset = 'd1'): StoredEvent =>
  event('view.resource', time, { resource_type: 'dataset', resource_id: dataset, ...who });
export const filePage = (time: string, who: Fields, file = 'f1', dataset = 'd1'): StoredEvent =>
  event('view.resource', time, { resource_type: 'file', resource_id: file, dataset_id: dataset, ...who });
export const download = (time: string, who: Fields, file = 'f1', dataset = 'd1'): StoredEvent =>
  event('view.download', time, { resource_type: 'file', resource_id: file, dataset_id: dataset, bytes: 1000, ...who });

const both = (...counted: readonly Counted[]): Pick<Case, 'rd1' | 'r51'> => ({ rd1: counted, r51: counted });

const twice = download('10:00:00', ana);

export const CASES: readonly Case[] = [
  {
    // 29 s later is a double click, so the first is dropped. One investigation, one session (ana, 10 o'clock).
    title: 'two clicks 29 s apart are one',
    events: [page('10:00:00', ana), page('10:00:29', ana)],
    ...both(['regular', 1, 1, 0, 0]),
    reasons: ['repeat', 'counted'],
  },
  {
    // At most 30 s: exactly 30.000 s still counts as a double click.
    title: 'two clicks 30.000 s apart are one',
    events: [page('10:00:00.000', ana), page('10:00:30.000', ana)],
    ...both(['regular', 1, 1, 0, 0]),
  },
  {
    title: 'two clicks 30.001 s apart are two',
    events: [page('10:00:00.000', ana), page('10:00:30.001', ana)],
    ...both(['regular', 2, 1, 0, 0]),
  },
  {
    title: 'two clicks 35 s apart are two',
    events: [page('10:00:00', ana), page('10:00:35', ana)],
    ...both(['regular', 2, 1, 0, 0]),
  },
  {
    // Fixed windows of 30 s would make these two: 10:00:29 in one, 10:00:31 in the next.
    title: 'two clicks 2 s apart are one, wherever they stand on the clock',
    events: [page('10:00:29', ana), page('10:00:31', ana)],
    ...both(['regular', 1, 1, 0, 0]),
  },
  {
    // 0, 20, 40 and 60 s: each but the last is followed by another within 30 s. One remains, at 60 s.
    title: 'a chain of clicks is one, at its end',
    events: [page('10:00:00', ana), page('10:00:20', ana), page('10:00:40', ana), page('10:01:00', ana)],
    ...both(['regular', 1, 1, 0, 0]),
    reasons: ['repeat', 'repeat', 'repeat', 'counted'],
  },
  {
    // The later click is kept, and it is in November: October has none.
    title: 'a double click over the end of the month is none in the first month',
    events: [page('2026-10-31T23:59:50Z', ana), page('2026-11-01T00:00:10Z', ana)],
    ...both(),
    reasons: ['repeat'],
  },
  {
    title: 'a double click over the end of the month is one in the second month',
    events: [page('2026-10-31T23:59:50Z', ana), page('2026-11-01T00:00:10Z', ana)],
    month: '2026-11',
    ...both(['regular', 1, 1, 0, 0]),
  },
  {
    title: 'two people 3 s apart are two',
    events: [page('10:00:00', ana), page('10:00:03', ben)],
    ...both(['regular', 2, 2, 0, 0]),
  },
  {
    title: 'two clients at one address are two, told apart by their user agents',
    events: [
      page('10:00:00', { client_address: '10.0.0.0' }),
      page('10:00:03', { client_address: '10.0.0.0', user_agent: `${FIREFOX} other` }),
    ],
    ...both(['regular', 2, 2, 0, 0]),
  },
  {
    // An unknown client cannot be shown to be the same one: never folded, and each click is its own session.
    title: 'two clicks of whom nothing is known are two',
    events: [page('10:00:00', {}), page('10:00:03', {})],
    ...both(['regular', 2, 2, 0, 0]),
  },
  {
    // For research data, the sessions of an unnamed client are clock hours: 10:59 and 11:00 are two sessions and two
    // investigations. Release 5.1 has no such slices: one investigation, in the session of 11 o'clock.
    title: 'a pair of a mere client over the full hour is two for research data and one for Release 5.1',
    events: [page('10:59:50', client), page('11:00:10', client)],
    rd1: [['regular', 2, 2, 0, 0]],
    r51: [['regular', 1, 1, 0, 0]],
  },
  {
    // A user who has logged in is recognised across the hour.
    title: 'a pair of a user over the full hour is one for both',
    events: [page('10:59:50', ana), page('11:00:10', ana)],
    ...both(['regular', 1, 1, 0, 0]),
  },
  {
    // 20 s apart from two addresses by the same user: one. Another 10 minutes later: two in total, in one session.
    title: 'one user at two addresses is one user',
    events: [
      page('10:00:00', { ...ana, client_id: 'office' }),
      page('10:00:20', { ...ana, client_id: 'phone' }),
      page('10:10:00', { ...ana, client_id: 'office' }),
    ],
    ...both(['regular', 2, 1, 0, 0]),
  },
  {
    // A session id is one session for the whole day: 8, 12 and 20 o'clock are three investigations in one session.
    title: 'a session id is one session over hours',
    events: ['08:00:00', '12:00:00', '20:00:00'].map((time) => page(time, { session_id: 's1' })),
    ...both(['regular', 3, 1, 0, 0]),
  },
  {
    // Midnight ends the session: two investigations, two sessions.
    title: 'a session id is another session after midnight',
    events: [page('2026-10-05T23:50:00Z', { session_id: 's1' }), page('2026-10-06T00:10:00Z', { session_id: 's1' })],
    ...both(['regular', 2, 2, 0, 0]),
  },
  {
    // Without a session id, a user's clock hour is the session: 10:05, 10:55 and 11:05 are two sessions.
    title: 'a user without a session id has a session for each hour of the clock',
    events: [page('10:05:00', ana), page('10:55:00', ana), page('11:05:00', ana)],
    ...both(['regular', 3, 2, 0, 0]),
  },
  {
    // Three downloads of different files: three requests and three investigations. One dataset in one session: unique 1.
    title: 'three files of one dataset in an hour are three, and one unique',
    events: ['f1', 'f2', 'f3'].map((file, index) => download(`10:0${index}:00`, ana, file)),
    ...both(['regular', 3, 1, 3, 1]),
  },
  {
    // With the dataset's page there are four investigations, still of one dataset in one session; requests stay three.
    title: 'three files and the page of their dataset are four investigations',
    events: [
      page('09:59:59', { ...ana, session_id: 's' }),
      ...['f1', 'f2', 'f3'].map((file, index) => download(`10:0${index}:00`, { ...ana, session_id: 's' }, file)),
    ],
    ...both(['regular', 4, 1, 3, 1]),
  },
  {
    // Page and download of one file are different types, so no double click: 2 investigations and 1 request.
    title: 'a page and a download of one file 5 s apart are two',
    events: [filePage('10:00:00', ana), download('10:00:05', ana)],
    ...both(['regular', 2, 1, 1, 1]),
  },
  {
    // A general-purpose tool without key and user: machine for research data, excluded by Release 5.1.
    title: 'python without a key is a machine for research data and out of Release 5.1',
    events: [download('10:00:00', { ...client, user_agent: PYTHON })],
    rd1: [['machine', 1, 1, 1, 1]],
    r51: [],
    reasons: ['tool'],
  },
  {
    // Both in one session. Release 5.1 excludes curl without a key, so it cannot be the second half of the browser's double
    // click.
    title: 'a tool that is out makes no double click of a browser',
    events: [
      download('10:00:00', { session_id: 's' }),
      download('10:00:10', { session_id: 's', user_agent: 'curl/8.5.0' }),
    ],
    rd1: [
      ['machine', 1, 1, 1, 1],
      ['regular', 1, 1, 1, 1],
    ],
    r51: [['regular', 1, 1, 1, 1]],
    reasons: ['counted', 'tool'],
  },
  {
    title: 'python with an API key is a machine for research data and text and data mining for Release 5.1',
    events: [download('10:00:00', { ...client, user_agent: PYTHON, auth_method: 'api_key' })],
    rd1: [['machine', 1, 1, 1, 1]],
    r51: [['tdm', 1, 1, 1, 1]],
  },
  {
    title: 'python of a known user is text and data mining for Release 5.1',
    events: [download('10:00:00', { ...ana, user_agent: PYTHON })],
    rd1: [['machine', 1, 1, 1, 1]],
    r51: [['tdm', 1, 1, 1, 1]],
  },
  {
    title: 'a program that is on no list is a machine for research data and regular for Release 5.1',
    events: [download('10:00:00', { ...client, user_agent: 'HerbariumDesk/2.1 (Mac OS X 14.5)' })],
    rd1: [['machine', 1, 1, 1, 1]],
    r51: [['regular', 1, 1, 1, 1]],
  },
  {
    // A person watches one file: one download. The player requests it in pieces, which the capture makes one event.
    title: 'a media player is regular for both',
    events: [download('10:00:00', { client_id: 'living-room', user_agent: 'VLC/3.0.18 LibVLC/3.0.18' })],
    ...both(['regular', 1, 1, 1, 1]),
    reasons: ['counted'],
  },
  {
    // COUNTER's list includes the empty user agent (`^.?$`), so a missing one is a robot too.
    title: 'a request without a user agent is a robot',
    events: [{ ...page('10:00:00', client), user_agent: undefined }],
    ...both(),
    reasons: ['bot'],
  },
  {
    // An instrumented server saw the actual request and reports how it was authenticated; a client with a key is a program.
    title: 'a request without a user agent is a robot to an instrumented server, unless it brings a key',
    events: [
      { ...page('10:00:00', client), user_agent: undefined, source: 'sdk', auth_method: 'none' },
      { ...page('10:05:00', client, 'd2'), user_agent: undefined, source: 'sdk', auth_method: 'api_key' },
    ],
    rd1: [['machine', 1, 1, 0, 0]],
    r51: [['regular', 1, 1, 0, 0]],
    reasons: ['bot', 'counted'],
  },
  {
    title: 'an event that a program states without a user agent is of a program',
    events: [{ ...page('10:00:00', client), user_agent: undefined, source: 'api' }],
    rd1: [['machine', 1, 1, 0, 0]],
    r51: [['regular', 1, 1, 0, 0]],
  },
  {
    // A 304 is a view like any other. A download in pieces is its first piece's event, with `range`. Both count once.
    title: 'a page answered 304 and a download that begins with its first piece count',
    events: [page('10:00:00', ana), { ...download('10:01:00', ana), range: 'bytes=0-99' }],
    ...both(['regular', 2, 1, 1, 1]),
  },
  {
    title: 'a robot stays one where it logs in',
    events: [page('10:00:00', { ...ana, user_agent: GOOGLEBOT })],
    ...both(),
    reasons: ['bot'],
  },
  {
    title: 'an AI agent is told apart from other robots',
    events: [
      page('10:00:00', {
        ...client,
        user_agent: 'Mozilla/5.0 AppleWebKit/537.36 (compatible; ChatGPT-User/1.0; +https://openai.com/bot)',
      }),
    ],
    ...both(),
    reasons: ['ai_agent'],
  },
  {
    // The first by its user agent, the second by what the collector knows about its address.
    title: 'extractors are out',
    events: [
      download('10:00:00', { ...client, user_agent: 'pyclowder/3.0.8' }),
      download('10:05:00', { ...client, user_agent: PYTHON, client_kind: 'extractor', auth_method: 'api_key' }),
    ],
    ...both(),
    reasons: ['extractor', 'extractor'],
  },
  {
    // Clowder v1's guests share a user id of 24 zeros: two guests are two clients, not one user.
    title: 'guests are not one user',
    events: ['guest-1', 'guest-2'].map((client_id, index) =>
      page(`10:00:0${index}`, { user_id: '0'.repeat(24), client_id }),
    ),
    ...both(['regular', 2, 2, 0, 0]),
  },
  {
    // 1 November 2026 in Chicago has 25 hours: 1:30 occurs twice. Both are in clock hour 1, so in one session.
    title: 'an hour that comes twice is one hour of the clock',
    events: [
      page('2026-11-01T06:30:00Z', client),
      page('2026-11-01T07:30:00Z', client),
      page('2026-11-01T08:30:00Z', client),
    ],
    month: '2026-11',
    zone: 'America/Chicago',
    // 01:30, 01:30 and 02:30: three investigations, two sessions.
    ...both(['regular', 3, 2, 0, 0]),
  },
  {
    // The day ends at midnight in Chicago, 6:00 UTC: 5:59:59 on the 2nd is its last second, 6:00 is the next day.
    title: 'a day of 25 hours is one day of a session',
    events: ['2026-11-01T05:00:00Z', '2026-11-02T05:59:59Z', '2026-11-02T06:00:40Z'].map((time) =>
      page(time, { session_id: 's' }),
    ),
    month: '2026-11',
    zone: 'America/Chicago',
    // Three investigations on 1 and 2 November: two sessions.
    ...both(['regular', 3, 2, 0, 0]),
  },
  {
    // 8 March 2026 has 23 hours there, from 6:00 to 5:00 UTC the next day: 1:59 and 3:01 are 2 minutes apart.
    title: 'a day of 23 hours leaves an hour out',
    events: ['2026-03-08T07:59:00Z', '2026-03-08T08:01:00Z', '2026-03-09T05:01:00Z'].map((time) =>
      page(time, { session_id: 's' }),
    ),
    month: '2026-03',
    zone: 'America/Chicago',
    // Three investigations, on the 8th, on the 8th and at 00:01 on the 9th: two sessions.
    ...both(['regular', 3, 2, 0, 0]),
  },
  {
    // October in Chicago begins at 5:00 UTC on the 1st and ends at 5:00 UTC on 1 November.
    title: 'a month begins and ends in its time zone',
    events: [
      page('2026-10-01T04:59:59Z', ana),
      page('2026-10-01T05:00:59Z', ben),
      page('2026-11-01T04:59:59Z', ana),
      page('2026-11-01T05:00:00Z', ben),
    ],
    zone: 'America/Chicago',
    ...both(['regular', 2, 2, 0, 0]),
  },
  {
    title: 'a month with nothing is empty',
    events: [page('10:00:00', ana)],
    month: '2026-09',
    ...both(),
    reasons: [],
  },
  {
    title: 'the same event twice is one',
    events: [twice, twice],
    ...both(['regular', 1, 1, 1, 1]),
    reasons: ['counted'],
  },
  {
    // An interrupted download is an investigation but no request.
    title: 'a download that broke off is an investigation and no request',
    events: [download('10:00:00', { ...ana, complete: false }, 'f1'), download('10:05:00', ana, 'f2')],
    ...both(['regular', 2, 1, 1, 1]),
  },
  {
    title: 'what Clowder was asked not to count, and what a page shows, is out',
    events: [
      download('10:00:00', { ...ana, tracked: false }),
      download('10:05:00', { ...ana, preview: true, tracked: false }),
    ],
    ...both(),
    reasons: ['untracked', 'preview'],
  },
  {
    // Excluded events fold nothing: an uncounted download follows the counted one after 5 s.
    title: 'what is not counted anyway makes no double click of what is',
    events: [download('10:00:00', ana), download('10:00:05', { ...ana, tracked: false })],
    ...both(['regular', 1, 1, 1, 1]),
    reasons: ['counted', 'untracked'],
  },
  {
    title: 'pages of collections and spaces are no investigations',
    events: ['collection', 'space'].map((resource_type, index) =>
      event('view.resource', `10:0${index}:00`, { ...ana, resource_type, resource_id: `c${index}` }),
    ),
    ...both(),
    reasons: ['counted', 'counted'],
  },
  {
    // A later upload tells the dataset of f9; nothing ever tells that of f8.
    title: 'a file that does not say its dataset is attributed by what else was seen of it',
    events: [
      event('view.download', '10:00:00', { ...ana, resource_type: 'file', resource_id: 'f9' }),
      event('view.download', '10:05:00', { ...ana, resource_type: 'file', resource_id: 'f8' }),
      event('file.uploaded', '2026-10-06T10:00:00Z', {
        ...ana,
        resource_type: 'file',
        resource_id: 'f9',
        file_id: 'f9',
        dataset_id: 'd9',
      }),
    ],
    ...both(['regular', 1, 1, 1, 1]),
  },
];
