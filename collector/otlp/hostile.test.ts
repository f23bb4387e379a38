import { describe, expect, test } from 'vitest';
import { longestTurnOf } from '../../test/support/cpu-time.ts';
import { HOSTILE_BODIES } from '../../test/support/hostile-otlp.ts';
import { world } from '../../test/support/intake-world.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { createScreen, openBatch } from '../intake/telemetry-batch.ts';
import { CollectorMetrics } from '../self-telemetry/metrics.ts';
import { createReceiver } from './receiver.ts';
import type { Encoding, Signal } from './responses.ts';

const context = createMapContext();

/** Limit for a turn in CPU time: several times the goal, as the code may not be compiled yet. */
const LONG_MS = 250;
/** One record of the maximum size: further records have turns of their own. */
const BODY_BYTES = 4 * 1024 * 1024;

/** The path of a body through a collector. */
async function longestTurnFor(signal: Signal, encoding: Encoding, body: Uint8Array): Promise<number> {
  const { intake } = world();
  const parts = { context, intake, metrics: new CollectorMetrics() };
  const receive = createReceiver({
    maxBodyBytes: body.byteLength,
    maxInflightBytes: 128 * 1024 * 1024,
    screen: createScreen(context, true),
    open: (of, lease) => openBatch(of, parts, lease),
  });
  return longestTurnOf(() => receive(signal, encoding, async () => body).catch(() => undefined));
}

describe.each(HOSTILE_BODIES)('a body of $what, in $encoding', ({ signal, encoding, make }) => {
  test('lets others have their turns, whether it is accepted or not', async () => {
    expect(await longestTurnFor(signal, encoding, make(BODY_BYTES))).toBeLessThan(LONG_MS);
  });
});

test('a body of large records, all of them refused, lets others have their turns in between', async () => {
  const unknown = HOSTILE_BODIES.find(({ what }) => what === 'members that nobody knows');
  const body = unknown?.make(16 * BODY_BYTES) ?? new Uint8Array();
  expect(body.byteLength).toBeGreaterThan(15 * BODY_BYTES);
  expect(await longestTurnFor('traces', 'protobuf', body)).toBeLessThan(LONG_MS);
});
