/** What a person does on Clowder 2's pages, and the requests that its web application then sends, in order. */
export interface Visit {
  readonly person: string;
  readonly requests: readonly SpaRequest[];
  /** The resulting events: type, and resource if there is one. Previews and uncounted events are marked. */
  readonly means: readonly string[];
}

export type SpaRequest = readonly [
  path: string,
  status: number,
  type: string,
  referrer: string,
  destination: 'document' | 'empty' | 'image' | 'script',
];

const DATASET = '65d000000000000000000001';
const PUBLIC = '65d000000000000000000002';
const TABLE = '65f000000000000000000001';
const MISSING = '65f0000000000000000000ff';
const PHOTO = '65f000000000000000000003';
const JSON_TYPE = 'application/json';
const HTML = 'text/html';

const ofDataset = `/datasets/${DATASET}`;
const ofTable = `/files/${TABLE}?dataset=${DATASET}&folder=&verNum=${TABLE}`;
const ofPublic = `/datasets/${PUBLIC}`;
const ofMissing = `/files/${MISSING}?dataset=${DATASET}`;
const ofPhoto = `/files/${PHOTO}?dataset=${DATASET}`;

export const VISITS: readonly Visit[] = [
  {
    person: 'opens a public dataset by its card, without a login',
    requests: [
      [
        `/api/v2/public_datasets/${PUBLIC}/folders_and_files?skip=0&limit=5`,
        200,
        JSON_TYPE,
        `/public_datasets/${PUBLIC}`,
        'empty',
      ],
      [`/api/v2/public_datasets/${PUBLIC}`, 200, JSON_TYPE, `/public_datasets/${PUBLIC}`, 'empty'],
      ['/public/CC-BY.png', 404, HTML, `/public_datasets/${PUBLIC}`, 'image'],
    ],
    means: [`view.resource ${PUBLIC}`],
  },
  {
    person: 'logs in',
    requests: [
      ['/auth/login', 200, HTML, '', 'document'],
      ['/main.bundle.js', 200, 'application/javascript', '/auth/login', 'script'],
      ['/api/v2/auth/login', 307, '', '/auth/login', 'document'],
      ['/auth', 200, HTML, '/keycloak/realms/clowder/protocol/openid-connect/auth', 'document'],
      ['/api/v2/users/profile', 200, JSON_TYPE, '/', 'empty'],
    ],
    means: [],
  },
  {
    person: 'opens a dataset, and a folder in it',
    requests: [
      [`/api/v2/datasets/${DATASET}?enable_admin=false`, 200, JSON_TYPE, ofDataset, 'empty'],
      ['/api/v2/thumbnails/65b000000000000000000002', 200, 'image/png', ofDataset, 'image'],
      [
        `/api/v2/datasets/${DATASET}?enable_admin=false`,
        200,
        JSON_TYPE,
        `${ofDataset}?folder=65e000000000000000000001`,
        'empty',
      ],
    ],
    means: [`view.resource ${DATASET}`],
  },
  {
    person: 'opens a table, which its page shows',
    requests: [
      [`/api/v2/files/${TABLE}/summary?enable_admin=false`, 200, JSON_TYPE, ofTable, 'empty'],
      [`/api/v2/datasets/${DATASET}?enable_admin=false`, 200, JSON_TYPE, ofTable, 'empty'],
      [`/api/v2/files/${TABLE}`, 200, 'text/csv; charset=utf-8', ofTable, 'empty'],
    ],
    means: [`view.resource ${TABLE}`, `preview ${TABLE}`],
  },
  {
    person: 'downloads it by the button',
    requests: [[`/api/v2/files/${TABLE}`, 200, 'text/csv; charset=utf-8', ofTable, 'document']],
    means: [`view.download ${TABLE}`],
  },
  {
    person: 'opens a photo, which its page shows, by its address',
    requests: [
      [ofPhoto, 200, HTML, '', 'document'],
      [`/api/v2/files/${PHOTO}/summary?enable_admin=false`, 200, JSON_TYPE, ofPhoto, 'empty'],
      [`/api/v2/files/${PHOTO}?increment=false`, 200, 'image/png', ofPhoto, 'image'],
    ],
    means: [`view.resource ${PHOTO}`, `untracked ${PHOTO}`],
  },
  {
    person: 'opens a file that is not there',
    requests: [
      [ofMissing, 200, HTML, '', 'document'],
      [`/api/v2/visualizations/${MISSING}/config`, 200, JSON_TYPE, ofMissing, 'empty'],
      [`/api/v2/files/${MISSING}/summary?enable_admin=false`, 404, JSON_TYPE, ofMissing, 'empty'],
      [`/api/v2/files/${MISSING}/versions?limit=20&enable_admin=false`, 200, JSON_TYPE, ofMissing, 'empty'],
      [`/api/v2/datasets/${DATASET}?enable_admin=false`, 200, JSON_TYPE, ofMissing, 'empty'],
      [`/api/v2/files/${MISSING}/summary?enable_admin=false`, 404, JSON_TYPE, ofMissing, 'empty'],
    ],
    means: [],
  },
  {
    person: "opens somebody else's dataset, by its address",
    requests: [
      [ofPublic, 200, HTML, '', 'document'],
      [`/api/v2/datasets/${PUBLIC}?enable_admin=false`, 403, JSON_TYPE, ofPublic, 'empty'],
    ],
    means: [],
  },
  {
    person: 'opens the search',
    requests: [['/search', 200, HTML, '', 'document']],
    means: ['view.page'],
  },
];
