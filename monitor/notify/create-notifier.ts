import type { PlannedNotifier } from '../config/config.ts';
import { emailNotifier } from './email.ts';
import type { Notifier } from './notifier.ts';
import { rabbitmqNotifier } from './rabbitmq.ts';
import { slackNotifier, webhookNotifier } from './webhook.ts';

/** The notifier that the settings describe. */
export function createNotifier(settings: PlannedNotifier): Notifier {
  switch (settings.type) {
    case 'webhook':
      return webhookNotifier(settings);
    case 'slack':
      return slackNotifier(settings);
    case 'email':
      return emailNotifier(settings);
    case 'rabbitmq':
      return rabbitmqNotifier(settings);
  }
}
