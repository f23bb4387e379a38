import { createTransport } from 'nodemailer';
import type { NotifierSettings } from '../config/schema.ts';
import { errorText } from '../../runtime/error-text.ts';
import { details, headline, oneLine, subjectOf, type Notification } from './notification.ts';
import { NotifyError, type Notifier } from './notifier.ts';

const TIMEOUT_MS = 15_000;

/**
 * Sends mail by SMTP to one recipient. A refused message is not dropped: a wrong address, sender or login can be
 * corrected, and a mail whose content is refused goes out without the details.
 */
export function emailNotifier(settings: NotifierSettings<'email'>, recipient: string): Notifier {
  const { url, from, to, subject_prefix: prefix } = settings;
  return {
    async deliver(notification, signal) {
      const timeouts = { connectionTimeout: TIMEOUT_MS, greetingTimeout: TIMEOUT_MS, socketTimeout: TIMEOUT_MS };
      const transport = createTransport({ url, ...timeouts });
      const stop = (): void => transport.close();
      signal.addEventListener('abort', stop, { once: true });
      const send = async (text: string): Promise<void> => {
        const { rejected } = await transport.sendMail({
          from,
          to,
          envelope: { from, to: recipient },
          subject: oneLine([prefix, subjectOf(notification)].filter(Boolean).join(' ')),
          text,
          date: new Date(notification.atMs),
          // Stays the same if the mail is sent again, so that mail programs show it once.
          messageId: `<${notification.id}@clowder-otel>`,
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
        if (rejected.length > 0) throw new Error(`refused for ${rejected.map(String).join(', ')}`);
      };
      try {
        await send(textOf(notification)).catch((error: unknown) => {
          if (!isRefusalOfContent(error)) throw error;
          return send(bareTextOf(error));
        });
      } catch (error) {
        throw new NotifyError('not_now', errorText(error), { cause: error });
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

/** Without text from watched pages, which is what filters object to. */
function bareTextOf(error: Error): string {
  return `The mail server did not take the details: ${oneLine(errorText(error))}\nThe health.ping events of the monitor have them.\n`;
}

/** The server accepts sender and recipient, but never this message: 5xx after the content. */
function isRefusalOfContent(error: unknown): error is Error {
  if (!(error instanceof Error) || !('responseCode' in error) || typeof error.responseCode !== 'number') return false;
  return error.responseCode >= 500 && 'code' in error && error.code === 'EMESSAGE';
}
