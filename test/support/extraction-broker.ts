import amqp from 'amqplib';
import { randomBytes, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { startProcess, type RunningProcess } from './processes.ts';

const EXTRACTOR = fileURLToPath(new URL('extractor_like.py', import.meta.url));

export interface ExtractorLike {
  readonly name: string;
  readonly version?: string;
  /** Makes it a private extractor. */
  readonly key?: string;
  /** Interval in seconds. @default 0.5 */
  readonly heartbeat?: number;
  readonly owner?: string;
  /** The (wrong) offset that its timestamps state. */
  readonly zone?: string;
}

/** Starts an extractor process that speaks like pyclowder, on pika. */
export function startExtractor(url: string, extractor: ExtractorLike): Promise<RunningProcess> {
  return startProcess('/usr/bin/python3', [EXTRACTOR, url, JSON.stringify(extractor)], {
    ready: (output) => output.includes('ready'),
  });
}

/** What the extractor does with a job. */
export interface Plan {
  /** `processing: text`, `download: URL` */
  readonly steps?: readonly string[];
  /** @default done */
  readonly end?: 'done' | 'error' | 'retry' | 'skip' | 'hang';
  readonly message?: string;
  /** Seconds of work before its messages go out all at once, as pyclowder's may. @default 0 */
  readonly took?: number;
}

export interface JobOrder {
  readonly queue: string;
  readonly plan: Plan;
  readonly fileId: string;
  readonly datasetId: string;
  /** Whether the job is about the dataset. */
  readonly dataset?: boolean;
  readonly secretKey?: string;
  readonly jobId?: string;
  readonly host?: string;
}

/** An id for the current time, as MongoDB makes them. */
export function objectId(): string {
  return (
    Math.floor(Date.now() / 1000)
      .toString(16)
      .padStart(8, '0') + randomBytes(8).toString('hex')
  );
}

/** A Clowder as RabbitMQ sees it: submits jobs and consumes its reply queue. */
export interface ClowderOnBroker extends AsyncDisposable {
  readonly replyQueue: string;
  /** Bodies from its reply queue, in order. */
  readonly replies: Record<string, unknown>[];
  /** @returns the job's id */
  submit(order: JobOrder): string;
}

/** Declares what this version of Clowder declares, and consumes only its reply queue. */
export async function clowderOnBroker(url: string, version: 'v1' | 'v2'): Promise<ClowderOnBroker> {
  const connection = await amqp.connect(url);
  connection.on('error', () => undefined);
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  const replyQueue = `clowder.${version}test`;
  await channel.assertExchange('clowder', version === 'v1' ? 'topic' : 'direct', { durable: true });
  await channel.assertQueue(replyQueue, { durable: true });
  if (version === 'v2') await channel.bindQueue(replyQueue, 'clowder', '');
  else {
    await channel.assertExchange('extractors', 'fanout', { durable: true });
    await channel.assertQueue('clowder.jobs.temp', { durable: true });
  }
  const replies: Record<string, unknown>[] = [];
  await channel.consume(replyQueue, (message) => {
    if (message === null) return;
    replies.push(JSON.parse(message.content.toString()) as Record<string, unknown>);
    channel.ack(message);
  });
  return {
    replyQueue,
    replies,
    submit(order) {
      const jobId = order.jobId ?? objectId();
      const body = version === 'v1' ? v1Job(order, jobId) : v2Job(order, jobId);
      const properties =
        version === 'v1'
          ? { contentType: 'application/json', correlationId: randomUUID(), replyTo: replyQueue, deliveryMode: 2 }
          : { contentType: 'application/json', replyTo: replyQueue, deliveryMode: 1 };
      channel.publish('', order.queue, Buffer.from(JSON.stringify(body)), properties);
      return jobId;
    },
    [Symbol.asyncDispose]: async () => {
      await connection.close().catch(() => undefined);
    },
  };
}

/** A job that a user submitted by hand, as v1's PublishDirectActor sends it. */
function v1Job({ queue, plan, fileId, datasetId, dataset = false, secretKey, host }: JobOrder, jobId: string): object {
  const id = dataset ? datasetId : fileId;
  return {
    notifies: ['ada@example.org'],
    msgid: objectId(),
    id,
    jobid: jobId,
    intermediateId: id,
    fileSize: dataset ? '0' : '11',
    host: host ?? 'http://clowder.example.org',
    datasetId,
    flags: '',
    secretKey: secretKey ?? 'r1ek3rs',
    routing_key: `extractors.${queue}`,
    source: { id: { resourceType: dataset ? "'dataset" : "'file", id }, extra: dataset ? {} : { filename: 'a.txt' } },
    activity: 'submitted',
    target: '{}',
    ...(dataset ? {} : { filename: 'a.txt' }),
    parameters: plan,
  };
}

/** EventListenerJobMessage and EventListenerDatasetJobMessage of v2. */
function v2Job({ plan, fileId, datasetId, dataset = false, secretKey, host }: JobOrder, jobId: string): object {
  const common = { host: host ?? 'http://clowder.example.org', secretKey: secretKey ?? 'secretKey', retry_count: 0 };
  return dataset
    ? {
        ...common,
        resource_type: 'dataset',
        flags: '',
        datasetName: 'Soil',
        id: datasetId,
        datasetId,
        job_id: jobId,
        parameters: plan,
      }
    : {
        ...common,
        resource_type: 'file',
        flags: '',
        filename: 'a.txt',
        fileSize: 11,
        id: fileId,
        datasetId,
        job_id: jobId,
        parameters: plan,
      };
}
