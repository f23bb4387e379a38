import type { PlannedNotifier } from '../config/config.ts';
import { emailNotifier } from './email.ts';
import type { Notifier } from './notifier.ts';
import { rabbitmqNotifier } from './rabbitmq.ts';
import { slackNotifier, webhookNotifier } from './webhook.ts';

/** A notifier for one outbox. */
export interface Addressee {
  /** Name of the outbox, kept across restarts. */
  readonly outbox: string;
  readonly notifier: Notifier;
}

/**
 * Creates the configured notifiers. E-mail gets one for each recipient, so that a refused address delays no other recipient.
 */
export function createNotifiers(settings: PlannedNotifier): readonly Addressee[] {
  const { name: outbox } = settings;
  switch (settings.type) {
    case 'webhook':
      return [{ outbox, notifier: webhookNotifier(settings) }];
    case 'slack':
      return [{ outbox, notifier: slackNotifier(settings) }];
    case 'email':
      return settings.to.map((to, index) => ({
        outbox: index === 0 ? outbox : `${outbox} to ${to}`,
        notifier: emailNotifier(settings, to),
      }));
    case 'rabbitmq':
      return [{ outbox, notifier: rabbitmqNotifier(settings) }];
  }
}
