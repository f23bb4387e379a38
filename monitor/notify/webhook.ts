import { createHmac } from 'node:crypto';
import { post } from '../../runtime/sending/post.ts';
import type { NotifierSettings } from '../config/schema.ts';
import { errorText } from '../../runtime/error-text.ts';
import { details, forChat, headline, isUp, type Notification } from './notification.ts';
import { NotifyError, type Notifier } from './notifier.ts';

/** Posts JSON to a URL. With a secret, it is signed: HMAC-SHA256 of timestamp, dot and body. */
export function webhookNotifier({ url, headers = {}, secret }: NotifierSettings<'webhook'>): Notifier {
  return {
    async deliver(notification, signal) {
      const body = JSON.stringify(webhookBody(notification));
      const timestamp = String(Math.floor(Date.now() / 1000));
      await postJson(url, body, { ...headers, ...(secret && signature(secret, timestamp, body)) }, signal);
    },
  };
}

/** Posts to an incoming webhook of Slack or a compatible service: Mattermost, Rocket.Chat, Discord's /slack. */
export function slackNotifier({ url, channel, username }: NotifierSettings<'slack'>): Notifier {
  return {
    async deliver(notification, signal) {
      const text = forChat(headline(notification));
      const attachment = {
        color: isUp(notification) ? 'good' : 'danger',
        fallback: text,
        fields: details(notification).map(([title, value]) => ({ title, value: forChat(value), short: true })),
        ts: Math.floor(notification.atMs / 1000),
      };
      await postJson(url, JSON.stringify({ text, channel, username, attachments: [attachment] }), {}, signal);
    },
  };
}

function webhookBody(notification: Notification): object {
  const { id, kind, probe, component, target, sinceMs, atMs, downForS, error, measures, instance, tags } = notification;
  return {
    id,
    kind,
    healthy: isUp(notification),
    text: forChat(headline(notification)),
    probe,
    component,
    target,
    since: new Date(sinceMs).toISOString(),
    at: new Date(atMs).toISOString(),
    down_for_s: downForS,
    error,
    clowder_instance: instance,
    tags,
    measures,
  };
}

function signature(secret: string, timestamp: string, body: string): Record<string, string> {
  const hmac = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'x-clowder-timestamp': timestamp, 'x-clowder-signature': `sha256=${hmac}` };
}

/** @throws NotifyError: `not_now` even if an address or key is wrong, because somebody may correct it in time */
async function postJson(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const sent = { 'content-type': 'application/json', 'user-agent': 'clowder-otel-monitor', ...headers };
  const { outcome } = await post({ url, headers: sent, body, signal, now: Date.now }).catch((error: unknown) => {
    throw new NotifyError('not_now', errorText(error), { cause: error });
  });
  switch (outcome.kind) {
    case 'accepted':
    case 'partial':
      return;
    case 'retry':
      throw new NotifyError('not_now', outcome.reason, outcome);
    case 'misconfigured':
      throw new NotifyError('not_now', outcome.reason);
    case 'too_large':
    case 'rejected':
      throw new NotifyError('refused', outcome.reason);
  }
}
