import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from './event-types.ts';
import { toFlatBody } from './flat-body.ts';

const download = (fields: Record<string, unknown>) =>
  toFlatBody({ event_id: 'e', event: 'view.download', created: 1, resource_id: 'r', ...fields });

describe('the name of a download, which consumers of v1 read as resource_name,', () => {
  it("is the file's", () => {
    expect(download({ resource_type: 'file', file_name: 'a.csv' })['resource_name']).toBe('a.csv');
  });

  it('stays as stated', () => {
    const stated = download({ resource_type: 'file', file_name: 'a.csv', resource_name: 'Soil' });
    expect(stated['resource_name']).toBe('Soil');
  });

  it.each([
    ['an archive', { resource_type: 'dataset', file_name: 'Soil.zip' }],
    ['a conversion', { resource_type: 'file', file_name: 'a.png', format: 'png' }],
    ['a file without a name', { resource_type: 'file' }],
  ])('is unknown for %s', (_what, fields) => {
    expect(download(fields)).not.toHaveProperty('resource_name');
  });
});

describe('a reading of health', () => {
  const ping = (fields: Record<string, unknown>) =>
    toFlatBody({
      event_id: 'e',
      event: 'health.ping',
      created: 1,
      target: 'http://clowder/',
      healthy: true,
      ...fields,
    });

  it('from the monitor has the names under which consumers of v1 store the state of a service', () => {
    expect(ping({ source: 'monitor', component: 'clowder', uptime_s: 61.7 })).toMatchObject({
      category: 'service_status',
      type: 'up',
      service_name: 'clowder',
      uptime: 61,
    });
    const down = ping({ source: 'monitor', healthy: false });
    expect(down).toMatchObject({ type: 'down', service_name: 'http://clowder/' });
    expect(down).not.toHaveProperty('uptime');
  });

  it('from passing traffic names its service too, but is not a state', () => {
    const seen = ping({ source: 'proxy', component: 'clowder' });
    expect(seen).toMatchObject({ category: 'health', type: 'ping', service_name: 'clowder' });
  });

  it('has no uptime if that is not a whole number that a time series can hold', () => {
    expect(ping({ uptime_s: 1e308 })).not.toHaveProperty('uptime');
  });
});

describe('the service of an event with no other field that consumers of v1 store', () => {
  const serviceOf = (event: 'view.page' | 'user.login' | 'health.connections', fields: Record<string, unknown>) =>
    toFlatBody({ event_id: 'e', event, created: 1, ...fields })['service_name'];

  it.each([
    ['the web server of the log', serviceOf('health.connections', { component: 'nginx' }), 'nginx'],
    ['the instance of Clowder', serviceOf('view.page', { url: 'https://h/', clowder_instance: 'lab' }), 'lab'],
    ['Clowder if no instance is named', serviceOf('user.login', { user_id: 'u' }), 'clowder'],
    ['absent if there is another value', serviceOf('user.login', { user_name: 'Ada' }), undefined],
  ])('is %s', (_what, service, expected) => {
    expect(service).toBe(expected);
  });
});

it("a job counts once in v1's category extraction, as its later events have categories of their own", () => {
  const categories = EVENT_TYPES.filter((type) => type.startsWith('extraction.')).map(
    (event) => toFlatBody({ event_id: 'e', event, created: 1, file_id: 'f' })['category'],
  );
  expect(categories).toEqual(['extraction', 'extraction_working', 'extraction_done', 'extraction_failed']);
});
