import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { context, trace, TraceFlags, type Context, type ContextManager } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import { createLog, type Logger, type LogFormat, type LogLevel } from './logging.ts';

const SPAN = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
};

/** The logged lines. */
async function linesOf(
  tell: (log: Logger) => void,
  level: LogLevel = 'info',
  format: LogFormat = 'auto',
): Promise<readonly string[]> {
  const lines: string[] = [];
  tell(await createLog('clowder-otel-sink', { level, format }, { write: (line) => lines.push(line) }));
  return lines;
}

async function logged(tell: (log: Logger) => void, level?: LogLevel): Promise<readonly object[]> {
  return (await linesOf(tell, level)).map((line) => JSON.parse(line) as object);
}

/** Makes this span active, as a context manager of the SDK does. */
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
  test('names the program in each line', async () =>
    expect(await logged((log) => log.info({ url: 'u' }, 'is listening'))).toEqual([
      { level: 30, time: expect.any(Number), service: 'clowder-otel-sink', url: 'u', msg: 'is listening' },
    ]));

  test('leaves out lines below its level', async () => {
    const tell = (log: Logger): void => {
      log.info('not this');
      log.warn('this');
    };
    expect(await logged(tell, 'warn')).toMatchObject([{ msg: 'this' }]);
    expect(await logged(tell, 'silent')).toEqual([]);
  });

  test('has the ids of the active span', async () => {
    activate(trace.setSpanContext(context.active(), SPAN));
    expect(await logged((log) => log.info('x'))).toMatchObject([{ trace_id: SPAN.traceId, span_id: SPAN.spanId }]);
  });

  test('has the trace that the line itself names, if any', async () => {
    activate(trace.setSpanContext(context.active(), SPAN));
    expect(await logged((log) => log.info({ trace_id: 'its own' }, 'x'))).toMatchObject([{ trace_id: 'its own' }]);
  });

  test('has no ids if no span is active', async () =>
    expect((await logged((log) => log.info('x')))[0]).not.toHaveProperty('trace_id'));

  test('has lines for people on request, with the reason of an error', async () => {
    const lines = await linesOf(
      (log) => {
        log.info({ url: 'http://127.0.0.1:4318' }, 'is listening');
        log.error({ err: new Error('no room') }, 'cannot write');
        log.info('a \u001b[31mred name');
      },
      'info',
      'pretty',
    );
    expect(lines[0]).toMatch(
      /^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] INFO: is listening \{"url":"http:\/\/127\.0\.0\.1:4318"\}\n$/,
    );
    expect(lines.join('')).not.toContain('\u001b');
    expect(lines[1]).toMatch(/ERROR: cannot write\s+err: .*Error: no room/s);
  });

  test('is JSON in a pipe, unless lines for people are requested', async () => {
    const program = `import { createLog } from ${JSON.stringify(new URL('logging.ts', import.meta.url).href)};
      (await createLog('clowder-otel-sink', { level: 'info', format: process.argv[1] })).info('x');`;
    const run = async (format: LogFormat): Promise<string> =>
      (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, format])).stdout;
    expect(JSON.parse(await run('auto'))).toMatchObject({ msg: 'x' });
    expect(await run('pretty')).toMatch(/INFO: x\n$/);
  });
});
