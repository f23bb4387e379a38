import { createHmac } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { startFakeService } from '../../../test/support/sinks/fake-service.ts';
import type { SinkEvent } from '../../sink.ts';
import { bodyOf, deliveryId, sizeOf } from './body.ts';
import { keyOf, sign } from './signature.ts';
import { webhookSink } from './webhook.ts';

const event = (id: string): SinkEvent => ({
  id,
  type: 'file.uploaded',
  createdMs: Date.UTC(2026, 10, 24),
  resource: 'file/f1',
  fields: { event_id: id, event: 'file.uploaded', created: Date.UTC(2026, 10, 24), clowder_instance: 'lab äö' },
});

function key(secret: string): Buffer {
  const bytes = keyOf(secret);
  if (bytes === undefined) throw new Error(`${secret} is no secret`);
  return bytes;
}

describe('the signature of a webhook', () => {
  it.each([
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', undefined],
    // With the two characters that differ between base64 alphabets, and with padding.
    [`whsec_${Buffer.from([0xfb, 0xff, 0xfe, ...Buffer.alloc(20, 7)]).toString('base64')}`, undefined],
    ['a secret of ours, as plain text', { format: 'raw' }],
  ] as const)("of a delivery with the secret %s is valid for the scheme's own library", async (secret, options) => {
    const library = new Webhook(secret, options);
    const verified: unknown[] = [];
    await using service = await startFakeService({
      eventsIn: () => 1,
      storeHalf: () => undefined,
      handle: ({ headers, body }) => {
        const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;
        verified.push(
          library.verify(body.toString('utf8'), Object.fromEntries(names.map((name) => [name, String(headers[name])]))),
        );
        return { status: 200, body: '' };
      },
    });
    const sink = await open({ url: service.url, secret });
    expect(await sink.send([event('a'), event('ü')], never)).toEqual({ kind: 'accepted' });
    expect(verified).toEqual([[event('a').fields, event('ü').fields]]);
  });

  it('is that of the example in the specification of Standard Webhooks', () => {
    const body = '{"test": 2432232314}';
    expect(
      sign(key('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'), 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1_614_265_330, body),
    ).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  it('is keyed with the text of a secret that is not encoded', () => {
    const expected = createHmac('sha256', 'a secret of ours').update('id.5.[]').digest('base64');
    expect(sign(key('a secret of ours'), 'id', 5, '[]')).toBe(`v1,${expected}`);
  });
});

describe('the body of a webhook', () => {
  it('is an array of the fields', () => {
    expect(JSON.parse(bodyOf([event('a'), event('b')], 'json').body)).toEqual([event('a').fields, event('b').fields]);
  });

  it('is a batch of CloudEvents on request', () => {
    const { contentType, body } = bodyOf([event('a')], 'cloudevents');
    expect(contentType).toBe('application/cloudevents-batch+json');
    expect(JSON.parse(body)).toEqual([
      {
        specversion: '1.0',
        id: 'a',
        source: 'urn:clowder:lab%20%C3%A4%C3%B6',
        type: 'file.uploaded',
        time: '2026-11-24T00:00:00.000Z',
        subject: 'file/f1',
        datacontenttype: 'application/json',
        data: event('a').fields,
      },
    ]);
  });

  it.each(['json', 'cloudevents'] as const)('as %s is as long as the sum of its events', (format) => {
    const batch = [event('a'), event('ü'), event('c')];
    const { body } = bodyOf(batch, format);
    // The brackets, less the comma that the last event does not need.
    const expected = batch.reduce((sum, one) => sum + sizeOf(one, format), 2 - 1);
    expect(Buffer.byteLength(body)).toBe(expected);
  });

  it('has an id that stays the same when the same batch is sent again', () => {
    expect(deliveryId([event('a'), event('b')])).toBe(deliveryId([event('a'), event('b')]));
    expect(deliveryId([event('a'), event('b')])).not.toBe(deliveryId([event('b'), event('a')]));
    // No separator in an id may make two lists equal.
    expect(deliveryId([event('a,b')])).not.toBe(deliveryId([event('a'), event('b')]));
  });
});

const never = new AbortController().signal;
const open = (settings: object) =>
  webhookSink.open(webhookSink.config.parse(settings), {
    log: { info: () => undefined, warn: () => undefined },
    now: Date.now,
  });

describe('messages about a webhook', () => {
  it('name only the host, and repeat nothing of the path, the query or the answer that has a secret', async () => {
    await using service = await startFakeService({
      eventsIn: () => 0,
      storeHalf: () => undefined,
      handle: ({ path }) => ({ status: path.includes('refuse') ? 403 : 200, body: `no ${path} for tok-123` }),
    });
    const said = [
      await (await open({ url: `${service.url}/hooks/s3cret?token=tok-123` })).check(never),
      await (await open({ url: `${service.url}/refuse/s3cret?token=tok-123` })).check(never).catch(String),
      JSON.stringify(await (await open({ url: `${service.url}/refuse/s3cret?q=tok-123` })).send([event('a')], never)),
    ];
    expect(said[0]).toContain(`${new URL(service.url).origin}/…`);
    expect(said[1]).toContain('refuses an empty batch: HTTP 403');
    expect(said.join('\n')).not.toMatch(/s3cret|tok-123/);
  });
});

describe('settings of a webhook', () => {
  it.each([
    [{ url: 'https://a.example', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La_-Sw' }, 'secret'],
    [{ url: 'https://a.example', secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAA' }, 'secret'],
    [{ url: 'https://a.example', secret: 'ein Schlüssel von uns' }, 'secret'],
    [{ url: 'ftp://a.example' }, 'url'],
    [{ url: 'https://a.example', secret: 'short' }, 'secret'],
    [{ url: 'https://a.example', secret: 'whsec_c2hvcnQ=' }, 'secret'],
    [{ url: 'https://a.example', format: 'xml' }, 'format'],
  ])('%j are refused for %s', (settings, field) => {
    const issues = webhookSink.config.safeParse(settings).error?.issues ?? [];
    expect(issues.map(({ path }) => path[0])).toEqual([field]);
  });
});
