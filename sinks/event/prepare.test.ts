import { describe, expect, it } from 'vitest';
import { createPreparer, type PrepareOptions } from './prepare.ts';

const prepare = (content: string | Uint8Array, options: Partial<PrepareOptions> = {}, id = 'm1') =>
  createPreparer({ filter: {}, mapping: {}, policy: {}, thirdParty: false, ...options })(Buffer.from(content), id);

const BODY = {
  event_id: 'e1',
  event: 'file.uploaded',
  created: 5,
  resource_type: 'file',
  resource_id: 'f1',
  user_id: 'u1',
};

describe('a message', () => {
  it("is an event with the message's id", () => {
    expect(prepare(JSON.stringify(BODY))).toEqual({
      kind: 'event',
      orderKey: 'file/f1',
      event: { id: 'm1', type: 'file.uploaded', createdMs: 5, resource: 'file/f1', fields: BODY },
    });
  });

  it('without an id has that of the event', () => {
    expect(prepare(JSON.stringify(BODY), {}, '')).toMatchObject({ event: { id: 'e1' } });
  });

  it('is ordered by its resource, even if the policy hides that', () => {
    const hidden = prepare(JSON.stringify(BODY), { policy: { resource_id: 'drop', resource_type: 'drop' } });
    expect(hidden).toMatchObject({ orderKey: 'file/f1', event: { resource: '' } });
    expect(JSON.stringify(hidden.kind === 'event' && hidden.event)).not.toContain('f1');
  });

  it("outside the sink's filter is filtered", () => {
    expect(prepare(JSON.stringify(BODY), { filter: { types: ['user.*'] } })).toEqual({ kind: 'filtered' });
  });

  it('loses fields that no flat body has', () => {
    const prepared = prepare(JSON.stringify({ ...BODY, user: { mail: 'jane' }, list: [1], nothing: null }));
    expect(prepared).toMatchObject({ event: { fields: BODY } });
    expect(JSON.stringify(prepared)).not.toContain('jane');
  });

  it.each([
    ['{', 'the body is not JSON'],
    [new Uint8Array([0x22, 0xff, 0x22]), 'the body is not JSON'],
    ['[]', 'the body is not a JSON object'],
    ['null', 'the body is not a JSON object'],
    [JSON.stringify({ ...BODY, event_id: 7 }), 'event_id is missing, or no text'],
    [JSON.stringify({ ...BODY, event: undefined }), 'event is missing, or no text'],
    [JSON.stringify({ ...BODY, created: '5' }), 'created is missing, or not Unix milliseconds'],
  ])('of %s is poison: %s', (content, reason) => {
    expect(prepare(content)).toEqual({ kind: 'poison', reason });
  });
});
