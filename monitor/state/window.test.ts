import { describe, expect, it } from 'vitest';
import { Window } from './window.ts';

const good = (ms: number) => ({ target: 't', healthy: true, measures: { response_time_ms: ms } });
const bad = { target: 't', healthy: false, measures: {} };

describe('the statistics of the latest readings', () => {
  it('cover only readings in the window, in whole numbers', () => {
    const window = new Window(3);
    window.add(good(1000));
    window.add(good(10.4));
    window.add(good(20.4));
    expect(window.add(good(31))).toEqual({
      response_time_avg: 21,
      response_time_min: 10,
      response_time_max: 31,
      response_time_loss: 0,
    });
  });

  it('leave failed readings out of the times, and count them as loss', () => {
    const window = new Window(4);
    window.add(good(10));
    window.add(bad);
    window.add(bad);
    expect(window.add(good(20))).toEqual({
      response_time_avg: 15,
      response_time_min: 10,
      response_time_max: 20,
      response_time_loss: 50,
    });
  });

  it('are only the loss if nothing was good or nothing is timed', () => {
    expect(new Window(2).add(bad)).toEqual({ response_time_loss: 100 });
    expect(new Window(2).add({ target: 'disk', healthy: true, measures: {} })).toEqual({ response_time_loss: 0 });
  });
});
