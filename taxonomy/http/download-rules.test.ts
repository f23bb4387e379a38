import { describe, expect, test } from 'vitest';
import { dispositionName } from './facts.ts';
import { mapHttpRequest } from './map-request.ts';
import type { EventData, HttpRequest, Json } from './types.ts';
import { cpuTimeOf } from '../../test/support/cpu-time.ts';

const ID = '5f1e00000000000000000001';
const OTHER = '5f1e00000000000000000002';
const THIRD = '5f1e00000000000000000003';

type Headers = Readonly<Record<string, string>>;
interface Seen extends Partial<Omit<HttpRequest, 'requestHeader' | 'responseHeader'>> {
  readonly sent?: Headers;
  readonly answered?: Headers;
  readonly responseBody?: Json;
}

/** The data of the downloads that result from `GET url`. */
function downloads(url: string, { sent = {}, answered = {}, ...seen }: Seen = {}): EventData[] {
  const [path = '', query = ''] = url.split('?');
  const request: HttpRequest = {
    method: 'GET',
    path,
    query,
    status: 200,
    requestHeader: (name) => sent[name],
    responseHeader: (name) => answered[name],
    ...seen,
  };
  const found = mapHttpRequest(request, { clowder: 'auto', contextPath: '' });
  for (const { event } of found) expect(event).toBe('view.download');
  return found.map(({ data }) => data);
}

describe('downloads', () => {
  test('a file gives the bytes sent, whether they are complete, and its name', () => {
    const answered = { 'content-disposition': "attachment; filename*=UTF-8''a%20b.txt" };
    expect(downloads(`/api/files/${ID}/blob`, { answered, bytesSent: 10, complete: false })).toEqual([
      { resource_type: 'file', resource_id: ID, bytes: 10, complete: false, tracked: true, file_name: 'a b.txt' },
    ]);
    expect(downloads(`/api/files/${ID}`)).toHaveLength(1);
    expect(downloads(`/api/files/${ID}/blob`, { status: 304 })).toEqual([]);
  });

  test.each<[string, string, string | undefined, number]>([
    ['a file', `/api/files/${ID}/blob`, 'text/csv', 200],
    ['a piece of a file', `/api/files/${ID}/blob`, 'text/csv', 206],
    ['a file of version 2', `/api/v2/files/${ID}`, 'text/csv', 200],
    ['a file by a link', `/files/links/${ID}`, 'text/csv', 200],
    // Of what was made of the file, and of an archive of several, the type says nothing of what is stored.
    ['a file in another format', `/files/${ID}/download/png`, undefined, 200],
    ['a dataset', `/api/datasets/${ID}/download`, undefined, 200],
    ['files of a dataset', `/api/datasets/${ID}/downloadPartial?fileList=${OTHER}`, undefined, 200],
  ])('of %s it is known which type it has, if that is known: GET %s, %s', (_what, url, type, status) => {
    const answered = { 'content-type': 'Text/CSV; charset=utf-8', 'content-range': 'bytes 0-99/1000', 'content-disposition': 'attachment' }; // prettier-ignore
    expect(downloads(url, { answered, status }).map((data) => data.content_type)).toEqual([type]);
  });

  test.each([['multipart/byteranges; boundary=x'], ['csv'], [''], [`text/${'x'.repeat(256)}`]])(
    'the type of a file does not follow from an answer of type %j',
    (type) => {
      const answered = { 'content-type': type, 'content-range': 'bytes 0-99/1000' };
      expect(downloads(`/api/files/${ID}/blob`, { answered, status: 206 })).toMatchObject([
        { range: 'bytes 0-99/1000' },
      ]);
      expect(downloads(`/api/files/${ID}/blob`, { answered, status: 206 })[0]).not.toHaveProperty('content_type');
    },
  );

  test.each([
    ['tracking=false', false],
    ['tracking=False', false],
    ['tracking=0', false],
    ['increment=off', false],
    ['increment=no', false],
    ['tracking=true', true],
    ['', true],
  ])('with the query "%s" is tracked: %s', (query, tracked) => {
    expect(downloads(`/api/files/${ID}?${query}`)).toMatchObject([{ tracked }]);
  });

  test.each([
    ['image', false],
    ['video', false],
    ['document', true],
    ['empty', true],
  ])('loaded by a page as %s is tracked: %s', (destination, tracked) => {
    expect(downloads(`/files/${ID}/blob`, { sent: { 'sec-fetch-dest': destination } })).toMatchObject([{ tracked }]);
  });

  test('fetched by one of our pages is a preview; requested there by a person, it is a download', () => {
    const referer = `https://clowder.example/files/${ID}?dataset=${OTHER}`;
    const asked = (destination: string, from = referer, mode?: string): EventData | undefined => {
      const sent = { 'sec-fetch-dest': destination, ...(from && { referer: from }), ...(mode && { 'sec-fetch-mode': mode }) }; // prettier-ignore
      return downloads(`/api/v2/files/${ID}`, { sent })[0];
    };
    expect(asked('empty')).toMatchObject({ preview: true, tracked: false });
    expect(asked('empty', referer, 'cors')).toMatchObject({ preview: true, tracked: false });
    // The last case: Chromium and a link with `download`.
    const byPeople = [asked('document'), asked('empty', 'https://elsewhere.example/'), asked('empty', ''), asked('empty', referer, 'navigate')]; // prettier-ignore
    for (const data of byPeople) {
      expect(data).toMatchObject({ tracked: true });
      expect(data).not.toHaveProperty('preview');
    }
  });

  test.each<[string, Seen, string | undefined]>([
    ['begins at 0', { answered: { 'content-range': 'bytes 0-99/1000' } }, 'bytes 0-99/1000'],
    ['begins later', { answered: { 'content-range': 'bytes 100-199/1000' } }, 'bytes 100-199/1000'],
    ['was requested from 0', { sent: { range: 'bytes=0-' } }, 'bytes=0-'],
    ['was requested from the end', { sent: { range: 'bytes=-500' } }, 'bytes=-500'],
    [
      'answers with another range than requested',
      { sent: { range: 'bytes=0-' }, answered: { 'content-range': 'bytes 7-9/10' } },
      'bytes 7-9/10',
    ],
    ['has one byte, to learn whether ranges work', { sent: { range: 'bytes=0-0' } }, undefined],
    ["has two bytes, as a player's first request", { answered: { 'content-range': 'bytes 0-1/4194304' } }, undefined],
    ['has two bytes from the end', { sent: { range: 'bytes=-2' } }, undefined],
    ['was requested to the end, and had one byte', { sent: { range: 'bytes=9-' }, bytesSent: 1 }, undefined],
    ['is unknown', {}, undefined],
  ])('a piece that %s', (_what, seen, range) => {
    const found = downloads(`/api/files/${ID}/blob`, { ...seen, status: 206 });
    expect(found.map((data) => data.range)).toEqual(range === undefined ? [] : [range]);
  });

  test.each([
    ['bytes 0-999/1000', true],
    ['bytes 0-998/1000', false],
    ['bytes 1-999/1000', false],
    ['bytes 0-999/*', false],
  ])('a piece %s is complete: %s', (range, complete) => {
    const seen = { status: 206, complete: true, answered: { 'content-range': range } };
    expect(downloads(`/api/files/${ID}/blob`, seen)).toMatchObject([{ complete }]);
  });

  test('a whole answer to a range request is a whole download', () => {
    expect(downloads(`/api/files/${ID}`, { sent: { range: 'bytes=5-' } })[0]).not.toHaveProperty('range');
  });

  test('a share link never reveals its secret', () => {
    expect(downloads(`/files/links/${ID}`, { bytesSent: 3 })).toEqual([
      { resource_type: 'file', bytes: 3, tracked: true },
    ]);
  });

  test('datasets, collections and the selection are downloads', () => {
    expect(downloads(`/api/datasets/${ID}/download?tracking=false`)).toEqual([
      { resource_type: 'dataset', resource_id: ID, tracked: false },
    ]);
    expect(downloads(`/api/datasets/${ID}/downloadFolder?folderId=${OTHER}`)).toMatchObject([
      { resource_id: ID, folder_id: OTHER },
    ]);
    expect(downloads(`/api/collections/${ID}/download`)).toMatchObject([
      { resource_type: 'collection', resource_id: ID },
    ]);
    expect(downloads('/api/selected/files')).toEqual([{ resource_type: 'dataset', tracked: true }]);
  });

  test('part of a dataset is one download for each file, with bytes only if there is one file', () => {
    const seen = { bytesSent: 9, answered: { 'content-disposition': 'attachment; filename="x (Partial).zip"' } };
    expect(downloads(`/api/datasets/${THIRD}/downloadPartial?fileList=${ID},${OTHER},${ID},x`, seen)).toEqual([
      { resource_type: 'file', resource_id: ID, dataset_id: THIRD, tracked: true },
      { resource_type: 'file', resource_id: OTHER, dataset_id: THIRD, tracked: true },
    ]);
    expect(downloads(`/api/datasets/${THIRD}/downloadPartial?fileList=${ID}`, seen)).toMatchObject([{ bytes: 9 }]);
  });

  test('many ids in one request give at most a hundred events', () => {
    const ids = Array.from({ length: 2000 }, (_, number) => number.toString(16).padStart(24, '0'));
    expect(downloads(`/api/datasets/${THIRD}/downloadPartial?fileList=${ids.join(',')}`)).toHaveLength(100);
  });

  test('another format is a download, unless the plugin is missing', () => {
    expect(downloads(`/files/${ID}/download/png`)).toMatchObject([{ resource_id: ID, format: 'png' }]);
    expect(downloads(`/files/${ID}/download/png`, { answered: { 'content-type': 'text/plain' } })).toEqual([]);
    const file = { 'content-type': 'text/plain', 'content-disposition': 'attachment; filename="a.txt"' };
    expect(downloads(`/files/${ID}/download/png`, { answered: file })).toHaveLength(1);
  });

  test('v2: a version is a download, and so is a presigned URL, without its signature', () => {
    expect(downloads(`/api/v2/files/${ID}?version=2&increment=False`)).toEqual([
      { resource_type: 'file', resource_id: ID, version: 2, tracked: false },
    ]);
    const responseBody = { presigned_url: 'http://minio/x?X-Amz-Signature=s' };
    expect(downloads(`/api/v2/files/${ID}/url/`, { responseBody, bytesSent: 300 })).toEqual([
      { resource_type: 'file', resource_id: ID, via: 'presigned', tracked: true },
    ]);
    expect(downloads(`/api/v2/files/${ID}/url`, { status: 307 })).toEqual([]);
  });

  test('v2: null for a public file of a private dataset is no download, but a JSON file is one', () => {
    const json = { 'content-type': 'application/json' };
    const target = `/api/v2/public_files/${ID}`;
    expect(downloads(target, { answered: json, responseBody: null })).toEqual([]);
    expect(downloads(target, { answered: json, bytesSent: 4 })).toEqual([]);
    expect(downloads(target, { answered: json })).toEqual([]);
    expect(downloads(target, { bytesSent: 4 })).toEqual([]);
    expect(downloads(target, { answered: json, bytesSent: 400 })).toHaveLength(1);
    const named = { ...json, 'content-disposition': 'attachment; filename=a.json' };
    expect(downloads(target, { answered: named, bytesSent: 4 })).toMatchObject([{ file_name: 'a.json' }]);
  });
});

describe('the name in Content-Disposition', () => {
  test.each([
    ["attachment; filename*=UTF-8''na%C3%AFve.txt", 'naïve.txt'],
    ["attachment; filename*=UTF-8''=?utf-8?Q?na=C3=AFve%20x=5Fy.txt?=", 'naïve x_y.txt'],
    ["attachment; filename*=UTF-8''=?utf-8?Q?=C3=A4?= =?utf-8?Q?=C3=B6.txt?=", 'äö.txt'],
    ['attachment; filename=my file.txt', 'my file.txt'],
    ['attachment; filename=a;b.txt', 'a;b.txt'],
    ['attachment; filename="a; \\"b\\".txt"', 'a; "b".txt'],
    ["attachment; filename=plain.txt; filename*=UTF-8''better.txt", 'better.txt'],
    ["attachment; filename*=UTF-8''%E0%A4%A; filename=plain.txt", 'plain.txt'],
    ['attachment', undefined],
    ['attachment; filename=', undefined],
  ])('is read from %s', (header, name) => {
    expect(dispositionName(header)).toBe(name);
  });

  test('is found quickly in a hostile header', () => {
    const spent = cpuTimeOf(() => {
      for (const text of [';'.repeat(50_000), '"\\'.repeat(25_000), ' '.repeat(50_000)])
        dispositionName(`x; filename=${text}`);
    });
    expect(spent).toBeLessThan(2000);
  });
});
