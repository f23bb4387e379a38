import { describe, expect, test } from 'vitest';
import { longestTurnOf } from '../../test/support/cpu-time.ts';
import { HOSTILE_BODIES } from '../../test/support/hostile-otlp.ts';
import { world } from '../../test/support/intake-world.ts';
import { createMapContext } from '../../taxonomy/map/context.ts';
import { createScreen, openBatch } from '../intake/telemetry-batch.ts';
import { CollectorMetrics } from '../self-telemetry/metrics.ts';
import { createReceiver } from './receiver.ts';

const context = createMapContext();

/** Of a turn, in CPU time; several times what is meant, as the code may not be compiled yet. */
const LONG_MS = 250;
/** One record as large as records may be: others like it have turns of their own. */
const BODY_BYTES = 4 * 1024 * 1024;

describe.each(HOSTILE_BODIES)('a body of $what, in $encoding', ({ signal, encoding, make }) => {
  test('gives others their turns, whether it is taken or not', async () => {
    const { intake } = world();
    const parts = { context, intake, metrics: new CollectorMetrics() };
    const receive = createReceiver({
      maxBodyBytes: 2 * BODY_BYTES,
      maxInflightBytes: 32 * BODY_BYTES,
      screen: createScreen(context, true),
      open: (of, lease) => openBatch(of, parts, lease),
    });
    const body = make(BODY_BYTES);
    const longest = await longestTurnOf(() => receive(signal, encoding, async () => body).catch(() => undefined));
    expect(longest).toBeLessThan(LONG_MS);
  });
});
