import { context, trace, TraceFlags, type Context, type ContextManager } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import { createLog, type LogLevel } from './logging.ts';

const SPAN = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
};

/** What is logged, line by line. */
function logged(tell: (log: ReturnType<typeof createLog>) => void, level: LogLevel = 'info'): readonly object[] {
  const lines: object[] = [];
  tell(createLog('clowder-otel-sink', level, { write: (line) => lines.push(JSON.parse(line) as object) }));
  return lines;
}

/** Makes this span the active one, as a context manager of the SDK does. */
function activate(active: Context): void {
  const manager: ContextManager = {
    active: () => active,
    with: (_, call, self, ...args) => call.apply(self, args),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  context.setGlobalContextManager(manager);
}

afterEach(() => context.disable());

describe('the log of a program', () => {
  test('names the program in each line', () =>
    expect(logged((log) => log.info({ url: 'u' }, 'is listening'))).toEqual([
      { level: 30, time: expect.any(Number), service: 'clowder-otel-sink', url: 'u', msg: 'is listening' },
    ]));

  test('leaves out what is below its level', () => {
    const tell = (log: ReturnType<typeof createLog>): void => {
      log.info('not this');
      log.warn('this');
    };
    expect(logged(tell, 'warn')).toMatchObject([{ msg: 'this' }]);
    expect(logged(tell, 'silent')).toEqual([]);
  });

  test('has the ids of the span that is active', () => {
    activate(trace.setSpanContext(context.active(), SPAN));
    expect(logged((log) => log.info('x'))).toMatchObject([{ trace_id: SPAN.traceId, span_id: SPAN.spanId }]);
  });

  test('has the trace that the line itself names, where it names one', () => {
    activate(trace.setSpanContext(context.active(), SPAN));
    expect(logged((log) => log.info({ trace_id: 'its own' }, 'x'))).toMatchObject([{ trace_id: 'its own' }]);
  });

  test('has no ids where no span is active', () =>
    expect(logged((log) => log.info('x'))[0]).not.toHaveProperty('trace_id'));
});
