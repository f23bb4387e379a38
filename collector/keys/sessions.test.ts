import { describe, expect, test } from 'vitest';
import { createSessions, SESSION_IDLE_S } from './sessions.ts';

describe('a login', () => {
  test('stands for its key until it is closed', () => {
    const sessions = createSessions(() => 0);
    const [one, other] = [sessions.open('clo_a'), sessions.open('clo_b')];
    expect([sessions.keyOf(one), sessions.keyOf(other)]).toEqual(['clo_a', 'clo_b']);
    sessions.close(one);
    expect([sessions.keyOf(one), sessions.keyOf(other)]).toEqual([undefined, 'clo_b']);
  });

  test('ends twelve hours after its last use', () => {
    let now = 0;
    const sessions = createSessions(() => now);
    const token = sessions.open('clo_a');
    now = SESSION_IDLE_S * 1000;
    expect(sessions.keyOf(token)).toBe('clo_a');
    now *= 2;
    expect(sessions.keyOf(token)).toBe('clo_a');
    now += SESSION_IDLE_S * 1000 + 1;
    expect(sessions.keyOf(token)).toBeUndefined();
  });

  test('has a name that cannot be guessed, and that reveals nothing about the key', () => {
    const sessions = createSessions(() => 0);
    const token = sessions.open('clo_secret');
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(token).not.toBe(sessions.open('clo_secret'));
    expect(sessions.keyOf('clo_secret')).toBeUndefined();
  });

  test('is one of at most a thousand: the least recently used one ends', () => {
    const sessions = createSessions(() => 0);
    const [first, second] = [sessions.open('a'), sessions.open('b')];
    sessions.keyOf(first);
    for (let made = 2; made <= 1000; made += 1) sessions.open('c');
    expect([sessions.keyOf(first), sessions.keyOf(second)]).toEqual(['a', undefined]);
  });
});
