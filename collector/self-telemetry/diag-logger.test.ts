import { expect, test, vi } from 'vitest';
import { diagLoggerOf } from './diag-logger.ts';

function setUp() {
  const log = { error: vi.fn(), warn: vi.fn(), info: vi.fn(), debug: vi.fn(), trace: vi.fn() };
  const clock = { ms: 1_000_000 };
  return { log, clock, diag: diagLoggerOf(log, () => clock.ms) };
}

test('an error of the SDK becomes a warning of the collector, with its reason', () => {
  const { log, diag } = setUp();
  diag.error('export failed', new Error('connect ECONNREFUSED'));
  expect(log.error).not.toHaveBeenCalled();
  expect(log.warn).toHaveBeenCalledExactlyOnceWith(
    { otel_level: 'error', detail: 'export failed connect ECONNREFUSED', omitted: 0 },
    expect.any(String),
  );
});

test('further errors within a minute are only counted', () => {
  const { log, clock, diag } = setUp();
  for (let index = 0; index < 5; index += 1) diag.error(`failure ${index}`);
  diag.warn('a warning is not an error');
  expect(log.warn).toHaveBeenCalledTimes(2);
  clock.ms += 60_000;
  diag.error('failure again');
  expect(log.warn).toHaveBeenLastCalledWith(
    { otel_level: 'error', detail: 'failure again', omitted: 4 },
    expect.any(String),
  );
});

test('a long message is cut', () => {
  const { log, diag } = setUp();
  diag.verbose('x'.repeat(100_000));
  expect(JSON.stringify(log.trace.mock.calls).length).toBeLessThan(1000);
});
