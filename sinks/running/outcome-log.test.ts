import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { SendOutcome } from '../../runtime/sending/outcome.ts';
import { OutcomeLog } from './outcome-log.ts';

/** A log whose lines are kept as `level message`, with a clock that the test sets. */
function start(): { log: OutcomeLog; lines: string[]; at: (ms: number) => void } {
  const lines: string[] = [];
  let now = 0;
  const write = (line: string): void => {
    const { level, msg } = JSON.parse(line) as { level: number; msg: string };
    lines.push(`${pino.levels.labels[level]} ${msg}`);
  };
  return {
    log: new OutcomeLog(pino({}, { write }), () => now, 'webhook'),
    lines,
    at: (ms) => {
      now = ms;
    },
  };
}

const FAILED: SendOutcome = { kind: 'retry', reason: 'HTTP 503' };
const REFUSED: SendOutcome = { kind: 'misconfigured', reason: 'HTTP 401' };
const ACCEPTED: SendOutcome = { kind: 'accepted' };

describe('the log of a service that refuses events', () => {
  it('reports the refusal once, again every minute, and when it is over', () => {
    const { log, lines, at } = start();
    for (const ms of [0, 1000, 59_999, 60_000, 61_000]) {
      at(ms);
      log.sent(FAILED);
    }
    log.sent(ACCEPTED);
    log.sent(ACCEPTED);
    expect(lines).toEqual([
      'warn the service did not take a batch: it is sent again',
      'warn the service did not take a batch: it is sent again',
      'info the service takes events again',
    ]);
  });

  it('is louder and immediate if only an operator can help', () => {
    const { log, lines } = start();
    log.sent(FAILED);
    log.sent(REFUSED);
    expect(lines[1]).toMatch(/^error the service refuses us/);
  });

  it('sums up dead letters by class', () => {
    const { log, lines } = start();
    for (let count = 0; count < 500; count += 1) log.dead('rejected', 'HTTP 400');
    log.dead('poison', 'no JSON');
    log.summarise();
    log.summarise();
    expect(lines).toHaveLength(2);
  });
});

describe('the log of dead letters that RabbitMQ refuses', () => {
  it('says which queue, how many and why, and when it is over', () => {
    const { log, lines } = start();
    log.unburied({ messages: 3, reason: 'the queue takes nothing now: is it full?' });
    log.unburied(undefined);
    expect(lines).toEqual([
      expect.stringMatching(
        /^error RabbitMQ does not take 3 messages into clowder\.sink\.webhook\.dead \(the queue takes nothing now/,
      ),
      'info RabbitMQ takes dead letters again',
    ]);
  });
});
