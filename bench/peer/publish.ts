import { createInterface } from 'node:readline';
import { createReadStream } from 'node:fs';
import amqp from 'amqplib';

/**
 * The peer of the publish row: amqplib alone, in its own process. Publishes the messages in a file to clowder.events with
 * confirms, at most 2,000 unconfirmed, and prints the milliseconds from the first publish to the last confirm.
 *
 * node bench/peer/publish.ts <AMQP URL> <file: a JSON object {routingKey, content, options} per line>
 */
const WINDOW = 2000;

interface Message {
  readonly routingKey: string;
  readonly content: Buffer;
  readonly options: amqp.Options.Publish;
}

async function read(file: string): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const { routingKey, content, options } = JSON.parse(line) as Omit<Message, 'content'> & { content: string };
    messages.push({ routingKey, content: Buffer.from(content), options });
  }
  return messages;
}

function publishAll(channel: amqp.ConfirmChannel, messages: readonly Message[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let confirmed = 0;
    const onConfirm = (error: Error | null): void => {
      if (error !== null) return reject(error);
      confirmed++;
      if (confirmed === messages.length) return resolve();
      return fill();
    };
    const fill = (): void => {
      while (next - confirmed < WINDOW) {
        const message = messages[next++];
        if (message === undefined) return;
        channel.publish('clowder.events', message.routingKey, message.content, message.options, onConfirm);
      }
    };
    fill();
  });
}

const [url = '', file = ''] = process.argv.slice(2);
const messages = await read(file);
const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();
const start = performance.now();
await publishAll(channel, messages);
console.log(performance.now() - start);
await connection.close();
