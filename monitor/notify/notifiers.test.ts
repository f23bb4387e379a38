import { describe, expect, it } from 'vitest';
import type { SMTPServerOptions } from 'smtp-server';
import { startHookReceiver, startMailReceiver, startSmtp } from '../../test/support/told.ts';
import { parseMonitorConfig } from '../config/load.ts';
import { createNotifiers } from './create-notifier.ts';
import type { Notification } from './notification.ts';
import type { Notifier } from './notifier.ts';

const down: Notification = {
  id: 'n-1',
  kind: 'down',
  probe: 'health check',
  component: 'clowder',
  target: 'https://clowder.example/healthz',
  sinceMs: Date.UTC(2026, 0, 1),
  atMs: Date.UTC(2026, 0, 1, 0, 0, 5),
  downForS: 5,
  error: 'HTTP 500',
  measures: { status_code: 500 },
};
const never = new AbortController().signal;

const addressees = (yaml: string) => parseMonitorConfig(`notify: [{${yaml}}]`, {}).notify.flatMap(createNotifiers);

function notifier(yaml: string): Notifier {
  const first = addressees(yaml)[0]?.notifier;
  if (first === undefined) throw new Error('no notifier');
  return first;
}

describe('a webhook', () => {
  it('gets everything known as JSON, with the configured headers, unsigned without a secret', async () => {
    await using hook = await startHookReceiver();
    await notifier(`type: webhook, url: "${hook.url}", headers: {X-Token: t1}`).deliver(down, never);
    expect(hook.calls).toMatchObject([
      {
        headers: { 'x-token': 't1', 'content-type': 'application/json' },
        body: {
          id: 'n-1',
          kind: 'down',
          healthy: false,
          text: 'clowder is down (https://clowder.example/healthz): HTTP 500',
          since: '2026-01-01T00:00:00.000Z',
          at: '2026-01-01T00:00:05.000Z',
          measures: { status_code: 500 },
        },
      },
    ]);
    expect(hook.calls[0]?.headers).not.toHaveProperty('x-clowder-signature');
  });

  it('gets the tags of the probe, and a good reading marked as good', async () => {
    await using hook = await startHookReceiver();
    const good: Notification = { ...down, kind: 'still_up', error: undefined, tags: ['production', 'storage'] };
    await notifier(`type: webhook, url: "${hook.url}"`).deliver(good, never);
    await notifier(`type: slack, url: "${hook.url}"`).deliver(good, never);
    expect(hook.calls[0]?.body).toMatchObject({
      healthy: true,
      text: 'clowder is up (https://clowder.example/healthz)',
      tags: ['production', 'storage'],
    });
    expect(JSON.stringify(hook.calls[1]?.body)).toContain('"title":"tags","value":"production, storage"');
    expect(hook.calls[1]?.body).toMatchObject({ attachments: [{ color: 'good' }] });
  });

  it('that is away may accept a message later', async () => {
    await using hook = await startHookReceiver();
    hook.refuse(1);
    const one = notifier(`type: webhook, url: "${hook.url}"`);
    await expect(one.deliver(down, never)).rejects.toMatchObject({ code: 'not_now', message: 'HTTP 503' });
    await expect(one.deliver(down, AbortSignal.abort())).rejects.toMatchObject({ code: 'not_now' });
    const nobody = notifier('type: slack, url: "http://127.0.0.1:1/s3cret-path"');
    await expect(nobody.deliver(down, never)).rejects.toMatchObject({
      code: 'not_now',
      message: expect.not.stringContaining('s3cret-path'),
    });
  });

  it.each([
    ['refuses the message will never accept it', 400, { code: 'refused', message: 'HTTP 400: no_text' }],
    [
      'is at another address may accept it once that is corrected',
      404,
      { code: 'not_now', message: 'HTTP 404: no_text' },
    ],
    ['has another key may accept it once that is corrected', 401, { code: 'not_now', message: 'HTTP 401: no_text' }],
    ['has moved may accept it once that is corrected', 301, { code: 'not_now', message: 'HTTP 301: no_text' }],
    ['leads to a login may accept it once that is corrected', 302, { code: 'not_now', message: 'HTTP 302: no_text' }],
    ['accepts no POST may accept it once that is corrected', 405, { code: 'not_now', message: 'HTTP 405: no_text' }],
    ['was archived may accept it once that is corrected', 410, { code: 'not_now', message: 'HTTP 410: no_text' }],
    ['forbids us may accept it once that is corrected', 403, { code: 'not_now', message: 'HTTP 403: no_text' }],
    [
      'has too much to do says when to try again',
      429,
      { code: 'not_now', message: 'HTTP 429: no_text', afterMs: 7000 },
    ],
  ])('that %s', async (_, status, expected) => {
    const { createServer } = await import('node:http');
    const { once } = await import('node:events');
    const server = createServer((_request, response) =>
      response.writeHead(status, { 'retry-after': '7' }).end('no_text'),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const slack = notifier(`type: slack, url: "http://127.0.0.1:${port}/"`);
    await expect(slack.deliver(down, never)).rejects.toMatchObject(expected);
    server.close();
    server.closeAllConnections();
  });
});

describe('text from a watched page', () => {
  const PAGE =
    'the answer is "<!channel> <!here> <@U1> <https://evil.example|click> @channel @all &\n*b* `c` [x](y)", not "ok"';
  const evil: Notification = { ...down, error: PAGE, measures: { version: '<!everyone>\r\nup since: now' } };

  it.each(['slack', 'webhook'])('mentions nobody and has no links in the text of %s', async (type) => {
    await using hook = await startHookReceiver();
    await notifier(`type: ${type}, url: "${hook.url}"`).deliver(evil, never);
    const { text, attachments = [] } = (hook.calls[0]?.body ?? {}) as { text: string; attachments?: object[] };
    const shown = [text, JSON.stringify(attachments)].join('\n');
    expect(shown).not.toMatch(/<|>(?!")|@\w/);
    expect(text).not.toMatch(/\n|(?<!\u200B)[*`[\]]/);
    expect(shown).toContain('&lt;!channel&gt; &lt;!here&gt;');
    expect(shown).toContain('&amp;');
  });

  it("is unchanged data in a webhook's error", async () => {
    await using hook = await startHookReceiver();
    await notifier(`type: webhook, url: "${hook.url}"`).deliver(evil, never);
    expect(hook.calls[0]?.body).toMatchObject({ error: PAGE });
  });

  it('adds no line and no header to a mail', async () => {
    await using mail = await startMailReceiver();
    const one = notifier(`type: email, url: "${mail.url}", from: m@example.org, to: [a@example.org]`);
    await one.deliver(
      { ...evil, component: 'clowder\r\nBcc: everybody@example.org', error: 'x\r\n\r\nup since: now' },
      never,
    );
    const [{ to, source } = { to: [], source: '' }] = mail.mails;
    expect(to).toEqual(['a@example.org']);
    expect(source).not.toMatch(/^Bcc|^up since/m);
    expect(source).toContain('clowder Bcc: everybody@example.org is down');
  });
});

describe('a mail', () => {
  it('says it in its subject, and everything in its text', async () => {
    await using mail = await startMailReceiver();
    const yaml = `type: email, url: "${mail.url}", from: "Monitor <m@example.org>", to: [a@example.org, b@example.org], subject_prefix: "[clowder]"`;
    expect(addressees(yaml).map(({ outbox }) => outbox)).toEqual(['email', 'email to b@example.org']);
    for (const { notifier: one } of addressees(yaml)) await one.deliver(down, never);
    expect(mail.mails.map(({ to }) => to)).toEqual([['a@example.org'], ['b@example.org']]);
    const [{ source } = { source: '' }] = mail.mails;
    expect(source).toMatch(/^To: a@example.org, b@example.org\r$/m);
    expect(source).toMatch(/^Subject: \[clowder\] clowder is down\r$/m);
    expect(source).toMatch(/^Message-ID: <n-1@clowder-otel>\r$/m);
    expect(source).toContain('clowder is down (https://clowder.example/healthz): HTTP 500');
    expect(source).toContain('status code: 500');
  });

  const no = (responseCode: number) => Object.assign(new Error('no such thing'), { responseCode });
  const REFUSING: Readonly<Record<string, (code: number) => SMTPServerOptions>> = {
    recipient: (code) => ({ onRcptTo: (_address, _session, done) => done(no(code)) }),
    sender: (code) => ({ onMailFrom: (_address, _session, done) => done(no(code)) }),
    client: (code) => ({ onConnect: (_session, done) => done(no(code)) }),
    content: (code) => ({
      onData: (stream, _session, done) => void stream.resume().on('end', () => done(no(code))),
    }),
  };
  it.each(Object.keys(REFUSING).flatMap((what) => [550, 554, 451].map((code) => [what, code] as const)))(
    'whose %s is refused with %i waits until someone corrects it',
    async (what, code) => {
      await using server = await startSmtp(REFUSING[what]?.(code) ?? {});
      const one = notifier(`type: email, url: "${server.url}", from: m@example.org, to: [a@example.org]`);
      await expect(one.deliver(down, never)).rejects.toMatchObject({
        code: 'not_now',
        message: expect.stringContaining(String(code)),
      });
    },
  );

  it('refused for one recipient reaches the others', async () => {
    await using mail = await startMailReceiver({ refuses: 'b@example.org' });
    const yaml = `type: email, url: "${mail.url}", from: m@example.org, to: [a@example.org, b@example.org, "C <c@example.org>"]`;
    const outcomes = await Promise.allSettled(addressees(yaml).map(({ notifier: one }) => one.deliver(down, never)));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(mail.mails.flatMap(({ to }) => to).toSorted()).toEqual(['a@example.org', 'c@example.org']);
  });

  it('whose content a filter refuses goes out without the details', async () => {
    await using mail = await startMailReceiver({ dislikes: 'HTTP 500' });
    await notifier(`type: email, url: "${mail.url}", from: m@example.org, to: [a@example.org]`).deliver(down, never);
    const [{ source } = { source: '' }] = mail.mails;
    expect(source).toMatch(/^Subject: clowder is down\r$/m);
    expect(source).toContain('The mail server did not take the details');
    expect(source).toContain('554');
  });

  it('whose server is away may go out later', async () => {
    const one = notifier('type: email, url: "smtp://u:pa55word@127.0.0.1:1", from: m@example.org, to: [a@example.org]');
    await expect(one.deliver(down, never)).rejects.toMatchObject({
      code: 'not_now',
      message: expect.not.stringContaining('pa55word'),
    });
  });
});
