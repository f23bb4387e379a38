import { createTransport } from 'nodemailer';
import type { NotifierSettings } from '../config/schema.ts';
import { errorText } from '../../runtime/error-text.ts';
import { details, headline, oneLine, subjectOf, type Notification } from './notification.ts';
import { NotifyError, type Notifier } from './notifier.ts';

const TIMEOUT_MS = 15_000;

/** Sends mail by SMTP. */
export function emailNotifier(settings: NotifierSettings<'email'>): Notifier {
  const { url, from, to, subject_prefix: prefix } = settings;
  return {
    async deliver(notification, signal) {
      const timeouts = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS };
      const transport = createTransport({ url, ...timeouts });
      const stop = (): void => transport.close();
      signal.addEventListener('abort', stop, { once: true });
      try {
        await transport.sendMail({
          from,
          to,
          subject: oneLine([prefix, subjectOf(notification)].filter(Boolean).join(' ')),
          text: textOf(notification),
          date: new Date(notification.atMs),
          // The same for another delivery of it: mail programs show it once.
          messageId: `<${notification.id}@clowder-otel>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
      } catch (error) {
        throw new NotifyError(isRefusal(error) ? 'refused' : 'not_now', errorText(error), { cause: error });
      } finally {
        signal.removeEventListener('abort', stop);
        transport.close();
      }
    },
  };
}

function textOf(notification: Notification): string {
  const lines = details(notification).map(([name, value]) => `${name}: ${value}`);
  return `${headline(notification)}\n\n${lines.join('\n')}\n`;
}

/** 5xx: the server will not take this message, whenever it comes. A login that fails is put right by the operator. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error) || !('responseCode' in error) || typeof error.responseCode !== 'number') return false;
  return error.responseCode >= 500 && !('code' in error && error.code === 'EAUTH');
}
