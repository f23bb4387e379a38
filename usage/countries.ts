import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Reader, type CountryResponse } from 'mmdb-lib';
import { ConfigError } from '../runtime/config/config-error.ts';
import { whyUnreadable } from '../runtime/config/blank.ts';
import { bareAddress, isAddress } from '../runtime/config/networks.ts';
import { errorText } from '../runtime/error-text.ts';
import type { Countries } from './rules/addresses.ts';

/**
 * Reads a table of countries by address: MMDB of countries or of cities.
 *
 * @throws ConfigError
 */
export function openCountries(path: string): Countries {
  const bytes = read(path);
  const reader = parse(path, bytes);
  return {
    id: hash('sha256', bytes, 'hex').slice(0, 16),
    countryOf: (given) => {
      const address = bareAddress(given);
      if (!isAddress(address)) return undefined;
      const found = reader.get(address);
      return found?.country?.iso_code ?? found?.registered_country?.iso_code;
    },
  };
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw wrong(path, whyUnreadable(cause));
  }
}

function parse(path: string, bytes: Buffer): Reader<CountryResponse> {
  try {
    return new Reader<CountryResponse>(bytes);
  } catch (cause) {
    throw wrong(path, `it is not an MMDB file: ${errorText(cause)}`);
  }
}

const wrong = (path: string, why: string): ConfigError =>
  ConfigError.of([`USAGE_COUNTRIES_FILE was ${path}: ${why}; may be an MMDB file, such as GeoLite2-Country.mmdb`]);
