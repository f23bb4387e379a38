import { createHmac } from 'node:crypto';
import type { NotifierSettings } from '../config/schema.ts';
import { errorText } from '../probes/probe-error.ts';
import { details, headline, type Notification } from './notification.ts';
import { NotifyError, type Notifier } from './notifier.ts';

/** Posts JSON to a URL; with a secret, signed: HMAC-SHA256 of timestamp, dot and body. */
export function webhookNotifier({ url, headers = {}, secret }: NotifierSettings<'webhook'>): Notifier {
  return {
    async deliver(notification, signal) {
      const body = JSON.stringify(webhookBody(notification));
      const timestamp = String(Math.floor(Date.now() / 1000));
      await postJson(url, body, { ...headers, ...(secret && signature(secret, timestamp, body)) }, signal);
    },
  };
}

/** Posts to an incoming webhook of Slack, or of what understands the same: Mattermost, Rocket.Chat, Discord's /slack. */
export function slackNotifier({ url, channel, username }: NotifierSettings<'slack'>): Notifier {
  return {
    async deliver(notification, signal) {
      const text = headline(notification);
      const attachment = {
        color: notification.kind === 'up' ? 'good' : 'danger',
        fallback: text,
        fields: details(notification).map(([title, value]) => ({ title, value, short: true })),
        ts: Math.floor(notification.atMs / 1000),
      };
      await postJson(url, JSON.stringify({ text, channel, username, attachments: [attachment] }), {}, signal);
    },
  };
}

function webhookBody(notification: Notification): object {
  const { id, kind, probe, component, target, sinceMs, atMs, downForS, error, measures, instance } = notification;
  return {
    id,
    kind,
    healthy: kind === 'up',
    text: headline(notification),
    probe,
    component,
    target,
    since: new Date(sinceMs).toISOString(),
    at: new Date(atMs).toISOString(),
    down_for_s: downForS,
    error,
    clowder_instance: instance,
    measures,
  };
}

function signature(secret: string, timestamp: string, body: string): Record<string, string> {
  const hmac = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'x-clowder-timestamp': timestamp, 'x-clowder-signature': `sha256=${hmac}` };
}

/** @throws NotifyError */
async function postJson(
  url: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  let status: number;
  try {
    const sent = { 'content-type': 'application/json', 'user-agent': 'clowder-otel-monitor', ...headers };
    const response = await fetch(url, { method: 'POST', body, headers: sent, signal, redirect: 'manual' });
    await response.body?.cancel();
    status = response.status;
  } catch (error) {
    // fetch says only that it failed; why stands in the cause.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new NotifyError('not_now', errorText(cause), { cause: error });
  }
  if (status >= 200 && status < 300) return;
  const mayPass = status >= 500 || status === 408 || status === 425 || status === 429;
  throw new NotifyError(mayPass ? 'not_now' : 'refused', `HTTP ${status}`);
}
