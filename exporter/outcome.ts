/**
 * What became of a message. `confirmed`: RabbitMQ has it on disk, in a queue. `returned`: no queue takes it. `nacked`: a queue
 * does not take it now. `refused`: it can never be published as it is.
 */
export type Outcome = 'confirmed' | 'returned' | 'nacked' | 'refused';

/** @param reason why a message was refused: the broker's words, or the AMQP limit that the message exceeds */
export type OnOutcome = (outcome: Outcome, reason?: string) => void;
