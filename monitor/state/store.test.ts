import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notification } from '../notify/notification.ts';
import { openStore, type MonitorStore } from './store.ts';

let dir = '';
let store: MonitorStore;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'store-'));
  store = openStore(dir);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

function reopen(): void {
  store.close();
  store = openStore(dir);
}

const message = (id: string): Notification => ({
  id,
  kind: 'down',
  probe: 'p',
  component: 'c',
  target: 't',
  sinceMs: 1,
  atMs: 2,
  downForS: 0,
  measures: {},
});
const told = { told: 'down', downAtMs: 5, atMs: 5 } as const;

describe('the store of the monitor', () => {
  it('remembers states of targets and what was told over a restart', () => {
    const state = { status: 'down', sinceMs: 5, against: undefined, failures: 3 } as const;
    store.keepHealth('a', state);
    store.tell('hook', 'a', told, message('1'));
    reopen();
    expect(store.health('a')).toEqual(state);
    expect(store.health('b')).toBeUndefined();
    expect(store.told('hook', 'a')).toEqual(told);
    expect(store.told('mail', 'a')).toBeUndefined();
  });

  it('gives the messages of a notifier in order, each until it is removed', () => {
    for (const id of ['1', '2']) store.tell('hook', 'a', told, message(id));
    store.tell('mail', 'a', told, message('3'));
    reopen();
    const first = store.firstMessage('hook');
    expect(first?.notification).toEqual(message('1'));
    expect(store.firstMessage('hook')).toEqual(first);
    store.removeMessage(first?.id ?? 0);
    expect(store.firstMessage('hook')?.notification.id).toBe('2');
    expect(store.firstMessage('mail')?.notification.id).toBe('3');
    expect(store.firstMessage('slack')).toBeUndefined();
  });

  it('keeps the latest thousand messages of a notifier that takes nothing, and all of another', () => {
    store.tell('mail', 'a', told, message('mail'));
    for (let i = 1; i <= 1003; i += 1) store.tell('hook', 'a', told, message(`h${i}`));
    expect(store.firstMessage('hook')?.notification.id).toBe('h4');
    expect(store.firstMessage('mail')?.notification.id).toBe('mail');
  });
});
