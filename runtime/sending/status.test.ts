import { describe, expect, it } from 'vitest';
import { meaningOf, type StatusMeaning } from './status.ts';

/** The meaning of every status with a name (IANA, HTTP Status Code Registry). */
const EXPECTED: Readonly<Record<StatusMeaning, readonly number[]>> = {
  accepted: [200, 201, 202, 203, 204, 205, 206, 207, 208, 226],
  retry: [100, 101, 103, 408, 425, 429, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511],
  too_large: [413],
  rejected: [400, 409, 422],
  misconfigured: [
    300, 301, 302, 303, 304, 305, 307, 308, 401, 402, 403, 404, 405, 406, 407, 410, 411, 412, 414, 415, 416, 417, 421,
    423, 424, 426, 428, 431, 451,
  ],
};

describe('the meaning of a status', () => {
  it.each(Object.entries(EXPECTED))('is %s for each of its statuses', (meaning, statuses) => {
    expect(statuses.filter((status) => meaningOf(status) !== meaning)).toEqual([]);
  });

  it('is that of its class if a status has no name', () => {
    expect([299, 399, 499, 599].map(meaningOf)).toEqual(['accepted', 'misconfigured', 'misconfigured', 'retry']);
  });

  it('is to try again if the number is not an HTTP status', () => {
    expect([0, 14, 600, NaN].map(meaningOf)).toEqual(['retry', 'retry', 'retry', 'retry']);
  });
});
