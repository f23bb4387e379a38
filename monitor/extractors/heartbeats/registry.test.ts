import { describe, expect, it } from 'vitest';
import type { Heartbeat } from '../wire/heartbeat.ts';
import { ExtractorRegistry } from './registry.ts';

const OPTIONS = { intervalMs: 10_000, missed: 3, forgetMs: 100_000 };

function heartbeat(change: Partial<Heartbeat> = {}): Heartbeat {
  return { instance: 'i1', queue: 'ncsa.x', name: 'ncsa.x', version: '1.0', ...change };
}

function only<T>(list: readonly T[]): T {
  expect(list).toHaveLength(1);
  const [one] = list;
  if (one === undefined) throw new Error('there is none');
  return one;
}

describe('extractors in the registry', () => {
  it('appear with their first heartbeat only', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    expect(registry.heard(heartbeat(), 1000)).toMatchObject({
      extractor: { label: 'ncsa.x', alive: true, instances: 1 },
      silentMs: undefined,
    });
    expect(registry.heard(heartbeat(), 11_000)).toBeUndefined();
    expect(only(registry.readings())).toMatchObject({ version: '1.0', lastHeardMs: 11_000, sinceMs: 1000 });
  });

  it('that are expected go silent if no heartbeat comes in time, and have no reading before', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    for (const label of ['ncsa.x', 'ncsa.y']) registry.expect({ label, sinceMs: 500 });
    registry.resumed(1000);
    expect(registry.readings()).toEqual([]);
    expect(registry.heard(heartbeat(), 2000)).toBeUndefined();
    expect(only(registry.readings())).toMatchObject({ label: 'ncsa.x', instances: 1, sinceMs: 500 });
    registry.heard(heartbeat(), 12_000);
    registry.heard(heartbeat(), 32_000);
    expect(registry.check(33_000)).toEqual([]);
    expect(only(registry.check(33_001)).extractor).toMatchObject({ label: 'ncsa.y', alive: false, sinceMs: 33_001 });
    expect(registry.heard(heartbeat({ queue: 'ncsa.y', name: 'ncsa.y' }), 40_001)).toMatchObject({ silentMs: 7000 });
  });

  it('that are expected by name are recognised by a heartbeat with another queue', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    registry.expect({ label: 'ncsa.x', sinceMs: 500 });
    registry.resumed(1000);
    expect(registry.heard(heartbeat({ queue: 'gpu' }), 2000)).toMatchObject({
      extractor: { queue: 'gpu', alive: true },
    });
    expect(only(registry.readings())).toMatchObject({ queue: 'gpu' });
  });

  it('go silent once after several missed heartbeats, and return with the length of the silence', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    registry.heard(heartbeat(), 0);
    registry.heard(heartbeat(), 10_000);
    expect(registry.check(41_000)).toEqual([]);
    expect(only(registry.check(42_001)).extractor).toMatchObject({ label: 'ncsa.x', alive: false, instances: 0 });
    expect(registry.check(43_000)).toEqual([]);
    expect(registry.heard(heartbeat({ instance: 'i2' }), 50_001)).toMatchObject({
      extractor: { alive: true },
      silentMs: 8000,
    });
  });

  it('are late by their own interval, the longest of the latest, once two heartbeats have shown it', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    for (const at of [0, 1000, 3000, 4000]) registry.heard(heartbeat(), at);
    expect(registry.check(4000 + 3 * 2000 + 2000)).toEqual([]);
    expect(registry.check(4000 + 3 * 2000 + 2001)).toHaveLength(1);
  });

  it('are alive while one instance is', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    registry.heard(heartbeat(), 0);
    registry.heard(heartbeat({ instance: 'i2' }), 30_000);
    expect(registry.check(33_000)).toEqual([]);
    expect(only(registry.readings()).instances).toBe(1);
  });

  it('are not silent because the monitor was not connected', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    registry.heard(heartbeat(), 0);
    registry.heard(heartbeat(), 1000);
    registry.resumed(500_000);
    expect(registry.check(503_000)).toEqual([]);
    // The gap without a connection is no interval.
    registry.heard(heartbeat(), 501_000);
    expect(registry.check(501_000 + 3 * 1000 + 2001)).toHaveLength(1);
  });

  it('are forgotten if they stay silent', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    registry.heard(heartbeat(), 0);
    registry.check(40_000);
    registry.check(140_001);
    expect(registry.readings()).toEqual([]);
  });

  it('have a version only if all instances have the same', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    registry.heard(heartbeat(), 0);
    expect(registry.versionOf('ncsa.x')).toBe('1.0');
    registry.heard(heartbeat({ instance: 'i2', version: '1.1' }), 1);
    expect([registry.versionOf('ncsa.x'), registry.ofQueue('ncsa.x').version]).toEqual([undefined, undefined]);
    registry.heard(heartbeat({ version: '1.1' }), 2);
    expect(registry.versionOf('ncsa.x')).toBe('1.1');
    expect(registry.versionOf('ncsa.unknown')).toBeUndefined();
  });

  it('of one user are named without the key, whatever the key looks like', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    registry.heard(heartbeat({ queue: 'private.ca.na.ry.ncsa.x' }), 0);
    expect(only(registry.readings()).label).toBe('private.REDACTED.ncsa.x');
    expect(registry.ofQueue('private.ca.na.ry.ncsa.x').label).toBe('private.REDACTED.ncsa.x');
    expect(registry.ofQueue('private.unheard.ncsa.y').label).toBe('private.REDACTED.ncsa.y');
  });

  it('are named by their name, even if their queue has another name', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    registry.heard(heartbeat({ queue: 'wordcount-fast' }), 0);
    expect(registry.ofQueue('wordcount-fast').label).toBe('ncsa.x');
  });

  it('are limited in number, whoever sends heartbeats', () => {
    const registry = new ExtractorRegistry(OPTIONS);
    const outcomes = Array.from({ length: 1001 }, (_, index) => registry.heard(heartbeat({ queue: `q${index}` }), 0));
    expect(outcomes.filter((one) => one === 'ignored')).toHaveLength(1);
    const instances = Array.from({ length: 1001 }, (_, index) =>
      registry.heard(heartbeat({ queue: 'q0', instance: `n${index}` }), 0),
    );
    expect(instances.filter((one) => one === 'ignored')).toHaveLength(2);
  });
});
