import { expect, it } from 'vitest';
import type { TelemetryBatch } from '../intake/telemetry-batch.ts';
import { createReceiver } from './receiver.ts';

const nothing = { take: () => undefined, refuse: () => undefined, access: () => undefined };
const batch: TelemetryBatch = {
  spans: nothing,
  logs: nothing,
  points: nothing,
  submit: () => Promise.resolve({ rejected: 0 }),
};

const receive = createReceiver({
  maxBodyBytes: 1e6,
  maxInflightBytes: 1e6,
  screen: { request: () => true, metric: () => true },
  open: () => batch,
});

it('frees a large body once it is done with, right or wrong, and leaves alone what shares its memory with others', async () => {
  const json = (text: string) => new Uint8Array(Buffer.from(text.padEnd(100_000)));
  const right = json('{"resourceSpans":[]}');
  await receive('traces', 'json', () => Promise.resolve(right));
  const wrong = json('[');
  await expect(receive('traces', 'json', () => Promise.resolve(wrong))).rejects.toMatchObject({ code: 'invalid_json' });
  expect([right.buffer.byteLength, wrong.buffer.byteLength]).toEqual([0, 0]);
  const shared = new Uint8Array(json('{}').buffer, 0, 90_000);
  await receive('traces', 'json', () => Promise.resolve(shared));
  expect(shared.buffer.byteLength).toBe(100_000);
});
