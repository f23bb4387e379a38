import { describe, expect, it } from 'vitest';
import { endingWith, requestHead } from '../test/support/captured-request.ts';
import type { Capture } from '../instrumentation/capture/types.ts';
import { Observation, type Observer } from './observation.ts';

const HEAD = requestHead();

function broken(): never {
  throw new Error('broken');
}

const QUIET = endingWith();

function watch(capture: () => Capture, telemetry?: Observer['telemetry']) {
  const errors: unknown[] = [];
  const ended: boolean[] = [];
  const working: Observer['telemetry'] = {
    start: () => ({
      context: { getValue: () => undefined, setValue: broken, deleteValue: broken },
      traceId: '',
      requestId: 'b7ad6b7169203331',
      forwardHeaders: () => ({ traceparent: 'parent', tracestate: undefined }),
      end: ({ complete }) => ended.push(complete),
    }),
  };
  const observer = {
    telemetry: telemetry ?? working,
    startCapture: capture,
    onError: (error: unknown) => errors.push(error),
  };
  return { observation: new Observation(observer, HEAD), errors, ended };
}

describe('the observation of a request', () => {
  it('goes to capture and telemetry', () => {
    const { observation, errors, ended } = watch(() => QUIET);
    expect(observation.mark).toBe('b7ad6b7169203331');
    expect(observation.forwardHeaders().traceparent).toBe('parent');
    observation.end({ complete: true });
    expect(ended).toEqual([true]);
    expect(errors).toEqual([]);
  });

  it.each(['requestChunk', 'responseHead', 'responseChunk'] as const)(
    'is counted as failed and stops if %s of the capture throws, but the span still ends',
    (method) => {
      const { observation, errors, ended } = watch(() => ({ ...QUIET, [method]: broken }));
      observation.requestChunk(Buffer.from('a'));
      observation.responseHead(200, () => undefined);
      observation.responseChunk(Buffer.from('b'));
      observation.requestChunk(Buffer.from('c'));
      observation.end({ complete: false });
      expect(errors).toHaveLength(1);
      expect(ended).toEqual([false]);
      expect(observation.mark).toBe('b7ad6b7169203331');
    },
  );

  it('does nothing if capture or telemetry cannot begin', () => {
    for (const { observation, errors } of [watch(broken), watch(() => QUIET, { start: broken })]) {
      expect(observation.mark).toBeUndefined();
      expect(observation.forwardHeaders().traceparent).toBeUndefined();
      observation.requestChunk(Buffer.from('a'));
      observation.end({ complete: true });
      expect(errors).toHaveLength(1);
    }
  });
});
