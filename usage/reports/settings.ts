import { z } from 'zod';
import { ConfigError } from '../../runtime/config/config-error.ts';
import { readConfigFile } from '../../runtime/config/file.ts';
import { oneOf, parseSettings, text, valueOf } from '../../runtime/config/schema.ts';
import { givenOf, type Environment } from '../../runtime/config/source.ts';
import { entriesOf, httpUrl } from '../../runtime/config/values.ts';
import { isTimeZone } from '../rules/time-zone.ts';

/** Who may fetch a dataset, in COUNTER's words. */
export const ACCESS_TYPES = ['Open', 'Controlled', 'Free_To_Read'] as const;
export type AccessType = (typeof ACCESS_TYPES)[number];

/** Types of publisher ids: COUNTER 5.1's in capitals; `CLIENT-ID` is DataCite's. */
const ID_TYPES = ['ISNI', 'ROR', 'ORCID', 'GRID', 'URN', 'CLIENT-ID'] as const;
export interface PublisherId {
  readonly type: (typeof ID_TYPES)[number];
  readonly value: string;
}

const PLATFORM_ID = /^[a-zA-Z][a-zA-Z0-9_./]{1,17}$/;
const REGISTRY = /^https:\/\/registry\.projectcounter\.org\/platform\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const name = text.min(2, 'must be two characters at least');

const settings = z.object({
  REPORT_PLATFORM: name.default('Clowder').describe('Name of the platform in reports'),
  REPORT_PLATFORM_ID: text
    .regex(PLATFORM_ID, 'must be 2 to 18 letters, digits, and _ . /, a letter first')
    .optional()
    .describe('What ids of datasets begin with in reports; by default the letters and digits of the name'),
  REPORT_PUBLISHER: name
    .optional()
    .describe('Publisher of datasets that the catalog names none of; by default the platform'),
  REPORT_PUBLISHER_ID: text
    .refine((given) => entriesOf(given).every((entry) => publisherId(entry) !== undefined), {
      error: `must be such as ROR:01abcde23 or client-id:datacite.site, separated by commas; types are ${ID_TYPES.join(', ')}`,
    })
    .optional()
    .describe("The publisher's ids: ISNI:…, ROR:…, or for rd1 also ORCID:…, GRID:…, URN:…, CLIENT-ID:… of DataCite"),
  REPORT_CREATED_BY: name.optional().describe('Who makes the report; by default the platform'),
  REPORT_ACCESS_TYPE: oneOf(ACCESS_TYPES)
    .optional()
    .describe('Access type of datasets that the catalog says nothing of: Open, Controlled or Free_To_Read'),
  REPORT_REGISTRY_RECORD: text
    .regex(REGISTRY, 'must be the address of a platform in the COUNTER Registry')
    .optional()
    .describe("Address of the platform's record in the COUNTER Registry"),
  REPORT_HUB_URL: valueOf(httpUrl)
    .default('https://api.datacite.org')
    .describe("Where report push sends to: DataCite's hub, or its test system"),
  REPORT_HUB_TOKEN: text.optional().describe('Token of the repository at the hub (JSON Web Token)'),
  REPORT_TIME_ZONE: text
    .refine(isTimeZone, 'must be a time zone, such as America/Chicago')
    .default('UTC')
    .describe('Time zone of days and months in reports'),
});

export type ReportSettings = z.infer<typeof settings>;
const NAMES = Object.keys(settings.shape);

/** The site's data in reports. */
export interface Site {
  readonly platform: string;
  readonly platformId: string;
  readonly publisher: string;
  readonly publisherIds: readonly PublisherId[];
  readonly createdBy: string;
  readonly accessType?: AccessType;
  readonly registryRecord: string;
  readonly timeZone: string;
  readonly hub: { readonly url: string; readonly token?: string };
}

/**
 * Reads the site's data from a YAML file, if one is named, and from the environment, which wins.
 *
 * @throws ConfigError
 */
export function loadSite(environment: Environment, configFile?: string): Site {
  const fromFile = configFile === undefined ? {} : readConfigFile(configFile);
  const unknown = Object.keys(fromFile).filter((one) => one.startsWith('REPORT_') && !NAMES.includes(one));
  const parsed = parseSettings(settings, givenOf(NAMES, environment, fromFile));
  const problems = [...unknown.map((one) => `${one} is not a setting; known: ${NAMES.join(', ')}`), ...parsed.problems];
  if (problems.length > 0 || parsed.data === undefined) throw ConfigError.of(problems);
  return siteOf(parsed.data);
}

function siteOf(given: ReportSettings): Site {
  const platform = given.REPORT_PLATFORM;
  return {
    platform,
    platformId: given.REPORT_PLATFORM_ID ?? idOf(platform),
    publisher: given.REPORT_PUBLISHER ?? platform,
    publisherIds: publisherIdsOf(given.REPORT_PUBLISHER_ID),
    createdBy: given.REPORT_CREATED_BY ?? platform,
    registryRecord: given.REPORT_REGISTRY_RECORD ?? '',
    timeZone: given.REPORT_TIME_ZONE,
    hub: {
      url: given.REPORT_HUB_URL.replace(/\/+$/, ''),
      ...(given.REPORT_HUB_TOKEN !== undefined && { token: given.REPORT_HUB_TOKEN }),
    },
    ...(given.REPORT_ACCESS_TYPE !== undefined && { accessType: given.REPORT_ACCESS_TYPE }),
  };
}

/** The characters of a name that an id may have. */
function idOf(platform: string): string {
  const id = platform
    .replaceAll(/[^a-zA-Z0-9_./]/g, '')
    .replace(/^[^a-zA-Z]+/, '')
    .slice(0, 18);
  return PLATFORM_ID.test(id) ? id : 'Clowder';
}

export function publisherIdsOf(given: string | undefined): readonly PublisherId[] {
  return entriesOf(given).flatMap((entry) => publisherId(entry) ?? []);
}

function publisherId(entry: string): PublisherId | undefined {
  const [word = ''] = entry.split(':', 1);
  const type = ID_TYPES.find((one) => one === word.trim().toUpperCase());
  const value = entry.slice(word.length + 1).trim();
  return type === undefined || !FORM_OF_ID[type].test(value) ? undefined : { type, value };
}

const FORM_OF_ID = {
  ISNI: /^\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{3}[\dX]$/,
  ROR: /^0[a-z0-9]{6}\d{2}$/,
  ORCID: /^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$/,
  GRID: /^grid\.\S+$/,
  URN: /^\S+$/,
  'CLIENT-ID': /^\S+$/,
} as const satisfies Record<PublisherId['type'], RegExp>;
