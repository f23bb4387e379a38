import { errorText } from '../error-text.ts';

/** Why there is no connection to a broker, or no topology on it: a stable code, and what to do. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

interface Explanation {
  readonly when: RegExp;
  readonly code: string;
  readonly say: (broker: string, detail: string) => string;
}

/** amqplib only names the frame if the broker closes instead of opening the virtual host. */
const WITHOUT_WORDS = /Expected ConnectionOpenOk; got <?ConnectionClose/;

const mismatch = (broker: string, how: string, detail: string): string =>
  `An exchange exists on ${broker} ${how}: clowder.events must be a durable topic, clowder.metrics a durable fanout exchange. Delete it there, or use another virtual host (${detail})`;

const EXPLANATIONS: readonly Explanation[] = [
  {
    when: /access to queue 'clowder\.sink\./,
    code: 'permission_refused',
    say: (broker, detail) =>
      `${broker} does not permit the user to read the queues of sinks: it must be allowed to read clowder.sink.* (${detail})`,
  },
  {
    when: /access to (?:topic|exchange|queue)/,
    code: 'permission_refused',
    say: (broker, detail) =>
      `${broker} does not permit the user to do this: it must be allowed to configure, write and read clowder.events and clowder.metrics (${detail})`,
  },
  {
    when: /ACCESS[-_]REFUSED|\b403\b/,
    code: 'access_refused',
    say: (broker) =>
      `${broker} refuses user or password: check both in AMQP_URL, and that the user may configure and write clowder.events and clowder.metrics`,
  },
  {
    when: /connection limit|number of channels opened/i,
    code: 'connection_limit',
    say: (broker, detail) =>
      `${broker} takes no more connections of this virtual host or user: raise its limit, or end connections that nobody needs (${detail})`,
  },
  {
    when: /vhost .* is (?:down|stopped)/,
    code: 'vhost_down',
    say: (broker, detail) =>
      `${broker} has stopped the virtual host: see the log of RabbitMQ, and start it again (rabbitmqctl restart_vhost) (${detail})`,
  },
  {
    when: /NOT[-_]ALLOWED|\b530\b/,
    code: 'vhost_refused',
    say: (broker, detail) =>
      `${broker} has no such virtual host, or the user may not use it: check the path of AMQP_URL (${detail})`,
  },
  {
    when: WITHOUT_WORDS,
    code: 'vhost_refused',
    say: (broker) =>
      `${broker} does not open the virtual host, and did not say why when it was asked again: check the path of AMQP_URL, and the limits of virtual host and user`,
  },
  // RabbitMQ's consumer_timeout, half an hour by default.
  {
    when: /delivery acknowledgement on channel \d+ timed out/,
    code: 'acknowledgement_timeout',
    say: (broker) =>
      `${broker} took back what was not acknowledged for too long (consumer_timeout), and delivers it again`,
  },
  {
    when: /inequivalent arg 'type'/,
    code: 'topology_mismatch',
    say: (broker, detail) => mismatch(broker, 'with another type', detail),
  },
  {
    when: /inequivalent arg '[^']*' for exchange/,
    code: 'topology_mismatch',
    say: (broker, detail) => mismatch(broker, 'with other properties', detail),
  },
  {
    when: /PRECONDITION[-_]FAILED|\b406\b/,
    code: 'precondition_failed',
    say: (broker, detail) => `${broker} refuses what was asked of it (${detail})`,
  },
  {
    when: /ECONNREFUSED/,
    code: 'connection_refused',
    say: (broker) => `Nobody listens at ${broker}: is RabbitMQ running, and is the port right?`,
  },
  { when: /ENOTFOUND|EAI_AGAIN/, code: 'host_unknown', say: (broker) => `The host of ${broker} cannot be resolved` },
  {
    when: /ETIMEDOUT|timed? ?out/i,
    code: 'connect_timeout',
    say: (broker) => `${broker} does not answer: is a firewall in between?`,
  },
  {
    when: /wrong[ _]version[ _]number/i,
    code: 'tls_failed',
    say: (broker, detail) =>
      `${broker} does not answer with TLS: use its port for TLS (5671 by default), or amqp:// (${detail})`,
  },
  {
    when: /exceeds maxFrameSize|Invalid frame/,
    code: 'not_amqp',
    say: (broker, detail) => `What listens at ${broker} does not speak AMQP 0-9-1: is the port right? (${detail})`,
  },
  {
    when: /closed abruptly during opening handshake/,
    code: 'connection_lost',
    say: (broker, detail) =>
      `${broker} closed the connection before AMQP began: is it RabbitMQ's port for AMQP, and not that for TLS (amqps://)? (${detail})`,
  },
  {
    when: /certificate|self[- ]signed|SSL|TLS|EPROTO/i,
    code: 'tls_failed',
    say: (broker, detail) =>
      `TLS with ${broker} failed: ${detail}. Check AMQP_CA_FILE, AMQP_CERT_FILE and AMQP_KEY_FILE`,
  },
];

/** Whether a broker refused to open the connection and gave a reason that the error lacks. */
export function isRefusalWithoutWords(error: unknown): boolean {
  return error instanceof Error && WITHOUT_WORDS.test(error.message);
}

/** @param broker the URL without the password */
export function explainBrokerError(error: unknown, broker: string): BrokerError {
  const detail = errorText(error);
  const found = EXPLANATIONS.find(({ when }) => when.test(detail));
  if (found === undefined)
    return new BrokerError('connection_lost', `The connection to ${broker} was lost: ${detail}`, { cause: error });
  return new BrokerError(found.code, found.say(broker, detail), { cause: error });
}
