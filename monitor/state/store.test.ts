import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Notification } from '../notify/notification.ts';
import { openStore, type MonitorStore } from './store.ts';

let dir = '';
let store: MonitorStore;
let failed: unknown[] = [];

function open(maxPages?: number): MonitorStore {
  return openStore({ dir, onFailure: (error) => failed.push(error), ...(maxPages !== undefined && { maxPages }) });
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'store-'));
  failed = [];
  store = open();
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

function reopen(): void {
  store.close();
  store = open();
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

describe("the monitor's store", () => {
  it('remembers states of targets and their notifications over a restart', () => {
    const state = { status: 'down', sinceMs: 5, against: undefined, failures: 3 } as const;
    store.keepHealth('a', state);
    store.tell('hook', ['hook'], 'a', told, message('1'));
    reopen();
    expect(store.health('a')).toEqual(state);
    expect(store.health('b')).toBeUndefined();
    store.keepHealth('part%\nx', state);
    store.keepHealth('part2\nx', state);
    expect([...store.healthOf('part%\n')]).toEqual([['x', state]]);
    expect(store.told('hook', 'a')).toEqual(told);
    expect(store.told('mail', 'a')).toBeUndefined();
  });

  it("gives a notifier's messages in order, each until it is removed", () => {
    for (const id of ['1', '2']) store.tell('hook', ['hook'], 'a', told, message(id));
    store.tell('mail', ['mail'], 'a', told, message('3'));
    reopen();
    const first = store.firstMessage('hook');
    expect(first?.notification).toEqual(message('1'));
    expect(store.firstMessage('hook')).toEqual(first);
    if (first !== undefined) store.removeMessage('hook', first);
    expect(store.firstMessage('hook')?.notification.id).toBe('2');
    expect(store.firstMessage('mail')?.notification.id).toBe('3');
    expect(store.firstMessage('slack')).toBeUndefined();
  });

  it('keeps a message for each recipient separately, notified once', () => {
    store.tell('mail', ['mail', 'mail to b'], 'a', told, message('1'));
    reopen();
    const first = store.firstMessage('mail to b');
    if (first !== undefined) store.removeMessage('mail to b', first);
    expect([store.firstMessage('mail to b'), store.firstMessage('mail')?.notification.id]).toEqual([undefined, '1']);
    expect([store.told('mail', 'a'), store.told('mail to b', 'a')]).toEqual([told, undefined]);
  });

  it("keeps the latest thousand messages for a notifier that does not work, and all of another's", () => {
    store.tell('mail', ['mail'], 'a', told, message('mail'));
    for (let i = 1; i <= 1003; i += 1) store.tell('hook', ['hook'], 'a', told, message(`h${i}`));
    expect(store.firstMessage('hook')?.notification.id).toBe('h4');
    expect(store.firstMessage('mail')?.notification.id).toBe('mail');
  });

  it('goes on in memory while the disk cannot be written, without repeating a message or forgetting waiting ones', () => {
    store.close();
    store = open(8);
    const ids: string[] = [];
    for (let i = 1; failed.length === 0 && i < 1000; i += 1) {
      ids.push(`m${i}`);
      store.tell('hook', ['hook'], `m${i}`, told, message(`m${i}`));
    }
    expect(failed).toHaveLength(1);
    expect(store.told('hook', ids.at(-1) ?? '')).toEqual(told);
    const delivered: string[] = [];
    for (let row = store.firstMessage('hook'); row !== undefined; row = store.firstMessage('hook')) {
      delivered.push(row.notification.id);
      store.removeMessage('hook', row);
    }
    expect(delivered).toEqual(ids);
  });
});
