import type { Channel, ConsumeMessage } from 'amqplib';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { MonitorEvent } from '../../telemetry/emit-event.ts';
import { HeartbeatListener } from './listener.ts';
import { QueueLengths } from './queue-lengths.ts';
import { ExtractorRegistry } from './registry.ts';

interface Heard {
  readonly events: MonitorEvent[];
  readonly outcomes: string[];
  readonly followed: string[];
  readonly listener: HeartbeatListener;
  readonly registry: ExtractorRegistry;
  readonly queues: QueueLengths;
  hear: (body: string) => void;
  begin: () => void;
  end: () => void;
  at: number;
}

function listen(): Heard {
  const registry = new ExtractorRegistry({ intervalMs: 1000, missed: 3, forgetMs: 1e6 });
  const queues = new QueueLengths();
  const events: MonitorEvent[] = [];
  const outcomes: string[] = [];
  const followed: string[] = [];
  const listener = new HeartbeatListener({
    registry,
    queues,
    emit: (event) => void events.push(event),
    follow: ({ target, healthy }, atMs) => void followed.push(`${atMs} ${target} ${healthy ? 'up' : 'down'}`),
    metrics: { heartbeat: (outcome) => void outcomes.push(outcome) },
    log: pino({ level: 'silent' }),
    pingMs: 10_000,
    nowMs: () => heard.at,
  });
  const heard: Heard = {
    events,
    outcomes,
    followed,
    listener,
    registry,
    queues,
    at: 1000,
    hear: (body) =>
      listener.listener.onMessage({ message: { content: Buffer.from(body) } as ConsumeMessage, live: true }),
    begin: () => listener.listener.onBegin?.({} as Channel, { queue: 'q', waiting: 0 }),
    end: () => listener.listener.onEnd?.(),
  };
  return heard;
}

const BEAT = JSON.stringify({
  id: 'i',
  queue: 'private.canary.ncsa.x',
  owner: 'o@example.org',
  extractor_info: { name: 'ncsa.x', version: '2' },
});

describe('heartbeats', () => {
  it('cause a ping at once when an extractor appears, goes silent or returns, and regular pings', () => {
    const heard = listen();
    heard.begin();
    heard.hear(BEAT);
    heard.listener.tick();
    heard.at = 7000;
    heard.listener.tick();
    heard.at = 9000;
    heard.hear(BEAT);
    heard.at = 11_000;
    heard.listener.tick();
    const shown = heard.events.map(
      ({ type, createdMs, fields: { healthy, changed, down_for_s: down, uptime_s: up } }) => ({
        type,
        createdMs,
        healthy,
        changed,
        down,
        up,
      }),
    );
    const ping = { type: 'health.ping', changed: undefined, down: undefined };
    expect(shown).toEqual([
      { ...ping, createdMs: 1000, healthy: true, changed: true, up: 0 },
      { ...ping, createdMs: 1000, healthy: true, up: 0 },
      { ...ping, createdMs: 7000, healthy: false, changed: true, down: 0, up: undefined },
      { ...ping, createdMs: 9000, healthy: true, changed: true, down: 2, up: 0 },
      { ...ping, createdMs: 11_000, healthy: true, up: 2 },
    ]);
    expect(JSON.stringify(heard.events)).not.toMatch(/canary|example\.org/);
  });

  it('report an extractor by name, up while any of its queues is, but no private one', () => {
    const heard = listen();
    const beat = (queue: string): void =>
      heard.hear(JSON.stringify({ id: `i of ${queue}`, queue, extractor_info: { name: 'ncsa.y', version: '1' } }));
    heard.begin();
    beat('ncsa.y');
    beat('ncsa.y.gpu');
    heard.hear(BEAT);
    heard.at = 6000;
    beat('ncsa.y');
    heard.at = 7000;
    heard.listener.tick();
    heard.at = 60_000;
    heard.listener.tick();
    const [last] = heard.followed.slice(-1);
    expect(last).toBe('60000 extractor ncsa.y down');
    expect(heard.followed.slice(0, -2).every((one) => one.endsWith(' extractor ncsa.y up'))).toBe(true);
  });

  it('do not count as missed while the monitor is not connected', () => {
    const heard = listen();
    heard.begin();
    heard.hear(BEAT);
    heard.end();
    heard.at = 1e6;
    heard.listener.tick();
    heard.begin();
    heard.listener.tick();
    expect(heard.events.every(({ fields }) => fields.healthy === true)).toBe(true);
    heard.at += 6000;
    heard.listener.tick();
    expect(heard.events.at(-1)?.fields.healthy).toBe(false);
  });

  it('are counted separately from other messages', () => {
    const heard = listen();
    heard.begin();
    heard.hear('what');
    heard.hear(BEAT);
    expect(heard.outcomes).toEqual(['not understood', 'heard']);
  });

  it('name the queues to watch: those of jobs, and of failed jobs', async () => {
    const heard = listen();
    heard.begin();
    heard.hear(BEAT);
    const lengths: Record<string, { messageCount: number; consumerCount: number }> = {
      'private.canary.ncsa.x': { messageCount: 4, consumerCount: 1 },
      'error.private.canary.ncsa.x': { messageCount: 2, consumerCount: 0 },
    };
    const looked = new AbortController();
    const asked: string[] = [];
    const channel = {
      on: () => channel,
      close: () => Promise.resolve(looked.abort()),
      checkQueue: (queue: string) => {
        asked.push(queue);
        return Promise.resolve(lengths[queue]);
      },
    };
    const looking = heard.queues.keepLooking(
      () => Promise.resolve(channel as unknown as Channel),
      heard.registry,
      1,
      looked.signal,
    );
    await expect.poll(() => heard.queues.of('private.canary.ncsa.x') !== undefined || looked.signal.aborted).toBe(true);
    expect(asked).toEqual(['private.canary.ncsa.x', 'error.private.canary.ncsa.x']);
    await looking;
    // Without polling, nothing is known any more.
    expect(heard.queues.of('private.canary.ncsa.x')).toBeUndefined();
  });
});
